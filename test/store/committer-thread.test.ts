// Threads and processes that end when nobody expects it: what waits is refused, what was acknowledged is there.
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { expect, test } from "vitest"
import { EXIT } from "../../src/errors.ts"
import { startCommitter } from "../../src/store/committer-thread.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"

const event = (subject: string) => ({ type: "package.decided", subject, gateway: "gw" })

/** A committer with other code in its thread: it is ready, and then does what `onBatches` says. */
async function startOther(onBatches: string) {
  const directory = temporaryDirectory()
  const file = join(directory, "worker.mjs")
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads"
     parentPort.on("message", (message) => { ${onBatches} })
     parentPort.postMessage({ kind: "ready" })`,
  )
  return startCommitter(testContext(directory), {
    ...{ location: { kind: "sqlite", directory }, gateway: "gw", onCommit: () => {} },
    ...{ entry: pathToFileURL(file), memory: 32 },
  })
}

test.each([
  ["throws", "throw new Error('out of order')", /out of order/],
  ["ends itself", "process.exit(3)", /ended with 3/],
  ["runs out of memory", "const all = []; for (;;) all.push(new Array(1e6).fill(message))", /memory/],
])("a thread that %s refuses all that waits and all that comes", async (_, code, why) => {
  const committer = await startOther(code)
  const waiting = [committer.write({ events: [event("a")] }), committer.write({ events: [event("b")] })]
  for (const one of await Promise.allSettled(waiting)) {
    expect(one).toMatchObject({
      status: "rejected",
      reason: { exit: EXIT.environment, message: expect.stringMatching(why) },
    })
    expect(String((one as PromiseRejectedResult).reason)).toMatch(/may be in the log all the same/)
  }
  await expect(committer.write({ events: [event("c")] })).rejects.toThrow(/the store is closed: its thread died/)
  await committer.close()
})

test("a store that cannot be opened says why, and leaves no thread", async () => {
  const ctx = testContext(temporaryDirectory())
  const location = { kind: "sqlite", directory: "/dev/null/state" } as const
  const failure = startCommitter(ctx, { location, gateway: "gw", onCommit: () => {} })
  await expect(failure).rejects.toMatchObject({ name: "NanoguardError", exit: EXIT.environment })
})

/** Runs a module's text with an open `store` in a process of its own; resolves with what it printed. */
function runWithStore(text: string) {
  const env = emptyHome()
  const script = `
    import { openStore } from ${JSON.stringify(resolve("src/store/open.ts"))}
    import { processContext } from ${JSON.stringify(resolve("src/context.ts"))}
    const store = await openStore(processContext(), { gateway: "gw" })
    const event = (subject) => ({ type: "package.decided", subject, gateway: "gw" })
    ${text}`
  // A file: worker threads inherit the options that a text on the command line needs.
  const file = join(temporaryDirectory({ "script.ts": script }), "script.ts")
  const run = spawnSync(process.execPath, [file], { encoding: "utf8", env, timeout: 15_000 })
  const db = new DatabaseSync(join(env["NANOGUARD_HOME"]!, "state", "record.db"), { timeout: 5000 })
  const subjects = db.prepare("SELECT body FROM events ORDER BY seq").all()
  db.close()
  return { ...run, subjects: subjects.map(({ body }) => (JSON.parse(String(body)) as { subject: string }).subject) }
}

test("a store that nobody closed keeps no process, but a write that waits does", () => {
  const run = runWithStore(`
    store.subscribe(() => {})
    void store.append(event("a")).then((seq) => process.stdout.write("acknowledged " + seq))`)
  expect(run).toMatchObject({ status: 0, stdout: "acknowledged 1", stderr: "", subjects: ["a"] })
})

test("a process that exits in the middle has acknowledged nothing that is not there", () => {
  const run = runWithStore(`
    const told = []
    for (let n = 0; n < 2000; n++) void store.append(event("e" + n)).then(() => told.push("e" + n), () => {})
    const step = () => { if (told.length > 0) { process.stdout.write(told.join(" ")); process.exit(0) } else setImmediate(step) }
    step()`)
  expect(run.status).toBe(0)
  const told = run.stdout.split(" ")
  expect(told.length).toBeGreaterThan(0)
  expect(run.subjects.slice(0, told.length)).toEqual(told)
})
