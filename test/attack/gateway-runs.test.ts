// Tokens and visits: one that is over stays so, and none grows without end.
import { describe, expect, it } from "vitest"
import { createIdentify } from "../../src/gateway/identity.ts"
import { createRunBook } from "../../src/gateway/runs.ts"
import type { Refusal } from "../../src/gateway/types.ts"
import type { Verdict } from "../../src/policy/types.ts"

const RUN = { agent: "a", operator: "ana", boxed: false, lasts: 1_000 }
const VERDICT: Verdict = {
  ...{ effect: "deny", code: "vulnerability.severity", rule: "r", subject: "pkg:npm/x@1.0.0", reason: "It is bad." },
  ...{ evidence: [], mode: "enforce", policyHash: "sha256:0" },
}
const REFUSAL: Refusal = { error: "e", requestId: "ng-1", verdict: VERDICT, retryable: false }

describe("a token", () => {
  it("that expired is not let in again by a request that was under way", () => {
    let now = 0
    const book = createRunBook(() => now)
    const { token } = book.open(RUN)
    const who = book.find(token)!
    now = 2_000
    expect(book.find(token)).toBeUndefined()
    // Opening another one sweeps what is over; the slow request of the first then ends.
    book.open(RUN)
    book.took(who, "npm", "x", "1.0.0")
    book.refused(who, REFUSAL)
    book.waits(who, "pkg:npm/x@1.0.0")
    expect(book.find(token)).toBeUndefined()
    expect(book.size).toBe(1)
  })

  it("of a visit that was closed or crowded out is worth nothing, whatever comes late", () => {
    const book = createRunBook(() => 0)
    const closed = book.open(RUN)
    const crowded = book.open(RUN)
    const [first, second] = [book.find(closed.token)!, book.find(crowded.token)!]
    book.close(closed.visit)
    for (let i = 0; i < 1_100; i++) book.open(RUN)
    for (const who of [first, second]) book.took(who, "npm", "x", "1.0.0")
    expect([book.find(closed.token), book.find(crowded.token)]).toEqual([undefined, undefined])
    expect(book.size).toBeLessThanOrEqual(1_000)
  })

  it("in the address counts before one in a header, and a wrong one is never nobody's", () => {
    const book = createRunBook(() => 0)
    const [a, b] = [book.open({ ...RUN, agent: "a" }), book.open({ ...RUN, agent: "b" })]
    const identify = createIdentify(book, { agent: "local", operator: "ana", run: "local", boxed: false })
    expect(identify(a.token, `Bearer ${b.token}`)?.agent).toBe("a")
    expect(identify("wrong", `Bearer ${b.token}`)).toBeUndefined()
    expect(identify(undefined, "Bearer wrong")).toBeUndefined()
    expect(identify("", undefined)).toBeUndefined()
  })

  it("opens the summary of its own visit, and no other has its refusals", () => {
    const book = createRunBook(() => 0)
    const [a, b] = [book.open(RUN), book.open(RUN)]
    book.refused(book.find(a.token)!, REFUSAL)
    expect(book.summary(a.visit)?.summary.refusals).toHaveLength(1)
    expect(book.summary(b.visit)?.summary.refusals).toHaveLength(0)
    expect(book.summary(a.token)).toBeUndefined()
  })
})

describe("a visit that never ends asking", () => {
  it("keeps the last of what it was refused", () => {
    const book = createRunBook(() => 0)
    const who = { agent: "local", operator: "ana", run: "local", boxed: false }
    const refused = new Map(Array.from({ length: 300 }, (_, i) => [`1.0.${i}`, VERDICT]))
    for (let i = 0; i < 6_000; i++) {
      book.listed(who, { client: "npm", ecosystem: "npm", name: `n${i}`, refused })
      book.refused(who, { ...REFUSAL, verdict: { ...VERDICT, subject: `pkg:npm/n${i}@1.0.0` } })
    }
    const seen = book.seenBy(who, "npm")
    expect(seen.reduce((sum, one) => sum + one.refused.size, 0)).toBeLessThanOrEqual(20_000)
    expect(seen[0]).toMatchObject({ name: "n5999", refusals: 300 })
    expect(seen[0]?.refused.has("1.0.299")).toBe(true)
    const { summary } = book.summary("local")!
    expect(summary.refusals.length).toBeLessThanOrEqual(200)
    expect(summary.heldBack.find(({ name }) => name === "n5999")).toMatchObject({ version: "1.0.299", versions: 300 })
  })
})
