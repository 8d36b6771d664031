// The line that would let a refused request through: adopted, and the request repeated, it does.
import fc from "fast-check"
import { expect, test } from "vitest"
import { decideRequest } from "../../src/policy/decide-request.ts"
import { grantLine, lineForRefusal } from "../../src/policy/grant-line.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { NOW } from "./support.ts"

const action = (more: Partial<NetworkAction> = {}): NetworkAction => ({
  ...{ kind: "network", method: "POST", scheme: "https", host: "api.example.com", port: 443, path: "/v1/charges" },
  ...more,
})
const policyOf = (rules: readonly string[]) =>
  loadPolicy(
    `version: 1\n${rules.length > 0 ? `network:\n${rules.map((rule) => `  ${rule}\n`).join("")}` : ""}`,
    "nanoguard.yaml",
  )

const RULES = [
  "- { id: other, allow: other.example.com }",
  "- { id: reads, allow: api.example.com, methods: [GET] }",
  "- { id: open, allow: api.example.com, methods: [GET, POST, DELETE], ports: [443, 8443, 80] }",
  "- { id: near, allow: api.example.com, addresses: [10.0.0.1] }",
  "- { id: keyed, allow: api.example.com, credential: other }",
  "- { id: asks, ask: api.example.com, paths: [/v1/refunds] }",
  "- { id: never, deny: api.example.com, paths: [/v1/admin] }",
]

test("adopted beside the rules that are there, the same request passes; where it would not, there is no line", () => {
  const lines = { given: 0, none: 0 }
  fc.assert(
    fc.property(
      fc.subarray(RULES),
      fc.record({
        method: fc.constantFrom("GET", "POST", "DELETE"),
        port: fc.constantFrom(443, 8443, 80),
        scheme: fc.constantFrom("https", "wss", "http"),
        path: fc.constantFrom("/v1/charges", "/v1/users/4711", "/v1/refunds", "/v1/admin", "/"),
        operation: fc.constantFrom("", "github:pulls.merge", "stripe:charges.create"),
      }),
      fc.constantFrom([], ["stripe"], ["acme/key-1"], ["a", "b"]),
      fc.subarray(["10.0.0.1", "192.168.7.9", "fd00::7", "169.254.169.254", "8.8.8.8"]),
      (rules, more, credentials, addresses) => {
        const request = action(more as Partial<NetworkAction>)
        const evidence = { now: NOW, counters: {}, addresses }
        const refused = decideRequest(policyOf(rules), request, credentials, evidence)
        const line = lineForRefusal(request, refused, { credentials, addresses })
        if (line === undefined) return void lines.none++
        lines.given++
        const after = decideRequest(policyOf([...rules, line]), request, credentials, evidence)
        expect(after.effect, `${line}: ${after.code} ${after.rule}`).toBe("allow")
        // And nothing else: not another host, not another key, not another private address.
        const other = decideRequest(
          policyOf([...rules, line]),
          action({ ...more, host: "x.example" } as never),
          [],
          evidence,
        )
        expect(other.effect).toBe("deny")
        expect(decideRequest(policyOf([line]), request, ["unnamed"], evidence).effect).toBe("deny")
        expect(
          decideRequest(policyOf([line]), request, credentials, { ...evidence, addresses: ["10.9.9.9"] }).effect,
        ).toBe("deny")
      },
    ),
    { numRuns: 500 },
  )
  expect(lines.given).toBeGreaterThan(50)
  expect(lines.none).toBeGreaterThan(50)
})

test("names the credential that would go onto it, and the private addresses of its host", () => {
  expect(grantLine(action(), { credentials: ["stripe"], addresses: ["10.4.0.7", "8.8.8.8"] })).toBe(
    '- { id: allow-api-example-com, allow: api.example.com, methods: [POST], paths: ["/v1/charges"], credential: stripe, addresses: ["10.4.0.7"] }',
  )
  expect(grantLine(action(), { isTaken: (id) => !id.endsWith("3") })).toContain("id: allow-api-example-com-3,")
  expect(grantLine(action(), { credentials: ["a b"] })).toBeUndefined()
  expect(grantLine(action(), { addresses: ["169.254.169.254"] })).toBeUndefined()
})

test("is none for what another rule or floor refuses, for what is asked, and for what was only observed", () => {
  const of = (rules: readonly string[], more: object = {}) => {
    const refused = decideRequest(policyOf(rules), action(), [], { now: NOW, addresses: ["8.8.8.8"], ...more })
    return lineForRefusal(action(), refused, {})
  }
  expect(of([])).toBeDefined()
  expect(of(["- { id: never, deny: api.example.com }"])).toBeUndefined()
  expect(of(["- { id: asks, ask: api.example.com }"])).toBeUndefined()
  expect(of([], { addresses: ["10.0.0.1"] })).toBeUndefined()
  expect(of([], { killed: true })).toBeUndefined()
  expect(of([], { unboundPlaceholder: "stripe" })).toBeUndefined()
  expect(
    of(["- { id: used, allow: api.example.com, budget: { requests: 1/day } }"], { counters: { "used/requests": 1 } }),
  ).toBeUndefined()
})
