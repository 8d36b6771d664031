// Signals to a run that has no box before the person: the first is a wish, the second an end.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"

const INTERRUPTED = fileURLToPath(new URL("interrupted.ts", import.meta.url))
/** Longer than one ctrl-C may take to come in twice. */
const LATER = 200

/** A run that is ready. */
async function start() {
  const child = spawn(process.execPath, [INTERRUPTED], { stdio: ["pipe", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => {
    said += String(chunk)
  })
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string)
  const says = (text: string) => expect.poll(() => said, { timeout: 10_000 }).toContain(text)
  await says("ready\n")
  return {
    ...{ ended, says, said: () => said },
    signal: (name: NodeJS.Signals) => void child.kill(name),
    does: async (line: string) => {
      child.stdin.write(`${line}\n`)
      await says(`${line}: done\n`)
    },
  }
}

test.each([["SIGINT", 130] as const, ["SIGTERM", 143] as const, ["SIGHUP", 129] as const])(
  "the first %s is a reason to end, with its code",
  async (name, code) => {
    const run = await start()
    run.signal(name)
    await run.says(`own aborted: ${name} ${code}\n`)
    // It lives on: what was begun is undone.
    await run.does("close")
    run.signal(name)
    expect(await run.ended).toBe(name)
  },
)

test("a second one ends the process at once, with the code of the first; one ctrl-C that comes in twice, and a hangup, do not", async () => {
  const run = await start()
  run.signal("SIGINT")
  await run.says("own aborted")
  run.signal("SIGINT")
  await sleep(LATER)
  run.signal("SIGHUP")
  await sleep(LATER)
  await run.does("other")
  run.signal("SIGTERM")
  expect(await run.ended).toBe(130)
})

test("while a box is supervised signals are the box's, and afterwards the run's again", async () => {
  const run = await start()
  await run.does("supervise")
  run.signal("SIGINT")
  await run.says("forwarded: SIGINT\n")
  run.signal("SIGTERM")
  await run.says("asked: terminate\n")
  expect(run.said()).not.toContain("aborted")
  await run.does("over")
  run.signal("SIGTERM")
  await run.says("own aborted: SIGTERM 143\n")
  await sleep(LATER)
  run.signal("SIGTERM")
  expect(await run.ended).toBe(143)
})

test("a run beside a supervised box hears the first signal, and the second ends neither", async () => {
  const run = await start()
  await run.does("supervise")
  await run.does("other")
  run.signal("SIGTERM")
  await run.says("other aborted: SIGTERM 143\n")
  await run.says("asked: terminate\n")
  await sleep(LATER)
  run.signal("SIGTERM")
  await run.says("asked: kill\n")
  expect(run.said()).not.toContain("own aborted")
})
