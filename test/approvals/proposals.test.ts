// Rules that people always answer the same, proposed as ones that ask nobody.
import { describe, expect, test } from "vitest"
import { proposeRules } from "../../src/approvals/proposals.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { NOW } from "../context.ts"
import { POLICY } from "../gateway/hold/support.ts"

const figures = (approved: number, denied: number) => ({
  ...{ kind: "network", rule: "writes", approved, denied, asks: approved + denied, unanswered: 0, pending: 0 },
})

describe("a proposal", () => {
  test.each([
    [19, 0, undefined],
    [20, 0, "allow"],
    [19, 1, undefined],
    [95, 5, undefined],
    [96, 4, "allow"],
    [0, 20, "deny"],
    [0, 19, undefined],
    [1, 99, undefined],
  ])("after %i yes and %i no is %s", (approved, denied, effect) => {
    expect(proposeRules([figures(approved, denied)], POLICY).map((one) => one.effect)).toEqual(effect ? [effect] : [])
  })

  test("is a line that the policy takes in the rule's place, and that says what the rule said", () => {
    const text = (line: string) =>
      `version: 1\nnetwork:\n  ${line}\napprovers: { two: { people: [ana, ben], quorum: 2, expire: 15m } }\n`
    const rule =
      '- { id: writes, ask: "*.example.com", methods: [POST], paths: ["/v1/**"], approvers: two, bind: [x-a], reason: "it: matters, a lot" }'
    const policy = loadPolicy(text(rule), "nanoguard.yaml")
    for (const [given, effect] of [
      [figures(30, 0), "allow"],
      [figures(0, 30), "deny"],
    ] as const) {
      const [proposal] = proposeRules([given], policy)
      expect(proposal).toMatchObject({ effect, place: expect.stringContaining("nanoguard.yaml:3") })
      const after = loadPolicy(text(proposal!.line!), "nanoguard.yaml")
      const action = { kind: "network", scheme: "https", host: "api.example.com", port: 443, method: "POST" } as const
      expect(decide(after, { ...action, path: "/v1/a" }, { now: NOW })).toMatchObject({ effect })
      expect(decide(after, { ...action, path: "/v2/a" }, { now: NOW }).rule).not.toContain("writes")
    }
  })
})
