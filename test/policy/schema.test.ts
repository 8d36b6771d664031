import { readdirSync, readFileSync } from "node:fs"
import { Ajv } from "ajv"
import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { parse } from "yaml"
import { schemaText } from "../../scripts/schema.ts"
import { CODES, codeOf, docOf, EXCEPTABLE } from "../../src/policy/codes.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { policySchema } from "../../src/policy/schema.ts"
import { hasPolicyShape } from "../../src/policy/shape.ts"
import { policyData } from "./arbitraries.ts"

const root = new URL("../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

describe("the JSON Schema for editors", () => {
  it("is current: run node scripts/schema.ts", () => {
    expect(read("schema/nanoguard.schema.json")).toBe(schemaText())
  })
  const validate = new Ajv({ strict: false }).compile(JSON.parse(schemaText()))
  it("takes every policy that loads", () => {
    fc.assert(
      fc.property(policyData("r"), (data) => {
        loadPolicy(JSON.stringify(data), "p.yaml")
        expect(validate(data), JSON.stringify(validate.errors)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })
  it("takes every field that rules about requests may have", () => {
    const text = `version: 1
network:
  - id: all
    ask: "**.example"
    methods: [GET]
    paths: [/a/**]
    ports: [443]
    operations: [github:pulls.*]
    access: read
    where: { query.page: { max: 5 }, "json:/a": { not: { equals: x } } }
    service: github
    http2: true
    addresses: [10.0.0.0/8, "fd00::/8"]
    bind: [idempotency-key]
    placeholders: redact
    credential: key
    budget: { requests: 5/minute, tokens: 2M/day, bytes: 1G/run, usd: 0.5/hour }
    approvers: ops
  - { id: closed, allow: closed.example.com, inspect: false }
credentials: [{ id: key, allow: key, hosts: [a.example], ports: [443] }]
approvers: { ops: { people: [ana], operator: false, quiet: { from: 22:00, to: 07:00, zone: UTC } } }
`
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true)
    const policy = loadPolicy(text, "p.yaml")
    // Each of them is part of what a policy is.
    for (const line of text.split("\n").filter((one) => /^ {4}\w/.test(one) && !one.includes("ask:"))) {
      expect(loadPolicy(text.replace(`${line}\n`, ""), "p.yaml").hash, line).not.toBe(policy.hash)
    }
    expect(policy.listRules[0]).toMatchObject({
      ...{ credential: "key", service: "github", http2: true, bind: ["idempotency-key"], placeholders: "redact" },
      budget: [
        { unit: "requests", limit: 5, window: "minute", counter: "all/requests" },
        { unit: "tokens", limit: 2_000_000, window: "day" },
        { unit: "bytes", limit: 1e9, window: "run" },
        { unit: "usd", limit: 0.5, window: "hour" },
      ],
    })
  })
  test.each([
    "version: 2",
    "mode: enforce",
    "version: 1\nunknown: 1",
    "version: 1\nnetwork: [{ id: a }]",
    "version: 1\nnetwork: [{ id: a, allow: x, deny: y }]",
    "version: 1\nnetwork: [{ id: a, allow: x, inspect: true }]",
    "version: 1\nnetwork: [{ id: a, allow: x, operations: [merge] }]",
    "version: 1\nnetwork: [{ id: a, allow: x, where: { query.a: { near: 5 } } }]",
    "version: 1\nnetwork: [{ id: a, allow: x, placeholders: keep }]",
    "version: 1\nnetwork: [{ id: a, ask: x, bind: [X-Upper] }]",
    "version: 1\nnetwork: [{ id: a, allow: x, service: quux }]",
    "version: 1\napprovers: { a: { people: [b], operator: true } }",
    "version: 1\napprovers: { a: { people: [b], quiet: { from: 7am, to: 8am, zone: UTC } } }",
    "version: 1\npackages: { deny: { severity: grave } }",
    "version: 1\npackages: { exceptions: [{ allow: pkg:npm/x, of: malware.known, owner: a, reason: b, expires: 2027-01-01 }] }",
  ])("refuses %j, as the loader does", (text) => {
    expect(validate(parse(text))).toBe(false)
    expect(() => loadPolicy(text, "p.yaml")).toThrow()
  })
  it("describes every field of the top", () => {
    const { properties } = JSON.parse(schemaText()) as { properties: Record<string, { description?: string }> }
    for (const [name, { description }] of Object.entries(properties)) expect(description, name).toMatch(/\.$/)
  })
})

describe("codes", () => {
  it("have a page each, and no page is without a code", () => {
    const pages = readdirSync(new URL("docs/rules/", root)).filter((name) => name !== "README.md")
    expect(pages.sort()).toEqual(CODES.map(({ code }) => `${code}.md`).sort())
    for (const { code, title } of CODES) expect(read(docOf(code)).startsWith(`# ${code}: ${title}\n`), code).toBe(true)
  })
  it("are listed in deciding order", () => {
    const rows = [...read("docs/rules/README.md").matchAll(/^\| \[(.+?)\]\((.+?)\) \| (.+?) \| (yes)? ?\|$/gm)]
    expect(rows.map(([, code, page, title, floor]) => [code, page, title, floor === "yes"])).toEqual(
      CODES.map(({ code, title, floor }) => [code, `${code}.md`, title, floor]),
    )
  })
  it("are told apart, in one order", () => {
    expect(new Set(CODES.map(({ code }) => code)).size).toBe(CODES.length)
    expect(CODES.map(({ code }) => codeOf(code)?.priority)).toEqual(CODES.map((_, index) => index))
    expect(codeOf("no.such-code")).toBeUndefined()
  })
  it("keep the floor out of reach of exceptions", () => {
    expect(CODES.filter(({ floor }) => floor).map(({ code }) => code)).toEqual([
      "malware.known",
      "agent.killed",
      "agent.scope",
      "agent.budget",
      "network.private-address",
      "credential.unbound-placeholder",
      "integrity.mismatch",
    ])
    expect(EXCEPTABLE.filter((code) => codeOf(code)?.floor)).toEqual([])
  })
})

describe("the policies in the documentation", () => {
  const pages = ["docs/policy.md", ...CODES.map(({ code }) => docOf(code))]
  test.each(pages)("%s: every example loads", (page) => {
    const blocks = [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text)
    expect(blocks.length).toBeGreaterThan(0)
    for (const block of blocks.filter((text) => !text.includes("cases:"))) {
      const text = /^version: /m.test(block) ? block : `version: 1\n${block}`
      expect(() => loadPolicy(text, page)).not.toThrow()
    }
  })
})

describe("the quick look at a policy's shape", () => {
  it("gives the answer of the schema, on policies and on what is nearly one", () => {
    let refused = 0
    const odd = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        "",
        "x",
        0,
        -1,
        1.5,
        1e9,
        [],
        {},
        [null],
        { a: 1 },
        "allow",
        "2026-01-01",
        "3d",
      ),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(
        policyData("r"),
        fc.nat(),
        odd,
        fc.constantFrom("replace", "add", "remove"),
        (data, pick, value, how) => {
          const mutated = JSON.parse(JSON.stringify(data))
          const places: [Record<string, unknown>, string][] = []
          const walk = (node: Record<string, unknown>) => {
            for (const key of Object.keys(node)) {
              places.push([node, key])
              if (typeof node[key] === "object" && node[key] !== null) walk(node[key] as Record<string, unknown>)
            }
          }
          walk(mutated)
          const [node, key] = places[pick % places.length] as [Record<string, unknown>, string]
          if (how === "replace") node[key] = value
          else if (how === "add" && !Array.isArray(node)) node["extra"] = value
          else if (!Array.isArray(node)) delete node[key]
          const expected = policySchema().safeParse(mutated).success
          if (!expected) refused++
          expect(hasPolicyShape(mutated)).toBe(expected)
        },
      ),
      { numRuns: 800 },
    )
    expect(refused).toBeGreaterThan(300)
  })
})
