// A workspace that is elsewhere at the end: nothing of the box is lost, and it comes over once the place is back.
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { type ReviewOptions, reviewKept, settleRun } from "../../../src/commands/run-review.ts"
import { PLAIN_STYLE } from "../../../src/render/style.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { openKept } from "../../../src/sandbox/kept.ts"
import { listKept } from "../../../src/sandbox/kept-list.ts"
import type { RunOutcome } from "../../../src/sandbox/run-types.ts"
import { emptyHome, testContext } from "../../context.ts"
import { git, makeRepository, open, RUN } from "./make.ts"

async function openMoved(mode: "copy" | "direct" | "worktree") {
  const root = makeRepository()
  const ctx = testContext(root, { env: emptyHome() })
  const directory = boxDirectory(ctx, RUN)
  const { workspace } = await open(root, { mode, ctx, directory })
  writeFileSync(join(mode === "direct" ? root : join(directory, "tree"), "a.txt"), "the agent's\n")
  renameSync(root, `${root}-elsewhere`)
  return { root, ctx, directory, workspace, moveBack: () => renameSync(`${root}-elsewhere`, root) }
}

test("a copy whose workspace was elsewhere is applied once it is back", async () => {
  const { root, ctx, directory, workspace, moveBack } = await openMoved("copy")
  expect(await workspace.finish()).toMatchObject({ changes: [], problem: expect.stringContaining(root) })
  expect(listKept(ctx).runs).toMatchObject([{ run: RUN }])
  // A look does not renew what is kept.
  const { mtimeMs } = statSync(join(directory, "workspace.json"))
  await workspace.finish()
  expect(statSync(join(directory, "workspace.json")).mtimeMs).toBe(mtimeMs)
  moveBack()
  const kept = openKept(ctx, RUN)
  const report = await kept.finish()
  expect(report).toMatchObject({ review: true, counts: { changed: 1 }, partial: false })
  expect(report.problem).toBeUndefined()
  expect(await kept.apply(report)).toMatchObject({ applied: ["a.txt"] })
  expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("the agent's\n")
})

test("a worktree whose workspace was elsewhere becomes its branch once it is back", async () => {
  const { root, ctx, workspace, moveBack } = await openMoved("worktree")
  expect(await workspace.finish()).toMatchObject({ problem: expect.stringContaining(root) })
  moveBack()
  expect(await openKept(ctx, RUN).finish()).toMatchObject({ branch: `nanoguard/${RUN}` })
  expect(git(root, "show", `nanoguard/${RUN}:a.txt`)).toBe("the agent's")
})

const MODES = ["copy", "direct", "worktree"] as const

async function settle(
  { ctx, workspace }: Awaited<ReturnType<typeof openMoved>>,
  options: Omit<ReviewOptions, "style">,
) {
  const closed: boolean[] = []
  const outcome = {
    ...{ run: RUN, exit: 0, report: await workspace.finish(), workspace, interrupted: () => undefined },
    close: async (keep = false) => void closed.push(keep),
  } as unknown as RunOutcome
  await settleRun(ctx, outcome, { ...options, style: PLAIN_STYLE })
  return closed
}

test.each(MODES)("the end of a run keeps a %s whose workspace is elsewhere", async (mode) => {
  const moved = await openMoved(mode)
  expect(await settle(moved, { apply: true })).toEqual([true])
  expect(existsSync(moved.directory)).toBe(true)
  expect(moved.ctx.err()).toContain(`nanoguard run --review ${RUN}`)
})

test.each(MODES)("what is kept of a %s whose workspace is elsewhere goes once a person says so", async (mode) => {
  const moved = await openMoved(mode)
  // Before a run it is said of a copy alone.
  await settle(moved, { discard: true })
  expect(existsSync(moved.directory)).toBe(mode !== "copy")
  if (mode !== "copy") await reviewKept(moved.ctx, RUN, { discard: true })
  expect(existsSync(moved.directory)).toBe(false)
  expect(moved.ctx.err()).toContain("discarded")
  expect(readFileSync(`${moved.root}-elsewhere/a.txt`, "utf8")).toBe(mode === "direct" ? "the agent's\n" : "one\n")
})
