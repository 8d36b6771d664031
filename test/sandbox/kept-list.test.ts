// What runs left and nobody decided about: listed, offered by completion, and not kept for ever.
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { removeBoxFile } from "../../src/sandbox/boxes.ts"
import { openKept } from "../../src/sandbox/kept.ts"
import { ageKept, listKept } from "../../src/sandbox/kept-list.ts"
import { saveState } from "../../src/sandbox/workspace/state.ts"
import type { WorkspaceReport } from "../../src/sandbox/workspace/types.ts"
import { emptyHome, NOW, type TestContext, temporaryDirectory, testContext } from "../context.ts"
import { keepBox, runId } from "./process-engine.ts"

const DAY = 86_400_000

/** What a run left that ended some days before `NOW`. */
function leave(ctx: TestContext, n: number, agent: string, days: number, more: { running?: boolean } = {}) {
  const run = runId(n)
  keepBox(ctx, run, agent)
  const directory = boxDirectory(ctx, run)
  const root = temporaryDirectory()
  const counts = { added: 2, changed: 1, removed: 0 }
  const report: WorkspaceReport = {
    ...{ schema: "nanoguard.workspace/1", mode: "copy", root, counts, changes: [], partial: false, review: true },
  }
  saveState(directory, {
    ...{ schema: "nanoguard.workspace-state/1", mode: "copy", root, run, report },
    ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [] },
  })
  mkdirSync(join(directory, "tree"))
  writeFileSync(join(directory, "tree/new.txt"), "x".repeat(5000))
  const time = (NOW - days * DAY) / 1000
  utimesSync(join(directory, "workspace.json"), time, time)
  if (!more.running) removeBoxFile(ctx, run)
  return { run, root }
}

test("what was kept is listed with who left it; a box that is there still is not among it", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  expect(listKept(ctx)).toEqual({ runs: [], problems: [] })
  const young = leave(ctx, 1, "codex", 2)
  const old = leave(ctx, 2, "claude", 9)
  const open = leave(ctx, 3, "gemini", 1, { running: true })
  mkdirSync(boxDirectory(ctx, runId(4)))
  const kept = listKept(ctx).runs
  expect(kept.map(({ run, agent, changes, root }) => ({ run, agent, changes, root }))).toEqual([
    { ...old, agent: "claude", changes: 3 },
    { ...young, agent: "codex", changes: 3 },
  ])
  expect(kept[0]!.bytes).toBeGreaterThan(5000)
  expect(kept[1]!.removed).toBe(NOW + 28 * DAY)
  expect(() => openKept(ctx, open.run)).toThrow("that run is not over, or was left behind")
})

test("boxes and empty directories are no part of the bound, and what is beyond it is said", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  for (const n of [1, 2, 3]) leave(ctx, n, "gemini", 1, { running: true })
  for (const n of [4, 5]) mkdirSync(boxDirectory(ctx, runId(n)))
  for (const n of [6, 7]) leave(ctx, n, "claude", n)
  const names = ({ runs }: ReturnType<typeof listKept>) => runs.map(({ run }) => run)
  expect(names(listKept(ctx, false, 2))).toEqual([runId(7), runId(6)])
  expect(listKept(ctx, false, 2).problems).toEqual([])
  const cut = listKept(ctx, false, 1)
  expect(cut.runs).toHaveLength(1)
  expect(cut.problems.join()).toMatch(/ keeps 1 runs more than the 1 that are looked at: apply or discard some$/)
})

test("a run whose agent cannot be read any more is there all the same", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const { run } = leave(ctx, 1, "claude", 2)
  chmodSync(join(boxDirectory(ctx, run), "kept.json"), 0o666)
  expect(listKept(ctx).runs).toMatchObject([{ run, changes: 3 }])
  expect(listKept(ctx).runs[0]).not.toHaveProperty("agent")
})

test("an empty note of what was said, as a full disk leaves it, says nothing", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const { run } = leave(ctx, 1, "claude", 31)
  writeFileSync(join(boxDirectory(ctx, run), "warned"), "")
  const what = `what claude left in ${run} (3 changed paths)`
  expect(ageKept({ env: ctx.env, now: () => NOW })).toEqual([
    `${what} is removed in 7 days: nanoguard run --review ${run}`,
  ])
  expect(existsSync(boxDirectory(ctx, run))).toBe(true)
})

test("nothing is removed that was not said to be for a week", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  leave(ctx, 1, "young", 20)
  const { run } = leave(ctx, 2, "claude", 400)
  const at = (days: number) => ageKept({ env: ctx.env, now: () => NOW + days * DAY })
  const what = `what claude left in ${run} (3 changed paths)`
  expect(at(0)).toEqual([`${what} is removed in 7 days: nanoguard run --review ${run}`])
  expect(at(6.5).join("\n")).toContain(`${what} is removed in 1 day:`)
  expect(existsSync(boxDirectory(ctx, run))).toBe(true)
  expect(at(7)).toContain(`${what} waited 407 days, and is removed now`)
  expect(existsSync(boxDirectory(ctx, run))).toBe(false)
  expect(listKept(ctx).runs.map(({ agent }) => agent)).toEqual(["young"])
})

test("the command lists it, and the shell is offered runs and agents", () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const { run } = leave(ctx, 1, "codex", 2)
  keepBox(ctx, runId(5), "claude")
  const env = { PATH: process.env["PATH"], HOME: "/nowhere", ...ctx.env }
  const nanoguard = (...args: string[]) =>
    execFileSync(process.execPath, ["bin/nanoguard.js", ...args], { encoding: "utf8", env })
  expect(nanoguard("run", "--review")).toMatch(new RegExp(`${run} +codex +copy +\\d+d +3 +\\d KiB`))
  const { schema, runs } = JSON.parse(nanoguard("run", "--review", "list", "--format", "json"))
  expect([schema, runs.map((one: { run: string }) => one.run)]).toEqual(["nanoguard.kept/1", [run]])
  expect(nanoguard("complete", "--", "run", "--review", "")).toContain(run)
  expect(nanoguard("complete", "--", "kill", "")).toMatch(/^claude\tagent[\s\S]*^run-000000000005\tclaude/m)
  expect(nanoguard("complete", "--", "resume", "")).not.toContain("claude")
})
