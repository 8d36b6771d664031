// What becomes of a copy's changes once a person has spoken: what did not come over is not thrown away.
import { expect, test } from "vitest"
import { type ReviewOptions, reviewWorkspace } from "../../src/commands/run-review.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import type { ApplyResult, WorkspaceReport } from "../../src/sandbox/workspace/types.ts"
import { testContext } from "../context.ts"

const REPORT: WorkspaceReport = {
  ...{ mode: "copy", review: true, partial: false, runsOnHost: [] },
  changes: [{ path: "a.txt", change: "changed", kind: "file", size: 1, mode: 0o644 }],
  counts: { added: 0, changed: 1, removed: 0 },
} as unknown as WorkspaceReport

async function review(result: ApplyResult, report = REPORT, options: Omit<ReviewOptions, "style"> = { apply: true }) {
  const ctx = testContext("/")
  const workspace = { diff: async () => "", apply: async () => result }
  const stays = await reviewWorkspace(
    ctx,
    "run-000000000001",
    { report, workspace },
    { ...options, style: PLAIN_STYLE },
  )
  return { stays, said: ctx.err() }
}

const NOTHING: ApplyResult = { applied: [], conflicts: [], refused: [] }

test("changes that could not be written wait", async () => {
  const conflicts = [{ path: "a.txt", why: "it could not be written (ENOSPC)" }]
  const { stays, said } = await review({ applied: [], conflicts, refused: [] })
  expect(stays).toBe(true)
  expect(said).toContain("nanoguard run --review run-000000000001")
})

test("changes that were all applied, or never come over, do not", async () => {
  const refused = [{ path: ".vscode/tasks.json", why: "tools run it unasked" }]
  const { stays, said } = await review({ applied: ["a.txt"], conflicts: [], refused })
  expect(stays).toBe(false)
  expect(said).not.toContain("--review")
})

const MOVED: WorkspaceReport = { ...REPORT, changes: [], problem: "/work: something else is there", partial: true }

test.each([
  { ...MOVED, mode: "copy" },
  { ...MOVED, mode: "direct", review: false },
  { ...MOVED, mode: "worktree", review: false },
] as const)(
  "what the box left waits where its workspace ($mode) is elsewhere, and nothing is applied",
  async (report) => {
    for (const options of [{}, { apply: true }, { quiet: true }]) {
      const { stays, said } = await review(NOTHING, report, options)
      expect(stays).toBe(true)
      expect(said).toContain("something else is there")
      expect(said).toContain("nanoguard run --review run-000000000001")
      expect(said).not.toContain("applied")
    }
  },
)

test.each([
  ["a part could not be looked at", { ...REPORT, partial: true }],
  ["fewer came over than there are", { ...REPORT, counts: { added: 1, changed: 1, removed: 0 } }],
])("a copy stays after it was applied where %s", async (_, report) => {
  const { stays, said } = await review({ ...NOTHING, applied: ["a.txt"] }, report)
  expect(stays).toBe(true)
  expect(said).toContain("run-000000000001/tree")
  expect(said).toContain("nanoguard run --review run-000000000001 --discard")
})

const NOT_TAKEN = { git: { refs: [], conflicts: [], refused: [], problem: "git refused what the box committed" } }

test.each([
  { ...REPORT, ...NOT_TAKEN },
  { ...REPORT, ...NOT_TAKEN, mode: "direct", review: false },
  { ...REPORT, ...NOT_TAKEN, mode: "worktree", review: false },
] as const)("commits that did not come over ($mode) stay until they are discarded", async (report) => {
  const applied = { ...NOTHING, applied: ["a.txt"] }
  const { stays, said } = await review(applied, report)
  expect(stays).toBe(true)
  expect(said).toContain("nanoguard run --review run-000000000001 --discard")
  const discarded = await review(NOTHING, report, { discard: true })
  expect(discarded.stays).toBe(false)
  expect(discarded.said).toMatch(/(the changes are|what did not come over is) discarded/)
  expect(discarded.said).not.toContain("--")
})
