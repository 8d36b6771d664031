// Rules about what a request is and holds, beyond its host, method and path.
import fc from "fast-check"
import { beforeAll, describe, expect, it, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { explain } from "../../src/policy/explain.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { loadPatterns } from "../../src/policy/regex.ts"
import { runPolicyTests } from "../../src/policy/testing.ts"
import type { NetworkAction, Verdict } from "../../src/policy/types.ts"
import { requests } from "./arbitraries.ts"
import { action, answer, ask, loadError, NOW } from "./support.ts"

beforeAll(loadPatterns)

const POST = action("POST https://api.example.com/v1/charges") as NetworkAction
const of = (more: Partial<NetworkAction>): NetworkAction => ({ ...POST, ...more })
const rule = (verb: string, more: string) => `network: [{ id: r, ${verb}: api.example.com, ${more} }]`
/** Whether a rule that denies is met, beside one that allows everything. */
const denies = (more: string, request: Partial<NetworkAction>) =>
  answer(`network: [{ id: all, allow: api.example.com }, { id: r, deny: api.example.com, ${more} }]`, of(request)) ===
  "deny network.host-denied"
const allows = (more: string, request: Partial<NetworkAction>) =>
  answer(rule("allow", more), of(request)) === "allow network.allowed"

describe("operations", () => {
  test.each([
    ["github:pulls.merge", "github:pulls.merge", true],
    ["github:pulls.*", "github:pulls.merge", true],
    ["github:pulls.*", "github:issues.create", false],
    ["github:*", "github:pulls.merge", true],
    ["git:push", "git:fetch", false],
    ["aws:s3.*", "aws:s3.PutObject", true],
    ["mcp:tools/*", "mcp:tools/call", true],
    ["github:pulls.merge", "github:pulls.merged", false],
    ["github:*", "gitlab:pulls.merge", false],
  ])("%s on %s: %s", (pattern, operation, expected) => {
    expect(allows(`operations: ["${pattern}"]`, { operation })).toBe(expected)
    expect(denies(`operations: ["${pattern}"]`, { operation })).toBe(expected)
  })

  it("that nobody knows meet no rule; that could not be read, or in two ways, every rule that restricts", () => {
    const only = "operations: [github:pulls.merge]"
    expect([allows(only, {}), denies(only, {})]).toEqual([false, false])
    expect([allows(only, { operation: "" }), denies(only, { operation: "" })]).toEqual([false, false])
    expect([allows(only, { unread: "too-large" }), denies(only, { unread: "too-large" })]).toEqual([false, true])
    const fetch = { operation: "github:pulls.list", unread: "ambiguous" } as const
    expect([allows("operations: [github:pulls.list]", fetch), denies(only, fetch)]).toEqual([false, true])
    const known = { operation: "github:pulls.merge", unread: "too-large" } as const
    expect([allows(only, known), denies(only, known)]).toEqual([true, true])
  })
})

describe("an example on one line", () => {
  it("may name its operation", () => {
    const merge = "PUT https://api.example.com/merge"
    const policy = `network: [{ id: r, ask: api.example.com, operations: [github:pulls.*], examples: { match: ["${merge} as github:pulls.merge"], noMatch: ["${merge}"] } }]`
    expect(answer(policy, `${merge} as github:pulls.merge`)).toBe("ask network.approval")
    expect(loadError(`version: 1\n${policy.replace(' as github:pulls.merge"', '"')}`)).toMatch(
      /operation: the rule wants github:pulls\.\*, the example has none that is known/,
    )
  })
})

describe("a policy test", () => {
  it("may say what a request holds, and what of it was not read", () => {
    const policy = loadPolicy(
      `version: 1\n${rule("allow", "where: { form.amount: { max: 5 } }, operations: [stripe:*], budget: { usd: 1/day }")}`,
      "p.yaml",
    )
    const of = (more: string) =>
      `{ action: { kind: network, method: POST, scheme: https, host: api.example.com, port: 443, path: /, ${more} }, expect: `
    const cases = [
      `${of("operation: stripe:charges.create, fields: { form.amount: 5 }, access: write")}allow }`,
      `${of("operation: stripe:charges.create, fields: { form.amount: [4, 6] }")}deny }`,
      `${of("operation: stripe:charges.create, unread: too-large")}deny }`,
      `${of("operation: stripe:charges.create, fields: { form.amount: 5 }")}{ code: credential.unbound-placeholder }, unboundPlaceholder: key }`,
      `${of("operation: stripe:charges.create, fields: { form.amount: 5 }")}{ code: budget.exceeded }, counters: { r/usd: 1 } }`,
    ]
    const results = runPolicyTests(policy, `cases:\n${cases.map((one) => `  - ${one}`).join("\n")}\n`, "t.yaml", NOW)
    expect(results.filter(({ passed }) => !passed)).toEqual([])
    expect(() => runPolicyTests(policy, `cases:\n  - ${of("unread: lazy")}deny }\n`, "t.yaml", NOW)).toThrow(/unread/)
  })
})

describe("access", () => {
  test.each([
    ["GET", undefined, "read"],
    ["HEAD", undefined, "read"],
    ["OPTIONS", undefined, "read"],
    ["POST", undefined, "write"],
    ["QUERY", undefined, "write"],
    ["GET", "write", "write"],
    ["POST", "read", "read"],
  ] as const)("of %s that a service calls %s is %s", (method, access, expected) => {
    const request = { method, ...(access && { access }) }
    for (const wanted of ["read", "write"] as const) {
      expect(allows(`access: ${wanted}`, request)).toBe(wanted === expected)
      expect(denies(`access: ${wanted}`, request)).toBe(wanted === expected)
    }
  })
})

describe("conditions on fields", () => {
  const where = (selector: string, clause: string) => `where: { "${selector}": ${clause} }`
  /** Clause, value, and whether a rule that allows and one that denies are met. */
  test.each<[string, string, unknown, boolean, boolean]>([
    ["json:/amount", "{ max: 5000 }", 4999, true, true],
    ["json:/amount", "{ max: 5000 }", 5001, false, false],
    ["json:/amount", "{ min: 5000 }", "6000", true, true],
    ["json:/amount", "{ min: 5000 }", "5e3", false, true],
    ["json:/amount", "{ min: 5000 }", "6.000", false, false],
    ["json:/amount", "{ min: 5000 }", null, false, false],
    ["form.amount", "{ max: 5000 }", "4900", true, true],
    ["form.amount", "{ max: 5000 }", "04900", false, true],
    ["form.amount", "{ max: 5000 }", " 4900", false, true],
    ["form.amount", "{ max: 5000 }", "", false, true],
    ["form.amount", "{ max: 5000 }", "99999999999999999999", false, true],
    ["form.amount", "{ max: 5000, not: { equals: 13 } }", "12", true, true],
    ["form.amount", "{ max: 5000, not: { equals: 13 } }", "13", false, false],
    ["form.amount", "{ not: { min: 5000 } }", "1e9", false, true],
    ["query.page", "{ equals: 2 }", "2", true, true],
    ["query.page", "{ equals: 2 }", "2.0", true, true],
    ["query.page", '{ equals: "2" }', "2", true, true],
    ["json:/id", '{ equals: "2" }', 2, true, true],
    ["query.force", "{ equals: true }", "true", true, true],
    ["json:/force", "{ equals: true }", true, true, true],
    ["query.page", "{ in: [1, two] }", "two", true, true],
    ["query.page", "{ in: [1, 2] }", "3", false, false],
    ["query.q", "{ contains: drop }", "a drop", true, true],
    ["json:/n", '{ prefix: "5" }', 50, true, true],
    ["query.q", '{ matches: "^a+$" }', "aaa", true, true],
    ["query.q", '{ matches: "^a+$" }', "a".repeat(100_001), false, true],
    ["query.q", '{ not: { matches: "^a+$" } }', "b".repeat(100_001), false, true],
    ["query.q", "{ present: true }", "", true, true],
    ["query.q", "{ present: false }", "x", false, false],
    ["query.q", "{ present: false }", undefined, true, true],
    ["query.q", "{ equals: a }", undefined, false, false],
    ["query.q", "{ equals: a }", ["a", "b"], false, true],
    ["query.q", "{ equals: a }", ["a", "a"], true, true],
    ["query.q", "{ equals: a }", [], false, false],
    ["json:/q", "{ equals: a }", [["a", ["b"]]], false, true],
  ])("%s %s on %j: allow %s, deny %s", (selector, clause, value, permitted, restricted) => {
    const fields = value === undefined ? {} : { [selector]: value as string }
    expect(allows(where(selector, clause), { fields })).toBe(permitted)
    expect(denies(where(selector, clause), { fields })).toBe(restricted)
  })

  it("are met by a value however deep it is wrapped", () => {
    let value: unknown = "a"
    for (let depth = 0; depth < 50_000; depth++) value = [value]
    expect(denies(where("json:/q", "{ equals: a }"), { fields: { "json:/q": value as string } })).toBe(true)
  })

  it("look at what is the request's own and not at what every object has", () => {
    expect(denies(where("json:/constructor", "{ present: true }"), { fields: {} })).toBe(false)
    expect(denies("where: { query.x: { present: true } }", {})).toBe(false)
  })

  it("that were not read meet what restricts by them, and nothing that permits by them", () => {
    for (const unread of ["too-large", "encoded", "malformed", "ambiguous", "stream"] as const) {
      for (const selector of ["json:/a", "form.a", "graphql.type", "graphql.name", "graphql.fields", "mcp.method"]) {
        for (const clause of ["{ equals: a }", "{ present: false }", "{ not: { equals: a } }"]) {
          expect(allows(where(selector, clause), { unread })).toBe(false)
          expect(denies(where(selector, clause), { unread })).toBe(true)
        }
      }
      const read = { unread, fields: { "query.a": "a", "header.x-a": "a" } }
      for (const selector of ["query.a", "header.x-a"]) {
        expect(allows(where(selector, "{ equals: a }"), read)).toBe(true)
        expect(denies(where(selector, "{ equals: b }"), read)).toBe(false)
      }
    }
  })

  it("are read from the query of a request on one line", () => {
    expect(answer(rule("allow", "where: { query.page: { max: 10 } }"), "GET https://api.example.com/?page=3")).toBe(
      "allow network.allowed",
    )
    expect(
      answer(rule("allow", "where: { query.page: { max: 10 } }"), "GET https://api.example.com/?page=3&page=11"),
    ).toBe("deny network.host-denied")
  })
})

describe("a rule that cannot be meant is an error", () => {
  const at = (more: string, verb = "allow") => loadError(`version: 1\n${rule(verb, more)}`)
  test.each([
    ["where: { body.amount: { max: 1 } }", "2:53 body.amount is no selector | did you mean json:/amount?"],
    [
      "where: { json:amount: { max: 1 } }",
      "2:53 json:amount is no selector | did you mean json:/amount? It wants a JSON pointer (RFC 6901)",
    ],
    ['where: { "json:/a~2": { max: 1 } }', /^2:53 json:\/a~2 is no selector/],
    ["where: { header.X-Key: { present: true } }", "2:53 header.X-Key is no selector | did you mean header.x-key?"],
    ["where: { headers.X-Key: { present: true } }", "2:53 headers.X-Key is no selector | did you mean header.x-key?"],
    ["where: { params.page: { max: 1 } }", "2:53 params.page is no selector | did you mean query.page?"],
    ["where: { graphql.typ: { equals: query } }", "2:53 graphql.typ is no selector | did you mean graphql.type?"],
    ["where: { mcp.params: { equals: query } }", /^2:53 mcp\.params is no selector/],
    ["where: { something: { equals: query } }", /selectors are query\.page, header\.x-name/],
    ["where: { query.a: {} }", "2:53 a condition is empty"],
    ['where: { query.a: { matches: "(?=x)" } }', /RE2/],
    ["operations: [githb:pulls.merge]", "2:57 no service is called githb | did you mean github?"],
    ["operations: [quux:pulls.merge]", /services are github, gitlab/],
    ["operations: [pulls.merge]", /it wants an operation such as github:pulls\.merge/],
    ["access: delete", /read, write/],
    ["service: gihub", /did you mean github\?/],
    ["inspect: true", /inspect/],
    ["http2: false", /http2/],
    ["addresses: [10.0.0.1/8]", /10\.0\.0\.1\/8 is not an address .* \| the range does not start at this address/],
    ["addresses: [db.internal]", /neither an address nor a range/],
    ["addresses: [10.0.0.0/33]", /at most 32 bits/],
    ["addresses: [010.0.0.1]", /neither an address nor a range/],
    ["addresses: [169.254.169.254]", /link-local, multicast and unspecified addresses are never reached/],
    ["addresses: [169.254.0.0/16]", /link-local/],
    ["addresses: [0.0.0.0/0]", /link-local/],
    ['addresses: ["::/0"]', /link-local/],
    ['addresses: ["fe80::/64"]', /link-local/],
    ['addresses: ["::ffff:169.254.169.254"]', /link-local/],
    ['addresses: ["::ffff:10.0.0.0/104"]', /IPv4 form/],
    ["addresses: [168.63.129.16]", /metadata services are never reached/],
    ['addresses: ["fd00:ec2::254"]', /metadata/],
    ["addresses: []", /at least 1/],
    ["bind: [x-a]", "2:44 bind is for rules that ask | it names headers that a person approves"],
    ["bind: [X-A]", /a header's name in lower case/],
    ["placeholders: keep", /inert, redact, refuse/],
    [
      "inspect: false, methods: [GET]",
      "2:60 methods needs a look inside, and inspect: false forbids it | remove methods or inspect",
    ],
    [
      "raw: true",
      "2:44 raw is for one host by name, with its ports named | write ports: [5432], and the host without *",
    ],
    [
      "raw: true, ports: [5432], methods: [GET]",
      /methods needs a look inside, and raw forbids it \| remove methods or raw/,
    ],
    ["raw: true, ports: [5432], credential: c", /credential needs/],
    ["raw: true, ports: [5432], budget: { usd: 1/day }", /a budget of usd needs a look inside, and raw forbids it/],
    ["raw: false", /raw/],
    ["inspect: false, paths: [/a]", /^2:60 paths needs/],
    ["inspect: false, credential: c", /^2:60 credential needs/],
    ["inspect: false, operations: [git:push]", /operations needs/],
    ["inspect: false, access: read", /access needs/],
    ["inspect: false, where: { query.a: { equals: b } }", /where needs/],
    ["inspect: false, http2: true", /http2 needs/],
    ["inspect: false, service: git", /service needs/],
    ["inspect: false, placeholders: inert", /placeholders needs/],
    ["inspect: false, budget: { tokens: 1/day }", /a budget of tokens needs a look inside/],
  ])("%s", (more, message) => {
    if (typeof message === "string") expect(at(more)).toBe(message)
    else expect(at(more)).toMatch(message)
  })
  test.each([
    ["inspect: false", "ask", /a person is asked about requests/],
    ["inspect: false", "deny", /a deny needs no look inside/],
    ["addresses: [10.0.0.1]", "deny", /which a deny cannot/],
    ["bind: [x-a]", "deny", /rules that ask/],
  ])("%s with %s", (more, verb, message) => {
    expect(at(more, verb)).toMatch(message)
  })

  it("and one that can be meant loads", () => {
    for (const more of [
      "inspect: false, ports: [443, 5432], addresses: [10.0.0.0/8], budget: { bytes: 1G/day, requests: 10/run }",
      "service: github, operations: [github:pulls.*], access: write, http2: true, placeholders: redact",
      'where: { "json:/a~1b/0": { equals: 1 }, query.a.b: { present: true }, "form.a[b]": { in: [1] }, graphql.fields: { equals: viewer } }',
    ])
      expect(() => loadPolicy(`version: 1\n${rule("allow", more)}`, "p.yaml")).not.toThrow()
    const bound = loadPolicy(`version: 1\n${rule("ask", "bind: [x-a, if-match]")}`, "p.yaml")
    expect(bound.listRules[0]?.bind).toEqual(["x-a", "if-match"])
  })

  test.each([
    ["quiet: { from: 22:00, to: 22:00, zone: UTC }", /begin and end at the same time/],
    ["quiet: { from: 22:00, to: 07:00, zone: Mars/Base }", /Mars\/Base is no time zone \| such as UTC/],
    ["quiet: { from: 24:00, to: 07:00, zone: UTC }", /a time of day such as 22:00/],
    ["quiet: { from: 22:00, to: 07:00 }", /zone is missing/],
    ["operator: true", /operator/],
  ])("of approvers: %s", (more, message) => {
    expect(loadError(`version: 1\napprovers: { ops: { people: [ana], ${more} } }`)).toMatch(message)
  })
  it("and hours in which nobody is asked load", () => {
    const text =
      "approvers: { ops: { people: [ana], operator: false, quiet: { from: 22:00, to: 07:00, zone: Europe/Berlin } } }"
    expect(loadPolicy(`version: 1\n${text}`, "p.yaml").approvers.get("ops")).toMatchObject({
      operator: false,
      quiet: { from: "22:00", to: "07:00", zone: "Europe/Berlin" },
    })
  })
})

describe("explain", () => {
  it("names the first field that a request misses", () => {
    const missed = (more: string, request: Partial<NetworkAction>) =>
      explain(loadPolicy(`version: 1\n${rule("allow", more)}`, "p.yaml"), of(request), { now: NOW }).rules.find(
        ({ outcome }) => outcome === "missed",
      )?.differs
    expect(missed("operations: [git:push]", { operation: "git:fetch" })).toEqual({
      ...{ field: "operation", wanted: "git:push", actual: "git:fetch" },
    })
    expect(missed("access: read", {})).toEqual({ field: "access", wanted: "read", actual: "write" })
    expect(missed('where: { "json:/amount": { max: 5 } }', { fields: { "json:/amount": 7 } })).toEqual({
      ...{ field: "where json:/amount", wanted: '{"max":5}', actual: "7" },
    })
    expect(missed('where: { "json:/amount": { max: 5 } }', { unread: "too-large" })).toMatchObject({
      actual: "not read (too-large)",
    })
    expect(missed("operations: [git:push]", { unread: "encoded" })).toMatchObject({ actual: "not read (encoded)" })
  })
  it("shows the budget that nobody counts", () => {
    const policy = loadPolicy(`version: 1\n${rule("allow", "budget: { tokens: 1k/day }")}`, "p.yaml")
    const { verdict, rules } = explain(policy, POST, { now: NOW })
    expect(verdict).toMatchObject({ effect: "deny", code: "evidence.missing" })
    expect(verdict.reason).toBe("What the policy asks for is not known: budget.tokens (not-collected).")
    expect(rules[0]).toMatchObject({ outcome: "decided", code: "evidence.missing", rule: verdict.rule })
  })
})

describe("budgets", () => {
  const budget = rule("allow", "budget: { requests: 1/day, tokens: 10/hour }")
  it("that nobody counts refuse; a counter that is not there yet is 0", () => {
    expect(answer(budget, POST)).toBe("deny evidence.missing")
    expect(answer(budget, POST, { counters: {} })).toBe("allow network.allowed")
    expect(answer(budget, POST, { counters: { "r/requests": 1 } })).toBe("deny budget.exceeded")
    expect(answer(`mode: observe\n${budget}`, POST)).toBe("deny evidence.missing")
    expect(ask(`mode: observe\n${budget}`, POST).mode).toBe("observe")
    expect(answer(budget, "GET https://other.example.com/")).toBe("deny network.host-denied")
  })
  it("are not lifted by an approval", () => {
    const grants = [
      {
        id: "ap-1",
        kind: "ask",
        codes: ["network.approval", "evidence.missing", "budget.exceeded"],
        approvers: "",
        expires: NOW + 1,
      } as const,
    ]
    const asks = rule("ask", "budget: { requests: 1/day }")
    expect(answer(asks, POST, { counters: {}, grants })).toBe("allow network.allowed")
    expect(answer(asks, POST, { counters: { "r/requests": 1 }, grants })).toBe("deny budget.exceeded")
    expect(answer(asks, POST, { grants })).toBe("deny evidence.missing")
  })
})

describe("observe mode", () => {
  it("only reports what no rule names, and keeps the floor", () => {
    expect(ask("mode: observe", POST)).toMatchObject({ effect: "deny", code: "network.host-denied", mode: "observe" })
    expect(ask("mode: observe", POST, { addresses: ["10.0.0.1"] })).toMatchObject({ effect: "deny", mode: "enforce" })
    expect(ask("mode: observe", POST, { unboundPlaceholder: "c" })).toMatchObject({ effect: "deny", mode: "enforce" })
    expect(ask("mode: observe", POST, { killed: true })).toMatchObject({ effect: "deny", mode: "enforce" })
  })
})

describe("for every condition and request", () => {
  const clause = fc.constantFrom(
    ...["{ equals: a }", "{ equals: 5 }", "{ max: 5 }", "{ min: 5 }", "{ not: { max: 5 } }", "{ in: [a, 5] }"],
    ...[
      "{ prefix: a }",
      "{ present: true }",
      "{ present: false }",
      "{ not: { prefix: a } }",
      "{ min: 5, not: { equals: 7 } }",
    ],
  )
  const condition = fc.oneof(
    fc
      .tuple(fc.constantFrom("query.q", "header.x-a", "json:/n", "form.f"), clause)
      .map(([selector, text]) => `where: { "${selector}": ${text} }`),
    fc.constantFrom("operations: [git:*]", "operations: [github:pulls.merge]", "access: read", "access: write"),
  )
  const strength = { allow: 0, ask: 1, deny: 2 }
  const judge = (text: string, request: NetworkAction): Verdict =>
    decide(loadPolicy(`version: 1\nnetwork:\n${text}`, "p.yaml"), request, { now: NOW })
  const everywhere = "ports: [443, 8443]"

  it("what permits by it restricts by it, too; and what was not read only restricts", () => {
    fc.assert(
      fc.property(condition, requests, (text, request) => {
        fc.pre(["x.example", "8.8.8.8"].includes(request.host))
        const permitted = judge(`  - { id: r, allow: "**", ${everywhere}, ${text} }`, request).effect === "allow"
        const restricted =
          judge(`  - { id: all, allow: "**", ${everywhere} }\n  - { id: r, deny: "**", ${text} }`, request).effect ===
          "deny"
        if (permitted) expect(restricted).toBe(true)
        const ofBody = /json:|form\./.test(text)
        if (ofBody && request.unread !== undefined) expect([permitted, restricted]).toEqual([false, true])
      }),
      { numRuns: 400 },
    )
  })

  it("what a rule does not look at never opens anything", () => {
    const rules = fc.array(fc.tuple(fc.constantFrom("allow", "ask", "deny"), condition), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(rules, requests, (list, request) => {
        fc.pre(["x.example", "8.8.8.8"].includes(request.host))
        const text = list.map(([verb, more], index) => `  - { id: r${index}, ${verb}: "**", ${everywhere}, ${more} }`)
        const policy = loadPolicy(`version: 1\nnetwork:\n${text.join("\n")}`, "p.yaml")
        const judged = (with_: NetworkAction) => decide(policy, with_, { now: NOW })
        const more = { ...request, fields: { ...request.fields, "query.other": "a", "json:/other": 5 } }
        expect(judged(more)).toEqual(judged(request))
        // Nor does leaving the body unread, as far as a rule of the body is concerned.
        if (list.every(([, clauses]) => /json:|form\./.test(clauses))) {
          const unread = judged({ ...request, unread: "stream" })
          const anyDeny = list.some(([verb]) => verb === "deny")
          expect(unread.effect).toBe(anyDeny ? "deny" : list.some(([verb]) => verb === "ask") ? "ask" : "deny")
          expect(strength[unread.effect]).toBeGreaterThan(0)
        }
      }),
      { numRuns: 300 },
    )
  })
})
