import { expect, test } from "vitest"
import { renderApplied, renderDiff, renderNotes, renderReview } from "../../src/render/workspace.ts"

const EVIL = "a\x1b]0;title\x07\u202e.sh"

test("names that an agent chose reach no terminal as they are", () => {
  const change = {
    path: EVIL,
    change: "added",
    kind: "file",
    size: 1,
    mode: 0o644,
    runs: "build",
    details: [EVIL],
  } as const
  const git = { refs: [{ ref: "refs/heads/x", to: "1" }], conflicts: [], refused: [EVIL], problem: EVIL }
  const report = {
    ...({ schema: "nanoguard.workspace/1", mode: "copy", root: "/x", partial: true, review: true } as const),
    ...{ counts: { added: 1, changed: 0, removed: 0 }, changes: [change, { ...change, refused: EVIL }], git },
  }
  const texts = [
    renderReview(report),
    renderNotes([{ level: "warning", kind: "masked", text: "secrets", paths: [EVIL] }]),
    renderDiff(`+${EVIL}\n-x\r\x1b[2J`),
    renderApplied({ applied: [], conflicts: [{ path: EVIL, why: EVIL }], refused: [] }),
  ]
  for (const text of texts) expect(text).toMatch(/^[\x20-\x7e\n]+$/)
  expect(texts[0]).toContain("Will run on your host once it is there:\n  + a\\u{1b}")
})

test("nothing to say is no output, and long lists are cut", () => {
  const nothing = {
    schema: "nanoguard.workspace/1",
    mode: "direct",
    root: "/x",
    counts: { added: 0, changed: 0, removed: 0 },
    changes: [],
    partial: false,
    review: false,
  } as const
  expect(renderReview(nothing)).toBe("")
  expect(renderNotes([])).toBe("")
  expect(
    renderNotes([{ level: "info", kind: "masked", text: "secrets", paths: ["a", "b", "c", "d", "e", "f", "g", "h"] }]),
  ).toBe("secrets: a, b, c, d, e, f and 2 more\n")
  const conflicts = Array.from({ length: 43 }, (_, at) => ({ path: `${at}`, why: "changed" }))
  expect(renderApplied({ applied: [], conflicts, refused: [] })).toMatch(/: changed\n {2}and 3 more\n$/)
  expect(renderDiff("a\n".repeat(10), undefined, 3)).toBe("a\na\na\n[+8 lines]\n")
})

test("where more is kept aside than there is room for, it says so and where to find it", () => {
  const conflicts = Array.from({ length: 43 }, (_, at) => ({
    ref: "refs/stash",
    kept: `refs/nanoguard/run/stash/${at}`,
  }))
  const text = renderReview({
    ...({ schema: "nanoguard.workspace/1", mode: "copy", root: "/x", partial: false, review: false } as const),
    ...{ counts: { added: 0, changed: 0, removed: 0 }, changes: [], git: { refs: [], conflicts, refused: [] } },
  })
  expect(text).toContain("stash/39\ngit: and 3 more: git for-each-ref refs/nanoguard\n")
})
