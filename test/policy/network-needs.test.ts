// What the gate asks of a policy before it reads a request, and the line that a person is shown after one was refused.
import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { grantLine } from "../../src/policy/grant-line.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { couldReach, matchingRules, networkNeeds } from "../../src/policy/network.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { policyData, requests } from "./arbitraries.ts"
import { action, answer, NOW } from "./support.ts"

const load = (text: string) => loadPolicy(`version: 1\n${text}`, "p.yaml")
const NOTHING = { inspect: true, http2: false, selectors: [], classify: false }

describe("the needs of a host", () => {
  const policy = load(`
network:
  - { id: api, allow: api.example.com, http2: true, where: { query.b: { max: 5 }, header.a: { present: true } } }
  - { id: api-write, ask: api.example.com, where: { query.b: { min: 5 }, "json:/x": { equals: 1 } }, placeholders: inert }
  - { id: forge, allow: "*.example.com", service: gitlab, placeholders: refuse }
  - { id: own, allow: git.example.com, service: github, operations: [github:pulls.*] }
  - { id: pinned, allow: pinned.example.org, inspect: false }
  - { id: looked, allow: looked.example.org, inspect: false }
  - { id: looked-into, deny: "**.example.org", methods: [DELETE], ports: [8443] }
  - { id: both, allow: both.example.org, inspect: false }
  - { id: both-injected, allow: both.example.org, credential: key }
  - { id: db, allow: db.example.net, ports: [5432], raw: true }
  - { id: odd, allow: odd.example.net, ports: [8443], http2: true, access: read }
`)
  test.each([
    ["nowhere.example", 443, NOTHING],
    [
      "api.example.com",
      443,
      {
        ...{ inspect: true, http2: true, selectors: ["header.a", "json:/x", "query.b"], classify: false },
        ...{ service: "gitlab", placeholders: "refuse" },
      },
    ],
    ["git.example.com", 443, { ...NOTHING, classify: true, service: "github", placeholders: "refuse" }],
    ["pinned.example.org", 443, { ...NOTHING, inspect: false }],
    // `inspect: false` is about 443, and a rule that looks inside is about 8443.
    ["pinned.example.org", 8443, NOTHING],
    ["both.example.org", 443, NOTHING],
    ["db.example.net", 5432, { ...NOTHING, inspect: false, raw: true }],
    ["db.example.net", 443, NOTHING],
    ["odd.example.net", 8443, { ...NOTHING, http2: true, classify: true }],
    ["odd.example.net", 443, NOTHING],
  ] as const)("%s:%d", (host, port, needs) => {
    expect(networkNeeds(policy, host, port)).toEqual(needs)
    expect(networkNeeds(policy, host, port)).toBe(networkNeeds(policy, host, port))
  })

  it("do not pass what another rule has to look into, by its host or by another's", () => {
    const with_ = (more: string) =>
      networkNeeds(load(`network: [{ id: a, allow: a.example, inspect: false }, ${more}]`), "a.example", 443).inspect
    expect(with_("{ id: b, deny: b.example, methods: [GET] }")).toBe(false)
    expect(with_("{ id: b, deny: a.example, ports: [80] }")).toBe(false)
    expect(with_('{ id: b, allow: "**" }')).toBe(false)
    expect(with_('{ id: b, allow: "**", budget: { bytes: 1G/day } }')).toBe(false)
    for (const more of ["methods: [GET]", "paths: [/a]", "operations: [git:push]", "access: write"])
      expect(with_(`{ id: b, deny: "**", ${more} }`), more).toBe(true)
    for (const more of ["http2: true", "service: git", "placeholders: inert", "budget: { usd: 1/day }"])
      expect(with_(`{ id: b, allow: "**.example", ${more} }`), more).toBe(true)
    expect(with_("{ id: b, ask: a.example }")).toBe(true)
  })

  it("do not depend on the order of rules", () => {
    fc.assert(
      fc.property(policyData("r"), requests, (data, { host, port }) => {
        const handled = data.network.map((rule, index) => ({
          ...rule,
          ...("deny" in rule ? {} : { service: ["git", "github", "gitlab"][index % 3], placeholders: "inert" }),
        }))
        const of = (network: unknown[]) => loadPolicy(JSON.stringify({ ...data, network }), "p.yaml")
        const [one, other] = [of(handled), of(handled.toReversed())]
        expect(networkNeeds(other, host, port)).toEqual(networkNeeds(one, host, port))
        expect(couldReach(other, host, port)).toBe(couldReach(one, host, port))
      }),
      { numRuns: 150 },
    )
  })

  it("are remembered for so many hosts, and forgotten in time", () => {
    for (let index = 0; index < 5_000; index++) networkNeeds(policy, `h${index}.example.com`, 443)
    expect(networkNeeds(policy, "api.example.com", 443).http2).toBe(true)
  })
})

describe("whether a host could be reached", () => {
  test.each([
    ["", "a.example", false],
    ["network: [{ id: a, allow: a.example }]", "a.example", true],
    ["network: [{ id: a, allow: a.example, methods: [GET], where: { query.a: { equals: b } } }]", "a.example", true],
    ["network: [{ id: a, ask: a.example }]", "a.example", true],
    ["network: [{ id: a, ask: a.example, mode: observe }]", "a.example", false],
    ["network: [{ id: a, allow: a.example, ports: [8443] }]", "a.example", false],
    ["network: [{ id: a, allow: a.example }, { id: b, deny: a.example }]", "a.example", false],
    ["network: [{ id: a, allow: a.example }, { id: b, deny: a.example, methods: [GET] }]", "a.example", true],
    ["network: [{ id: a, allow: a.example }, { id: b, deny: a.example, mode: observe }]", "a.example", true],
    ["mode: observe", "a.example", true],
    ["mode: observe", "10.0.0.1", false],
    ['network: [{ id: a, allow: "**" }]', "10.0.0.1", false],
    ['network: [{ id: a, allow: "**", addresses: [10.0.0.1] }]', "10.0.0.1", true],
  ])("%s %s: %s", (text, host, expected) => {
    expect(couldReach(load(text), host, 443)).toBe(expected)
  })

  it("is never denied where some request gets through", () => {
    fc.assert(
      fc.property(policyData("r"), fc.array(requests, { minLength: 5, maxLength: 5 }), (data, list) => {
        const policy = loadPolicy(JSON.stringify(data), "p.yaml")
        for (const request of list) {
          const { effect, mode } = decide(policy, request, { now: NOW, counters: {} })
          if (effect !== "deny" || mode === "observe") expect(couldReach(policy, request.host, request.port)).toBe(true)
          const { selectors, classify } = networkNeeds(policy, request.host, request.port)
          for (const { source } of matchingRules(policy, request)) {
            expect(selectors).toEqual(expect.arrayContaining(Object.keys((source["where"] as object) ?? {})))
            if (source["operations"] ?? source["access"]) expect(classify).toBe(true)
          }
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe("the line that would allow a refused request", () => {
  test.each([
    [
      "POST https://api.example.com/v1/charges",
      '- { id: allow-api-example-com, allow: api.example.com, methods: [POST], paths: ["/v1/charges"] }',
    ],
    [
      "GET http://api.example.com/users/4711/posts",
      '- { id: allow-api-example-com, allow: api.example.com, ports: [80], methods: [GET], paths: ["/users/*/posts"] }',
    ],
    [
      "DELETE https://x.example:8443/a/6f9619ff-8b86-d011-b42d-00cf4fc964ff/a*b",
      '- { id: allow-x-example, allow: x.example, ports: [8443], methods: [DELETE], paths: ["/a/*/*"] }',
    ],
    ["CONNECT https://x.example/", "- { id: allow-x-example, allow: x.example, access: read }"],
  ])("%s", (text, line) => {
    expect(grantLine(action(text) as NetworkAction)).toBe(line)
  })
  it("names the operation where one is known", () => {
    const merge = action("PUT https://api.github.com/repos/acme/app/pulls/12/merge") as NetworkAction
    expect(grantLine({ ...merge, operation: "github:pulls.merge" })).toBe(
      '- { id: allow-api-github-com, allow: api.github.com, operations: [github:pulls.merge], paths: ["/repos/acme/app/pulls/*/merge"] }',
    )
    expect(grantLine({ ...merge, operation: "github:*" })).toContain("methods: [PUT]")
    expect(grantLine({ ...merge, operation: "nowhere:x" })).toContain("methods: [PUT]")
  })
  it("is none for what no rule should let through, and has nothing in it that a request could break out with", () => {
    const base = action("GET https://api.example.com/") as NetworkAction
    for (const more of [
      ...[
        { host: "10.0.0.1" },
        { host: "localhost" },
        { host: "metadata.google.internal" },
        { host: "evil\n.example" },
      ],
      ...[{ path: "/a/../b" }, { path: "/a b" }, { path: "/é" }, { path: "/a\n- { allow: x }" }, { path: "a" }],
      ...[{ method: "get" }, { method: "G\nET" }, { port: 0 }, { port: 1.5 }, { port: Number.NaN }],
    ])
      expect(grantLine({ ...base, ...more } as NetworkAction), JSON.stringify(more)).toBeUndefined()
    expect(grantLine({ ...base, path: '/"],x:["' })).toContain(String.raw`paths: ["/\"],x:[\""]`)
  })
  it("does what it says for every request that it is for", () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_.~!$&'()*+,=:@"{}[\]#|^-]{1,20}$/)
    const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`)
    const any = fc.record({
      method: fc.constantFrom("GET", "POST", "PATCH"),
      scheme: fc.constantFrom("https", "http"),
      host: fc.constantFrom("api.example.com", "xn--bcher-kva.example", "true.example", "8.8.8.8", "2606:4700::1111"),
      port: fc.constantFrom(443, 80, 8443),
      path,
      operation: fc.constantFrom("github:pulls.merge", "git:push", "odd one", ""),
    })
    fc.assert(
      fc.property(any, (parts) => {
        const request: NetworkAction = { kind: "network", ...parts }
        const line = grantLine(request)
        if (line === undefined) return
        expect(answer(`network:\n  ${line}`, request)).toBe("allow network.allowed")
        expect(answer(`network:\n  ${line}`, { ...request, host: "other.example" })).toBe("deny network.host-denied")
      }),
      { numRuns: 300 },
    )
  })
})
