// Rights that are narrower than the policy: they only ever take away.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { parseAction } from "../../src/policy/examples.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { narrowScope } from "../../src/policy/scope.ts"
import type { Scope } from "../../src/policy/scope-types.ts"
import type { Action } from "../../src/policy/types.ts"

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
  test("has hosts, for requests and for credentials alike", () => {
    const scope = { hosts: ["*.example.org", "model.example.com"] }
    expect(ask(request("GET", "model.example.com"), scope)).toBe("allow network.allowed")
    expect(ask(request("GET", "a.example.org"), scope)).toBe("allow network.allowed")
    expect(ask(request("GET", "a.b.example.org"), scope)).toBe(OUTSIDE)
    expect(ask(request("GET", "api.example.com"), scope)).toBe(OUTSIDE)
    // Both have to cover it, and neither gives what the policy does not.
    expect(ask(request("GET", "a.example.org"), { ...scope, rules: ["model"] })).toBe(OUTSIDE)
    expect(ask(request("GET", "elsewhere.example"), { hosts: ["**"] })).toMatch(/^deny network\./)
    const key: Action = { kind: "credential", credential: "key", method: "GET", host: "api.example.com", path: "/" }
    expect(ask(key, { hosts: ["api.example.com"] })).toBe("allow credential.allowed")
    expect(ask(key, scope)).toBe(OUTSIDE)
  })
  test("has packages by name, in the spelling of their ecosystem, whatever the version", () => {
    const scope = { packages: ["pkg:npm/@acme/*", "pkg:pypi/Typing_Extensions"] }
    const of = (purl: string, own: Scope = scope) => ask(parseAction(purl)!, own)
    expect(of("pkg:npm/@acme/ui@1.0.0")).not.toBe(OUTSIDE)
    expect(of("pkg:pypi/typing-extensions@4.0.0")).not.toBe(OUTSIDE)
    for (const purl of ["pkg:npm/acme@1.0.0", "pkg:npm/left-pad@1.3.0", "pkg:cargo/typing-extensions@4.0.0"])
      expect(of(purl), purl).toBe(OUTSIDE)
    expect(of("pkg:npm/left-pad@1.3.0", { packages: [] })).toBe(OUTSIDE)
    // What is no pattern names nothing.
    expect(of("pkg:npm/left-pad@1.3.0", { packages: ["left-pad", "pkg:npm/left-pad@1.3.0"] })).toBe(OUTSIDE)
    expect(ask(request("GET", "model.example.com"), { hosts: ["https://model.example.com", "*"] })).toBe(OUTSIDE)
  })
  test("has packages letter for letter, where an ecosystem or a host of it may hold two spellings for two", () => {
    const go = (name: string, packages: string[]) =>
      ask({ ...parseAction("pkg:golang/example.com/x@v1.0.0")!, name } as Action, { packages })
    const own = "git.corp.example/Acme/x"
    for (const pattern of [`pkg:golang/${own}`, "pkg:golang/git.corp.example/Acme/*"]) {
      expect(go(own, [pattern])).not.toBe(OUTSIDE)
      expect(go(own.toLowerCase(), [pattern])).toBe(OUTSIDE)
    }
    expect(go(own, [`pkg:golang/${own.toLowerCase()}`])).toBe(OUTSIDE)
    const parent = { packages: ["pkg:golang/git.corp.example/Acme/*"] }
    const child = { packages: [`pkg:golang/${own}`, `pkg:golang/${own.toLowerCase()}`] }
    expect(narrowScope(parent, child)).toEqual({ packages: [`pkg:golang/${own}`] })
    const cargo = { packages: ["pkg:cargo/Serde_Json"] }
    expect(ask(parseAction("pkg:cargo/serde-json@1.0.0")!, cargo)).not.toBe(OUTSIDE)
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
  const someOf = (patterns: string[]) => fc.option(fc.subarray(patterns), { nil: undefined })
  const names = fc.option(fc.subarray(["model", "read", "write", "all"]), { nil: undefined })
  const scopes = fc
    .record({
      rules: names,
      hosts: someOf([
        "**",
        "**.example.org",
        "*.example.org",
        "x.example.org",
        "*.example.com",
        "api.example.com",
        "no host",
      ]),
      packages: fc.oneof(
        fc.constant(false as const),
        someOf(["pkg:npm/*", "pkg:npm/a*", "pkg:npm/a", "pkg:npm/ab", "pkg:pypi/*", "no purl"]),
      ),
    })
    .map(
      ({ rules, hosts, packages }): Scope => ({
        ...(rules && { rules }),
        ...(hosts && { hosts }),
        ...(packages !== undefined && { packages }),
      }),
    )
  const actions = fc.constantFrom(
    request("GET", "api.example.com"),
    request("POST", "api.example.com"),
    request("GET", "model.example.com"),
    request("GET", "x.example.org"),
    request("GET", "x.y.example.org"),
    parseAction("pkg:npm/a@1.0.0")!,
    parseAction("pkg:npm/ab@1.0.0")!,
    parseAction("pkg:npm/abc@1.0.0")!,
    parseAction("pkg:pypi/a@1.0.0")!,
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
        // Nothing is lost that both may: what two lists have in common is all of it.
        if (both === OUTSIDE) expect([ask(action, parent), ask(action, child)]).toContain(OUTSIDE)
      },
    ),
  )
})
