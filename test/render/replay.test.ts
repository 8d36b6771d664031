import { expect, test } from "vitest"
import type { ReplayChange } from "../../src/policy/replay.ts"
import { type RecordReplay, renderReplay } from "../../src/render/replay.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"

const change = (subject: string, over: Partial<ReplayChange> = {}): ReplayChange => ({
  ...{ from: "allow", to: "deny", subject, count: 2, firstSeq: 4, lastSeq: 9, agents: ["coder"] },
  before: { code: "package.allowed", rule: "default (old.yaml:2:1)" },
  after: { code: "release.too-new", rule: "packages.deny.age (new.yaml:4:3)", reason: "Published a day ago." },
  ...over,
})

const report = (over: Partial<RecordReplay> = {}): RecordReplay => ({
  archived: 0,
  ...{ schema: "nanoguard.policy-replay/1", policyHash: "sha256:00", mode: "enforce", decisions: 12, partial: 0 },
  ...{ failed: { count: 0, seqs: [] }, before: { allow: 12, ask: 0, deny: 0 }, after: { allow: 12, ask: 0, deny: 0 } },
  ...{ transitions: [], changes: [], unlisted: 0 },
  ...over,
})

test("groups subjects by the pair of rules, and shows the first few", () => {
  const changes = ["a", "b", "c", "d"].map((name) => change(`pkg:npm/${name}@1.0.0`))
  const text = renderReplay(
    report({
      changes,
      after: { allow: 4, ask: 0, deny: 8 },
      transitions: [{ from: "allow", to: "deny", count: 8 }],
    }),
    "text",
    PLAIN_STYLE,
  )
  expect(text).toBe(`12 decisions decided again: 8 would change.

         as decided          replayed
  allow          12  100.0%         4  33.3%
  ask             0    0.0%         0   0.0%
  deny            0    0.0%         8  66.7%

  allow -> deny  8

  allow -> deny  8 decisions about 4 subjects
    was: package.allowed, default (old.yaml:2:1)
    now: release.too-new, packages.deny.age (new.yaml:4:3)
    Published a day ago.
      pkg:npm/a@1.0.0  2 x, records 4 to 9, by coder
      pkg:npm/b@1.0.0  2 x, records 4 to 9, by coder
      pkg:npm/c@1.0.0  2 x, records 4 to 9, by coder
      and 1 more subject (--format json has all)
`)
})

test("says so where nothing would change, nothing was decided, or something could not be decided again", () => {
  const text = (over: Partial<RecordReplay>) => renderReplay(report(over), "text", PLAIN_STYLE)
  expect(text({})).toContain("12 decisions decided again: none would change.\n")
  expect(text({ decisions: 0 })).toBe("No decision in the log in this time: nothing to replay.\n")
  expect(text({ failed: { count: 2, seqs: [3, 5] } })).toContain("2 records could not be decided again: 3, 5\n")
  expect(text({ partial: 1 })).toContain("1 decision rested on texts that the log keeps only in part")
  expect(text({ unlisted: 7 })).toContain("7 more changes of other subjects")
})

test("shows what stands in the log as text, never as something a terminal obeys", () => {
  const hostile = change("\u001b[2Jpkg:npm/\u202ex", {
    agents: ["::error::\nagent"],
    count: 1,
    firstSeq: 4,
    lastSeq: 4,
  })
  const transitions = [{ from: "allow", to: "deny", count: 1 }] as const
  for (const format of ["text", "json"] as const) {
    const text = renderReplay(report({ changes: [hostile], transitions: [...transitions] }), format, PLAIN_STYLE)
    expect(text).not.toMatch(/[^\n\x20-\x7e]/)
    expect(text).not.toMatch(/^::/m)
  }
})
