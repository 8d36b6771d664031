// `approve --stats`, as people see it.
import { expect, test } from "vitest"
import type { ApprovalStats, Figures } from "../../src/approvals/stats.ts"
import { proposalsOf, renderApprovalStats } from "../../src/render/approval-stats.ts"

const of = (approved: number, denied: number, more: Partial<Figures> = {}): Figures => ({
  ...{ asks: approved + denied, approved, denied, unanswered: 0, pending: 0 },
  ...more,
})
const stats = (rules: ApprovalStats["rules"]): ApprovalStats => ({
  ...{ schema: "nanoguard.approval-stats/1", days: 30, cut: false, asksPerDay: 1.4, perDay: [] },
  total: of(40, 2),
  rules,
  risks: [{ risk: "critical", ...of(2, 1) }],
  agents: [{ agent: "claude-1\u202e", ...of(40, 2, { median: 9, p90: 140 }) }],
})

test("a table, the names last and clean, and what is always answered alike as a proposal", () => {
  const rules = [
    { kind: "network", rule: "charges", ...of(39, 1, { median: 4, p90: 7_300 }) },
    { kind: "package", rule: "script.unapproved", ...of(1, 1, { asks: 4, unanswered: 1, pending: 1 }) },
  ]
  expect(renderApprovalStats(stats(rules), "text").split("\n")).toMatchInlineSnapshot(`
    [
      "42 requests in 30 days, 1.4 a day",
      "",
      "asks  yes  no  late  open  median  90%  rule",
      "  40   39   1     0     0      4s   2h  charges",
      "   4    1   1     1     1       -    -  package: script.unapproved",
      "",
      "asks  yes  no  late  open  median  90%  risk",
      "   3    2   1     0     0       -    -  critical",
      "",
      "asks  yes  no  late  open  median  90%  agent",
      "  42   40   2     0     0      9s   2m  claude-1\\u{202e}",
      "",
      "charges: 39 of 40 were approved; a question that is always answered yes is soon answered unread.",
      "Think about a rule that says allow, and adopt it (l on a card shows a line).",
      "",
    ]
  `)
  expect(JSON.parse(renderApprovalStats(stats(rules), "json"))).toMatchObject({
    schema: "nanoguard.approval-stats/1",
    proposals: [{ rule: "charges", change: "allow", answers: 40, same: 39 }],
  })
})

test.each([
  [of(19, 0), []],
  [of(20, 0), ["allow"]],
  [of(19, 1), []],
  [of(0, 20), ["deny"]],
  [of(1, 20), ["deny"]],
  [of(2, 20), []],
  [of(10, 10), []],
  // What nobody answered is no answer.
  [of(19, 0, { asks: 119, unanswered: 100 }), []],
])("%j speaks for %j", (figures, changes) => {
  expect(proposalsOf({ rules: [{ kind: "network", rule: "r", ...figures }] }).map(({ change }) => change)).toEqual(
    changes,
  )
})

test("nothing is nothing", () => {
  const none = { ...stats([]), total: of(0, 0) }
  expect(renderApprovalStats(none, "text")).toBe("Nothing was asked in 30 days.\n")
})
