// Rules made of what was asked for: they allow all of it that no rule names, and nothing that a floor or a rule denies.
import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { generalisePath } from "../../src/policy/allowed.ts"
import { decide } from "../../src/policy/decide.ts"
import { formatAllow } from "../../src/policy/flow.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { type PastRequest, startSuggestions } from "../../src/policy/suggest.ts"
import { mergePaths } from "../../src/policy/suggest-merge.ts"
import type { DecisionEvidence, NetworkAction } from "../../src/policy/types.ts"
import { renderSuggestions } from "../../src/render/suggest.ts"
import { requests } from "./arbitraries.ts"
import { action, NOW } from "./support.ts"

const OBSERVE = loadPolicy(
  `version: 1
mode: observe
network:
  - { id: known, allow: known.example.com }
  - { id: asks, ask: asks.example.com }
  - { id: never, deny: never.example.com }
`,
  "nanoguard.yaml",
)

const past = (
  seq: number,
  request: string | NetworkAction,
  evidence: Partial<DecisionEvidence> = {},
  policy = OBSERVE,
): PastRequest => {
  const asked = typeof request === "string" ? (action(request) as NetworkAction) : request
  const known = { now: NOW, ...evidence }
  return { seq, action: asked, evidence: known, verdict: decide(policy, asked, known) }
}

function suggest(history: readonly PastRequest[], policy = OBSERVE) {
  const suggestions = startSuggestions(policy)
  for (const one of history) suggestions.add(one)
  return suggestions.finish()
}
const linesOf = (history: readonly PastRequest[]) => suggest(history).rules.map(formatAllow)

describe("suggestions", () => {
  it("are one rule for what is alike", () => {
    expect(
      linesOf([
        past(1, "GET https://api.example.com/v1/items"),
        past(2, "GET https://api.example.com/v1/items/17"),
        past(3, "GET https://api.example.com/v1/items/18"),
        past(4, "HEAD https://api.example.com/v1/items/18"),
        past(5, "POST https://api.example.com/v1/items"),
        past(6, "GET https://api.example.com:8443/health"),
      ]),
    ).toEqual([
      '- { id: api-example-com-read, allow: api.example.com, methods: [GET, HEAD], paths: ["/v1/items/*"] }',
      '- { id: api-example-com-read-2, allow: api.example.com, methods: [GET], paths: ["/v1/items"] }',
      '- { id: api-example-com-write, allow: api.example.com, methods: [POST], paths: ["/v1/items"] }',
      '- { id: api-example-com-read-3, allow: api.example.com, ports: [8443], methods: [GET], paths: ["/health"] }',
    ])
  })

  it("name operations where the service is known", () => {
    const pulls = (seq: number, method: string, path: string, operation: string) =>
      past(seq, { ...(action(`${method} https://api.github.com${path}`) as NetworkAction), operation })
    expect(
      linesOf([
        pulls(1, "GET", "/repos/acme/app/pulls", "github:pulls.list"),
        pulls(2, "GET", "/repos/acme/app/pulls/12", "github:pulls.get"),
        pulls(3, "POST", "/repos/acme/app/pulls", "github:pulls.create"),
      ]),
    ).toEqual([
      '- { id: api-github-com-read, allow: api.github.com, operations: [github:pulls.get, github:pulls.list], paths: ["/repos/acme/app/pulls", "/repos/acme/app/pulls/*"] }',
      '- { id: api-github-com-write, allow: api.github.com, operations: [github:pulls.create], paths: ["/repos/acme/app/pulls"] }',
    ])
  })

  it("leave out what passes, what is asked, what is denied, and every floor", () => {
    const report = suggest([
      past(1, "GET https://known.example.com/"),
      past(2, "GET https://asks.example.com/"),
      past(3, "GET https://never.example.com/"),
      past(4, "GET https://10.0.0.1/"),
      past(5, "GET https://localhost/"),
      past(6, "GET https://rebound.example.com/", { addresses: ["10.0.0.1"] }),
      past(7, "GET https://drop.example.com/", { unboundPlaceholder: "github" }),
      past(8, "GET https://any.example.com/", { killed: true }),
      past(9, { ...(action("GET https://odd.example.com/") as NetworkAction), path: "/a/../b" }),
      { ...past(10, "GET https://cut.example.com/secret"), partial: true },
    ])
    expect(report).toMatchObject({ requests: 10, allowed: 1, asked: 1, unusual: 2, unlisted: 0, rules: [] })
    expect(report.denied).toEqual([
      { code: "network.private-address", rule: "floor.private-address (built-in)", requests: 3 },
      { code: "agent.killed", rule: "floor.kill (built-in)", requests: 1 },
      { code: "credential.unbound-placeholder", rule: "floor.placeholder (built-in)", requests: 1 },
      { code: "network.host-denied", rule: "never (nanoguard.yaml:6:5)", requests: 1 },
    ])
  })

  it("take a floor's word from the record where its evidence is gone", () => {
    const refused = past(1, "GET https://rebound.example.com/", { addresses: ["10.0.0.1"] })
    expect(suggest([{ ...refused, evidence: { now: NOW } }]).rules).toEqual([])
    const named = loadPolicy(
      "version: 1\nnetwork: [{ id: a, allow: rebound.example.com, addresses: [10.0.0.1] }]",
      "nanoguard.yaml",
    )
    expect(suggest([refused], named)).toMatchObject({ allowed: 1, denied: [] })
    const drop = past(1, "GET https://rebound.example.com/", { unboundPlaceholder: "key" })
    expect(suggest([{ ...drop, evidence: { now: NOW, addresses: ["10.0.0.1"] } }], named)).toMatchObject({ allowed: 0 })
  })

  it("go by the policy as it is now, not as it was", () => {
    const then = loadPolicy("version: 1", "nanoguard.yaml")
    const refused = past(1, "GET https://known.example.com/", {}, then)
    expect(refused.verdict.effect).toBe("deny")
    expect(suggest([refused])).toMatchObject({ allowed: 1, rules: [] })
    expect(suggest([refused], then).rules).toHaveLength(1)
  })

  it("count what was recorded by reference", () => {
    const suggestions = startSuggestions(OBSERVE)
    suggestions.add(past(7, "GET https://api.example.com/"))
    suggestions.repeat(7, 41)
    suggestions.repeat(8, 5)
    expect(suggestions.finish()).toMatchObject({ requests: 42, rules: [{ requests: 42, firstSeq: 7, lastSeq: 7 }] })
  })

  it("propose reading where a tunnel was refused before it was read", () => {
    const { rules } = suggest([past(1, "CONNECT https://api.example.com/")])
    expect(rules).toEqual([
      {
        ...{ id: "api-example-com-read", host: "api.example.com", port: 443, access: "read", unseen: true },
        ...{ requests: 1, firstSeq: 1, lastSeq: 1 },
      },
    ])
  })

  it("stay bounded, and survive records that are none", () => {
    const suggestions = startSuggestions(OBSERVE)
    for (let seq = 0; seq < 10_050; seq++) suggestions.add(past(seq, `GET https://h${seq}.example.com/`))
    for (const broken of [null, {}, { kind: "network" }, { kind: "network", host: 5, path: 7 }])
      suggestions.add({ seq: 1, action: broken as never, evidence: { now: NOW }, verdict: {} as never })
    const report = suggestions.finish()
    expect(report).toMatchObject({ unlisted: 50, unusual: 4, requests: 10_054 })
    expect(report.rules).toHaveLength(10_000)
  })

  it("allow whatever they were made of that no rule names", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "v1", "users", "17", "18", "0123abcd", "x*y", "c", "d", "e"), { maxLength: 4 })
      .map((segments) => `/${segments.join("/")}`)
    const asked = fc.tuple(requests, path).map(([request, at]) => ({ ...request, path: at }))
    fc.assert(
      fc.property(fc.array(asked, { minLength: 1, maxLength: 40 }), (list) => {
        const empty = loadPolicy("version: 1", "nanoguard.yaml")
        const { rules, unusual, denied } = suggest(
          list.map((request, seq) => past(seq, request, {}, empty)),
          empty,
        )
        const text = `version: 1\nnetwork:\n${rules.map((rule) => `  ${formatAllow(rule)}`).join("\n")}`
        const opened = loadPolicy(rules.length > 0 ? text : "version: 1", "nanoguard.yaml")
        const effects = list.map((request) => decide(opened, request, { now: NOW }).effect)
        const left = unusual + denied.reduce((sum, { requests: count }) => sum + count, 0)
        expect(effects.filter((effect) => effect === "allow").length).toBe(list.length - left)
        expect(rules.reduce((sum, { requests: count }) => sum + count, 0)).toBe(list.length - left)
      }),
      { numRuns: 150 },
    )
  })
})

describe("paths", () => {
  test.each([
    ["/users/4711/posts", "/users/*/posts"],
    ["/v1/items", "/v1/items"],
    ["/a/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "/a/*"],
    ["/commit/9f2c1ab", "/commit/*"],
    ["/commit/defaced", "/commit/defaced"],
    ["/charges/ch_3MmlLrLkdIwHu7ix0snN0B15", "/charges/*"],
    ["/repos/my-long-project-name", "/repos/my-long-project-name"],
    ["/a*b/c", "/*/c"],
    ["/", "/"],
  ])("%s becomes %s", (path, pattern) => {
    expect(generalisePath(path)).toBe(pattern)
  })
  it("of what reads are put together by a segment that varies, never by their first", () => {
    const names = ["ada", "ben", "cleo", "dan"]
    expect(
      mergePaths(
        names.map((name) => `/u/${name}/posts`),
        "read",
      ),
    ).toEqual(["/u/*/posts"])
    expect(
      mergePaths(
        names.slice(1).map((name) => `/u/${name}/posts`),
        "read",
      ),
    ).toHaveLength(3)
    expect(
      mergePaths(
        names.map((name) => `/${name}`),
        "read",
      ),
    ).toHaveLength(4)
    expect(
      mergePaths(
        names.map((name) => `/u/${name}/posts`),
        "write",
      ),
    ).toHaveLength(4)
  })
  it("that are too many become the beginnings that they share", () => {
    const many = Array.from({ length: 60 }, (_, index) => `/api/g${index % 5}/n${index}/x${index}`)
    expect(mergePaths(many, "write")).toEqual(["/api/g0/**", "/api/g1/**", "/api/g2/**", "/api/g3/**", "/api/g4/**"])
    expect(
      mergePaths(
        Array.from({ length: 60 }, (_, index) => `/n${index}`),
        "write",
      ),
    ).toEqual(["/**"])
  })
})

describe("the page", () => {
  const report = suggest([
    past(1, "GET https://api.example.com/v1/items"),
    past(2, "GET https://known.example.com/"),
    past(3, "GET https://never.example.com/"),
    past(4, "CONNECT https://shut.example.com/"),
  ])
  it("is YAML to paste, and says as comments what it rests on", () => {
    const text = renderSuggestions(report, "text")
    expect(text).toBe(`# 2 requests of 4 that no rule names: 2 rules would have allowed them.
# An agent chose them: read each before it is pasted.
network:
  # 1 request, record 1
  - { id: api-example-com-read, allow: api.example.com, methods: [GET], paths: ["/v1/items"] }
  # 1 request, record 4; refused before they were read, so that this is a guess
  - { id: shut-example-com-read, allow: shut.example.com, access: read }
# 1 request: allowed as it is
# 1 request: network.host-denied by never (nanoguard.yaml:6:5), which no rule that allows outweighs
`)
    expect(loadPolicy(`version: 1\n${text}`, "p.yaml").listRules).toHaveLength(2)
  })
  it("says so where there is nothing", () => {
    expect(renderSuggestions(suggest([]), "text")).toBe("# No request in the log in this time: nothing to propose.\n")
    expect(renderSuggestions(suggest([past(1, "GET https://known.example.com/")]), "text")).toBe(
      "# 1 request, and no rule to propose.\n# 1 request: allowed as it is\n",
    )
  })
  it("is data, too, with the line of each rule", () => {
    const parsed = JSON.parse(renderSuggestions(report, "json"))
    expect(parsed).toMatchObject({ schema: "nanoguard.policy-suggest/1", requests: 4, rules: [{ requests: 1 }, {}] })
    expect(parsed.rules[0].line).toBe(formatAllow(report.rules[0]!))
  })
})
