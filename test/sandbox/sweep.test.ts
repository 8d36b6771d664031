import { existsSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { makeMounted } from "../../src/gateway/boxes/directory.ts"
import { boxDirectory, boxesDirectory } from "../../src/sandbox/box-directory.ts"
import { listBoxFiles } from "../../src/sandbox/boxes.ts"
import { sweepBoxes } from "../../src/sandbox/sweep.ts"
import { openReader } from "../../src/store/open.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { deadOwner, keepBox, processEngine, runId } from "./process-engine.ts"

test("boxes of dead owners are ended and undone, by two at once as by one; those of living ones are let be", async () => {
  const ctx = testContext(temporaryDirectory())
  const engine = processEngine()
  const work = temporaryDirectory({ "used/file": "work", filled: "work", empty: "", "sub/.keep": "" })
  mkdirSync(join(work, "hollow"))
  const elsewhere = temporaryDirectory({ "empty-too": "" })
  symlinkSync(elsewhere, join(work, "link"))
  const own = join(temporaryDirectory(), `nanoguard-${runId(1)}`)
  mkdirSync(join(own, "gate"), { recursive: true })
  const leftover = (kind: "empty-file" | "empty-directory" | "directory", ...path: string[]) => ({
    kind,
    path: join(work, ...path),
  })
  keepBox(ctx, runId(1), "lost", {
    owner: await deadOwner(),
    leftovers: [
      leftover("empty-directory", "hollow"),
      leftover("empty-directory", "used"),
      leftover("empty-file", "empty"),
      leftover("empty-file", "filled"),
      leftover("empty-file", "gone"),
      leftover("empty-file", "link", "empty-too"),
      { kind: "directory", path: own },
    ],
  })
  keepBox(ctx, runId(2), "alive")
  for (const n of [1, 2]) engine.start(runId(n), "x")
  const [first, second] = await Promise.all([sweepBoxes(ctx, [engine]), sweepBoxes(ctx, [engine], { thorough: true })])
  expect([...first, ...second].every(({ run, problems }) => run === runId(1) && problems.length === 0)).toBe(true)
  expect([engine.stateOf(runId(1)), engine.stateOf(runId(2))]).toEqual([undefined, "S"])
  expect(listBoxFiles(ctx).boxes.map(({ run }) => run)).toEqual([runId(2)])
  expect(existsSync(boxDirectory(ctx, runId(1)))).toBe(false)
  const left = ["hollow", "used/file", "empty", "filled", "link/empty-too", "sub/.keep"]
  expect(left.filter((path) => existsSync(join(work, path)))).toEqual([
    "used/file",
    "filled",
    "link/empty-too",
    "sub/.keep",
  ])
  expect(existsSync(own)).toBe(false)
  engine.asked.length = 0
  expect(await sweepBoxes(ctx, [engine])).toEqual([])
  expect(engine.asked).toEqual([])
})

test("what cannot be ended is kept for the next time, and nothing of it is undone before", async () => {
  const ctx = testContext(temporaryDirectory())
  const engine = processEngine()
  const work = temporaryDirectory({ empty: "" })
  const leftovers = [{ kind: "empty-file" as const, path: join(work, "empty") }]
  keepBox(ctx, runId(1), "lost", { owner: await deadOwner(), leftovers })
  engine.start(runId(1), "lost")
  const swept = async (engines = [engine]) => (await sweepBoxes(ctx, engines)).flatMap(({ problems }) => problems)
  engine.broken.set("list", "no daemon")
  expect(await swept()).toEqual(["no daemon"])
  engine.broken.clear()
  for (const method of ["kill", "remove"]) engine.broken.set(method, "permission denied")
  expect(await swept()).toEqual(["permission denied"])
  expect(await swept([])).toEqual(["bubblewrap is not here any more: what ran in it cannot be looked for"])
  expect(existsSync(join(work, "empty"))).toBe(true)
  engine.broken.clear()
  expect(await swept()).toEqual([])
  expect(existsSync(join(work, "empty"))).toBe(false)
})

test("a directory that is not this run's own is left alone, and said", async () => {
  const ctx = testContext(temporaryDirectory())
  const work = temporaryDirectory({ file: "work" })
  keepBox(ctx, runId(1), "lost", { owner: await deadOwner(), leftovers: [{ kind: "directory", path: work }] })
  expect(await sweepBoxes(ctx, [processEngine()])).toMatchObject([
    { problems: [expect.stringContaining("left alone")] },
  ])
  expect(existsSync(join(work, "file"))).toBe(true)
})

test("boxes without a file are ended where all engines are asked, unless the file is only damaged", async () => {
  const ctx = testContext(temporaryDirectory())
  const engine = processEngine()
  keepBox(ctx, runId(2), "damaged")
  writeFileSync(join(boxDirectory(ctx, runId(2)), "box.json"), "{")
  for (const n of [1, 2]) engine.start(runId(n), "x")
  expect(await sweepBoxes(ctx, [engine])).toEqual([])
  expect(await sweepBoxes(ctx, [engine], { thorough: true })).toMatchObject([{ run: runId(1), problems: [] }])
  expect(engine.stateOf(runId(1))).toBeUndefined()
  // A process that was just started may run.
  await expect.poll(() => engine.stateOf(runId(2))).toBe("S")
})

test("what was left behind is undone where its end cannot be recorded, and recorded once that can be", async () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const work = temporaryDirectory({ empty: "" })
  const leftovers = [
    { kind: "empty-file" as const, path: join(work, "empty") },
    { kind: "workspace" as const, path: boxDirectory(ctx, runId(1)) },
  ]
  keepBox(ctx, runId(1), "lost", { owner: await deadOwner(), leftovers })
  makeMounted(ctx, runId(1), [])
  const state = { schema: "nanoguard.workspace-state/1", mode: "none", root: work, run: runId(1) }
  const lists = { working: [], manifests: [], links: [], repositories: {}, hidden: [] }
  writeFileSync(join(boxDirectory(ctx, runId(1)), "workspace.json"), JSON.stringify({ ...state, ...lists }))
  const record = join(boxesDirectory(ctx), "..", "record.db")
  mkdirSync(record)
  const [first] = await sweepBoxes(ctx, [processEngine()])
  expect(first).toMatchObject({ isOver: true, problems: [expect.stringContaining("its end is not in the record")] })
  expect([existsSync(join(work, "empty")), listBoxFiles(ctx).boxes.length]).toEqual([false, 1])
  rmdirSync(record)
  expect(await sweepBoxes(ctx, [processEngine()])).toMatchObject([{ isOver: true, problems: [] }])
  const { db, close } = await openReader(ctx)
  const rows = await db.selectFrom("events").select("body").execute().finally(close)
  const ends = rows.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === "sandbox.ended")
  expect(ends).toMatchObject([{ agent: "lost", run: runId(1), detail: { swept: true } }])
  expect(existsSync(boxDirectory(ctx, runId(1)))).toBe(false)
})

test("the end of a box that was left behind is in the record, once", async () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  keepBox(ctx, runId(1), "lost", { owner: await deadOwner() })
  keepBox(ctx, runId(2), "ended", { owner: await deadOwner() })
  makeMounted(ctx, runId(1), [])
  const engine = processEngine()
  const swept = await Promise.all([1, 2, 3].map(() => sweepBoxes(ctx, [engine])))
  expect(swept.flat().flatMap(({ problems }) => problems)).toEqual([])
  const { db, close } = await openReader(ctx)
  const rows = await db.selectFrom("events").select("body").execute().finally(close)
  const ends = rows.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === "sandbox.ended")
  // What its gate had ended is in the record already.
  expect(ends).toMatchObject([{ agent: "lost", run: runId(1), boxed: true, detail: { swept: true } }])
  expect(existsSync(boxDirectory(ctx, runId(1)))).toBe(false)
})
