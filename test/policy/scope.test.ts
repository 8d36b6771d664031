// Rights that are narrower than the policy: they only ever take away.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { parseAction } from "../../src/policy/examples.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { narrowScope } from "../../src/policy/scope.ts"
import type { Action, Scope } from "../../src/policy/types.ts"

const policy = await loadPolicyTexts([
  {
    file: "nanoguard.yaml",
    text: `version: 1
default: { packages: allow }
network:
  - { id: model, allow: model.example.com }
  - { id: read, allow: api.example.com, methods: [GET] }
  - { id: write, ask: api.example.com, methods: [POST] }
  - { id: all, allow: "**.example.org" }
  - { id: not, deny: bad.example.org }
credentials:
  - { id: key, allow: key, hosts: [api.example.com] }
`,
  },
])

const request = (method: string, host: string): Action => ({
  ...{ kind: "network", scheme: "https", port: 443, path: "/" },
  ...{ method, host },
})
const ask = (action: Action, scope?: Scope, counters = {}) => {
  const { effect, code } = decide(policy, action, { now: 0, counters, ...(scope && { scope }) })
  return `${effect} ${code}`
}
const OUTSIDE = "deny agent.scope"

describe("a scope", () => {
  test("leaves what it names as the policy has it", () => {
    const scope = { rules: ["model", "write", "not"] }
    expect(ask(request("POST", "model.example.com"), scope)).toBe("allow network.allowed")
    expect(ask(request("POST", "api.example.com"), scope)).toBe("ask network.approval")
    expect(ask(request("GET", "api.example.com"), scope)).toBe(OUTSIDE)
    expect(ask(request("GET", "a.example.org"), scope)).toBe(OUTSIDE)
    // A rule that denies gives no right, and denies whoever has it.
    expect(ask(request("GET", "bad.example.org"), scope)).toBe(OUTSIDE)
    expect(ask(request("GET", "bad.example.org"), { rules: ["all"] })).toBe("deny network.host-denied")
  })
  test("is no right where it is empty", () => {
    expect(ask(request("GET", "model.example.com"), { rules: [] })).toBe(OUTSIDE)
    expect(ask(request("GET", "model.example.com"), {})).toBe("allow network.allowed")
  })
  test("covers credentials and packages", () => {
    const key: Action = { kind: "credential", credential: "key", method: "GET", host: "api.example.com", path: "/" }
    expect(ask(key)).toBe("allow credential.allowed")
    expect(ask(key, { credentials: ["other"] })).toBe(OUTSIDE)
    expect(ask(key, { credentials: ["key"] })).toBe("allow credential.allowed")
    const purl = parseAction("pkg:npm/left-pad@1.3.0")!
    expect(ask(purl, { packages: false })).toBe(OUTSIDE)
    expect(ask(purl, { rules: [] })).not.toBe(OUTSIDE)
  })
  test("has budgets, and one that nobody counts is used up", () => {
    const scope: Scope = { budgets: [{ unit: "requests", limit: 2, window: "hour", counter: "agent:a/requests" }] }
    const action = request("GET", "model.example.com")
    expect(ask(action, scope, { "agent:a/requests": 1 })).toBe("allow network.allowed")
    expect(ask(action, scope, { "agent:a/requests": 2 })).toBe("deny agent.budget")
    expect(decide(policy, action, { now: 0, scope }).code).toBe("agent.budget")
  })
})

test("what a child may, its parent may as well", () => {
  const names = fc.option(fc.subarray(["model", "read", "write", "all"]), { nil: undefined })
  const scopes = fc
    .record({ rules: names, packages: fc.constantFrom(undefined, false as const) })
    .map(({ rules, packages }): Scope => ({ ...(rules && { rules }), ...(packages === false && { packages }) }))
  const actions = fc.constantFrom(
    request("GET", "api.example.com"),
    request("POST", "api.example.com"),
    request("GET", "model.example.com"),
    request("GET", "x.example.org"),
    parseAction("pkg:npm/a@1.0.0")!,
  )
  fc.assert(
    fc.property(
      fc.option(scopes, { nil: undefined }),
      fc.option(scopes, { nil: undefined }),
      actions,
      (parent, child, action) => {
        const both = ask(action, narrowScope(parent, child))
        if (ask(action, parent).startsWith("deny")) expect(both).toMatch(/^deny/)
        if (ask(action, child).startsWith("deny")) expect(both).toMatch(/^deny/)
        if (both === OUTSIDE) expect([ask(action, parent), ask(action, child)]).toContain(OUTSIDE)
      },
    ),
  )
})
