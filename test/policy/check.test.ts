import fc from "fast-check"
import { beforeAll, describe, expect, it, test } from "vitest"
import { checkPolicy } from "../../src/policy/check.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadLayers, loadPolicy } from "../../src/policy/load.ts"
import { loadPatterns } from "../../src/policy/regex.ts"
import { findShadowed } from "../../src/policy/shadowed.ts"
import { actions, facts, policyData } from "./arbitraries.ts"
import { NOW } from "./support.ts"

beforeAll(loadPatterns)

const found = (policy: string) =>
  checkPolicy(loadPolicy(`version: 1\n${policy}`, "nanoguard.yaml"), NOW).map(
    ({ check, level, path }) => `${level} ${check} ${path.join(".")}`,
  )
const net = (...rules: string[]) =>
  `network:\n${rules.map((rule, index) => `  - { id: r${index}, ${rule} }`).join("\n")}`
const pkg = (...rules: string[]) =>
  `packages:\n  rules:\n${rules.map((rule, index) => `    - { id: r${index}, ${rule} }`).join("\n")}`
const exceptionOf = (of: string, more = "", expires = "2027-01-01") =>
  `exceptions: [{ allow: pkg:npm/x, of: ${of}, owner: a, reason: b, expires: ${expires}${more} }]`

describe("rules that can never match", () => {
  test.each<[string, string[]]>([
    [pkg('deny: pkg:npm/x, versions: ">2 <1"'), ["error empty-range packages.rules.0.versions"]],
    [pkg('deny: pkg:npm/x, versions: ">=1 <1"'), ["error empty-range packages.rules.0.versions"]],
    [pkg('deny: pkg:npm/x, versions: "<0.0.0-0"'), ["error empty-range packages.rules.0.versions"]],
    [pkg('deny: pkg:npm/x, versions: ">2 <1 || 3"'), []],
    [pkg('deny: pkg:npm/x, versions: ">1.0.0 <1.0.1"'), []],
    [net("allow: 10.0.0.1"), ["error never-matches network.0"]],
    [net('ask: "*.localhost"'), ["error never-matches network.0"]],
    [net("deny: 169.254.169.254"), []],
    [net("allow: 10.0.0.1, addresses: [10.0.0.0/8]"), []],
    [net("allow: 10.0.0.1, addresses: [10.0.0.2]"), ["error never-matches network.0"]],
    [net("allow: 10.0.0.1", 'allow: "*.acme.example", addresses: [10.0.0.1]'), []],
    [
      net("allow: 169.254.169.254", 'allow: "*.acme.example", addresses: [10.0.0.1]'),
      ["error never-matches network.0"],
    ],
    [net("allow: db.internal, addresses: [10.0.0.2]"), []],
    [net("allow: a.example, where: { query.a: { min: 3, max: 2 } }"), ["error never-matches network.0.where.query.a"]],
    [net("allow: a.example, where: { query.a: { in: [3, b], suffix: c } }"), []],
    [
      net("allow: a.example, where: { query.a: { in: [a, b], suffix: c } }"),
      ["error never-matches network.0.where.query.a"],
    ],
    // What was not read meets whatever restricts by it.
    [net('deny: a.example, where: { "json:/a": { min: 3, max: 2 } }'), []],
    [net('allow: a.example, where: { "json:/a": { prefix: 5, max: 60 } }'.replace("prefix: 5", 'prefix: "5"')), []],
    ["mcp: [{ id: a, deny: s/t, arguments: { x: { min: 3, max: 2 } } }]", ["error never-matches mcp.0.arguments.x"]],
    [
      "mcp: [{ id: a, deny: s/t, arguments: { x: { in: [a, b], prefix: c } } }]",
      ["error never-matches mcp.0.arguments.x"],
    ],
    [
      "mcp: [{ id: a, deny: s/t, arguments: { a.b: { equals: x, not: { in: [x] } } } }]",
      ["error never-matches mcp.0.arguments.a.b"],
    ],
    [
      "mcp: [{ id: a, deny: s/t, arguments: { x: { matches: ^a, min: 1 } } }]",
      ["error never-matches mcp.0.arguments.x"],
    ],
    [
      "mcp: [{ id: a, deny: s/t, arguments: { x: { present: false, equals: 1 } } }]",
      ["error never-matches mcp.0.arguments.x"],
    ],
    ["mcp: [{ id: a, deny: s/t, arguments: { x: { in: [a, b], suffix: b } } }]", []],
    ["packages: { deny: { score: 0 } }", ["error never-matches packages.deny.score"]],
  ])("%s", (policy, expected) => {
    expect(found(policy)).toEqual(expected)
  })
})

describe("rules without which nothing changes", () => {
  const shadowed = (policy: string) =>
    findShadowed(loadPolicy(`version: 1\n${policy}`, "nanoguard.yaml")).map(({ rule, by }) => `${rule.id} by ${by.id}`)
  test.each<[string, string[]]>([
    [net('deny: "**.example"', "deny: evil.example"), ["r1 by r0"]],
    [net('deny: "**.example"', "allow: good.example"), ["r1 by r0"]],
    [net("allow: a.example", "deny: a.example, methods: [POST]"), []],
    [net("deny: a.example, methods: [POST, PUT]", "ask: a.example, methods: [POST]"), ["r1 by r0"]],
    [net("deny: a.example, methods: [POST]", "ask: a.example"), []],
    [net("allow: a.example", "allow: a.example, ports: [443]"), ["r1 by r0"]],
    [net("allow: a.example", "allow: a.example, ports: [8443]"), []],
    [net("allow: a.example, paths: [/a/**]", "allow: a.example, paths: [/a/*/c, /a/b]"), ["r1 by r0"]],
    [net("allow: a.example, paths: [/a/*]", "allow: a.example, paths: [/a/**]"), ["r0 by r1"]],
    [net("allow: a.example", "allow: a.example, budget: { requests: 1/day }"), ["r0 by r1"]],
    [net("allow: a.example", "allow: a.example, credential: k"), []],
    [net("allow: a.example, credential: k", "allow: a.example, methods: [GET], credential: k"), ["r1 by r0"]],
    [net('deny: a.example, operations: ["git:*"]', "deny: a.example, operations: [git:push]"), ["r1 by r0"]],
    [net("deny: a.example, operations: [git:push]", 'deny: a.example, operations: ["git:*"]'), ["r0 by r1"]],
    [net('deny: a.example, operations: ["git:*"]', "deny: a.example"), ["r0 by r1"]],
    [net("deny: a.example, access: write", "ask: a.example, access: write, methods: [POST]"), ["r1 by r0"]],
    [net("deny: a.example, access: write", "ask: a.example, methods: [POST]"), []],
    [
      net(
        "deny: a.example, where: { query.a: { min: 5 } }",
        "ask: a.example, where: { query.a: { min: 5 }, query.b: { equals: 1 } }",
      ),
      ["r1 by r0"],
    ],
    [net("deny: a.example, where: { query.a: { min: 5 } }", "ask: a.example, where: { query.a: { min: 6 } }"), []],
    [net("allow: a.example", "allow: a.example, methods: [GET], addresses: [10.0.0.1]"), []],
    [net("allow: a.example", "allow: a.example, methods: [GET], http2: true"), []],
    [net("allow: a.example, service: git", "allow: a.example, methods: [GET], service: git"), ["r1 by r0"]],
    [net('ask: "*.example", approvers: t', "ask: a.example, approvers: u"), ["r1 by r0"]],
    [net("ask: a.example, approvers: u", 'ask: "*.example", approvers: t'), []],
    [net('deny: "*.example", mode: observe', "deny: a.example"), []],
    [net('deny: "*.example"', "deny: a.example, mode: observe"), ["r1 by r0"]],
    [net("allow: a.example", "allow: a.example"), ["r1 by r0"]],
    [pkg('deny: "pkg:npm/@s/*"', 'deny: pkg:npm/@s/a, versions: "<2"'), ["r1 by r0"]],
    [pkg('deny: pkg:npm/a, versions: "<3"', 'deny: pkg:npm/a, versions: ">=1 <2 || ^2.0.0"'), ["r1 by r0"]],
    [pkg('deny: pkg:npm/a, versions: "<2"', 'deny: pkg:npm/a, versions: "<3"'), ["r0 by r1"]],
    [pkg('deny: pkg:npm/a, versions: ">=1"', "deny: pkg:npm/a@1.5.0"), ["r1 by r0"]],
    [pkg('deny: pkg:pypi/a, versions: ">=1"', 'deny: pkg:pypi/a, versions: ">=2"'), []],
    [pkg("deny: pkg:npm/a", "deny: pkg:pypi/a"), []],
    [
      "packages: { deny: { severity: medium }, ask: { severity: high } }",
      ["packages.ask.severity by packages.deny.severity"],
    ],
    ["packages: { deny: { severity: high }, ask: { severity: medium } }", []],
    [
      "packages: { deny: { age: 7d, score: 50 }, ask: { age: 3d, score: 40 } }",
      ["packages.ask.age by packages.deny.age", "packages.ask.score by packages.deny.score"],
    ],
    [
      "packages: { deny: { licenses: [MIT, unknown] }, ask: { licenses: [unknown] } }",
      ["packages.ask.licenses by packages.deny.licenses"],
    ],
    [
      "packages: { deny: { licenses-except: [MIT] }, ask: { licenses-except: [MIT, ISC] } }",
      ["packages.ask.licenses-except by packages.deny.licenses-except"],
    ],
    [
      "mcp: [{ id: a, deny: '*/delete_*' }, { id: b, deny: 'github/delete_repo' }, { id: c, deny: '**' }]",
      ["a by c", "b by a"],
    ],
    ["mcp: [{ id: a, deny: s/t }, { id: b, ask: s/t, arguments: { x: { equals: 1 } } }]", ["b by a"]],
    ["mounts: [{ id: a, allow: /w/**, write: true }, { id: b, allow: /w/a }]", ["b by a"]],
    ["mounts: [{ id: a, allow: /w/** }, { id: b, allow: /w/a, write: true }]", []],
    ["skills: [{ id: a, deny: claw* }, { id: b, deny: clawhub }]", ["b by a"]],
    ["credentials: [{ id: a, deny: '*' }, { id: b, allow: k, hosts: [x.example] }]", ["b by a"]],
  ])("%s", (policy, expected) => {
    expect(shadowed(`approvers: { t: { people: [a] }, u: { people: [b] } }\n${policy}`)).toEqual(expected)
  })

  it("are really without effect: no verdict changes when they are taken out", () => {
    let seen = 0
    const visible = ({ effect, code, mode }: { effect: string; code: string; mode: string }) =>
      `${effect} ${code} ${mode}`
    fc.assert(
      fc.property(
        policyData("r"),
        policyData("s"),
        fc.array(fc.tuple(actions, facts), { minLength: 8, maxLength: 8 }),
        (above, below, cases) => {
          const load = (data: unknown[]) =>
            loadLayers(data.map((layer, index) => ({ text: JSON.stringify(layer), file: `${index}.yaml` })))
          const policy = load([above, below])
          for (const { rule } of findShadowed(policy)) {
            seen++
            const without = JSON.parse(JSON.stringify([above, below]))
            const [last = ""] = rule.path.slice(-1)
            const parent = rule.path.slice(0, -1).reduce((value, step) => value[step], without[rule.layer])
            if (typeof last === "number") parent.splice(last, 1)
            else delete parent[last]
            const changed = load(without)
            for (const [action, known] of cases) {
              const evidence = { now: NOW, facts: known }
              expect(visible(decide(changed, action, evidence))).toBe(visible(decide(policy, action, evidence)))
            }
          }
        },
      ),
      { numRuns: 50 },
    )
    expect(seen).toBeGreaterThan(5)
  })
})

describe("exceptions", () => {
  test.each<[string, string[]]>([
    [`packages: { deny: { install-scripts: true }, ${exceptionOf("script.unapproved")} }`, []],
    [
      `packages: { deny: { install-scripts: true }, ${exceptionOf("script.unapproved", "", "2026-11-20")} }`,
      ["error exception-expired packages.exceptions.0"],
    ],
    [`packages: { deny: { install-scripts: true }, ${exceptionOf("script.unapproved", "", "2026-11-21")} }`, []],
    [
      `packages: { deny: { install-scripts: true }, ${exceptionOf("license.denied")} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
    [
      `packages: { deny: { install-scripts: true }, ${exceptionOf("script.unapproved", ', versions: ">2 <1"')} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
    [
      `packages: { deny: { install-scripts: true }, ${exceptionOf("script.unapproved", ", advisories: [GHSA-1]")} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
    [`packages: { rules: [{ id: a, deny: "pkg:npm/*" }], ${exceptionOf("package.denied")} }`, []],
    [
      `packages: { rules: [{ id: a, deny: pkg:npm/y }], ${exceptionOf("package.denied")} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
    [`packages: { deny: { age: 3d }, ${exceptionOf("evidence.missing")} }`, []],
    [
      `packages: { deny: { sources: [git] }, ${exceptionOf("evidence.missing")} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
    [
      `packages: { deny: { provenance: required }, ${exceptionOf("provenance.downgrade")} }`,
      ["error exception-unused packages.exceptions.0"],
    ],
  ])("%s", (policy, expected) => {
    expect(found(policy)).toEqual(expected)
  })
  it("below a deny of the organisation lift nothing", () => {
    const policy = loadLayers([
      { text: "version: 1\npackages: { deny: { install-scripts: true } }", file: "org:nanoguard.yaml" },
      { text: `version: 1\npackages: { ${exceptionOf("script.unapproved")} }`, file: "nanoguard.yaml" },
    ])
    expect(checkPolicy(policy, NOW).map(({ check, message, layer }) => [check, message, layer])).toEqual([
      ["exception-unused", "the exception for pkg:npm/x lifts nothing: only a layer above denies it", 1],
    ])
  })
})

describe("people and wildcards", () => {
  test.each<[string, string[]]>([
    ["network: [{ id: a, ask: x.example, approvers: team }]", ["error approvers-missing network.0.approvers"]],
    ["approvers: { team: { people: [ana, ana], quorum: 2 } }", ["error quorum-unreachable approvers.team"]],
    ["approvers: { team: { people: [ana, ben], quorum: 2 } }", []],
    [net('allow: "**"'), ["warning wildcard-allow network.0"]],
    [net('allow: "*.example"'), []],
    ["credentials: [{ id: a, allow: k }]", ["warning wildcard-allow credentials.0"]],
    ["mounts: [{ id: a, allow: /** }]", ["warning wildcard-allow mounts.0"]],
    ["mcp: [{ id: a, allow: '*/read' }]", ["warning wildcard-allow mcp.0"]],
    ["skills: [{ id: a, allow: '*' }]", ["warning wildcard-allow skills.0"]],
    [pkg('allow: "pkg:npm/*"'), ["warning wildcard-allow packages.rules.0"]],
    ["packages: { deny: { age: 3d }, unknown: allow }", ["warning missing-allowed packages.unknown"]],
    ["packages: { deny: { age: 3d }, unknown: { offline: allow } }", []],
  ])("%s", (policy, expected) => {
    expect(found(policy)).toEqual(expected)
  })
})
