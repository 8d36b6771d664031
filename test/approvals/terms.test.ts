// What several people's terms come to: no more than each of them agreed to, in whatever order they answered.
import { generateKeyPairSync, sign } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { decisionMessage, tallyDecisions } from "../../src/approvals/decision.ts"
import { formatPublicKey } from "../../src/approvals/signature.ts"
import type { Approver, Binding, Decision, Terms } from "../../src/approvals/types.ts"

const keys = ["ana", "ben", "cy"].map((name) => ({ name, ...generateKeyPairSync("ed25519") }))
const approvers = new Map<string, Approver>(
  keys.map(({ name, publicKey }) => [name, { name, key: formatPublicKey(publicKey), added: 0, by: "ana" }]),
)
const binding = (kind: string): Binding => ({
  ...{
    v: 1,
    kind,
    agent: "a",
    run: "r",
    subject: "s",
    arguments: {},
    policyHash: "p",
    nonce: "n",
    requested: 0,
    expires: 10,
  },
  approvers: { group: "", people: ["ana", "ben", "cy"], quorum: 1 },
})
const DIGEST = `sha256:${"0".repeat(64)}`

function tally(kind: string, terms: readonly Terms[]) {
  const decisions = terms.map((one, i): Decision => {
    const { name, privateKey } = keys[i]!
    const answer = { answer: "approve" as const, terms: one, time: 1 }
    const signature = `ed25519:${sign(null, Buffer.from(decisionMessage(DIGEST, answer)), privateKey).toString("base64")}`
    return { approval: "ap-aaaaaaaa", by: name, ...answer, signature }
  })
  const asked = binding(kind)
  return tallyDecisions({ digest: DIGEST, binding: asked, decisions }, asked.approvers, approvers)
}

const terms: fc.Arbitrary<Terms> = fc.record(
  {
    scope: fc.constantFrom("run" as const, "agent" as const),
    covers: fc.constantFrom("this" as const, "alike" as const),
    expires: fc.integer({ min: 1, max: 100 }),
    uses: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: [] },
)
const people = fc.array(terms, { minLength: 1, maxLength: 3 })

test("the narrowest of each counts, and the order does not", () => {
  fc.assert(
    fc.property(people, (all) => {
      const found = tally("network", all)
      expect(found.by).toHaveLength(all.length)
      const { scope, covers, uses = Number.POSITIVE_INFINITY, expires = Number.POSITIVE_INFINITY } = found.terms
      expect(scope === "agent").toBe(all.every((one) => one.scope === "agent"))
      expect(covers === "alike").toBe(all.every((one) => one.covers === "alike"))
      const usesOf = (one: Terms) => one.uses ?? (one.covers === "alike" ? Number.POSITIVE_INFINITY : 1)
      expect(uses).toBe(Math.min(...all.map(usesOf)))
      expect(expires).toBe(Math.min(...all.map((one) => one.expires ?? Number.POSITIVE_INFINITY)))
      expect(tally("network", [...all].reverse()).terms).toEqual(found.terms)
    }),
  )
})

test("a package may be let in as often as needed, a request of its own once", () => {
  expect(tally("package", [{ scope: "run", expires: 5 }]).terms.uses).toBeUndefined()
  expect(tally("network", [{ scope: "run", expires: 5 }]).terms.uses).toBe(1)
  expect(tally("network", [{ covers: "alike", expires: 5 }]).terms.uses).toBeUndefined()
  expect(tally("network", [{ covers: "this", uses: 7, expires: 5 }]).terms.uses).toBe(7)
})
