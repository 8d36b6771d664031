// Risk levels: what rules say, what layers make of it, and what the law lets a person's yes lift.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { panelOf } from "../../src/approvals/panel.ts"
import { quietAt } from "../../src/approvals/quiet.ts"
import { smallestChange } from "../../src/policy/change.ts"
import { checkPolicy } from "../../src/policy/check.ts"
import { consult } from "../../src/policy/consult.ts"
import { decide } from "../../src/policy/decide.ts"
import { decideRequest } from "../../src/policy/decide-request.ts"
import { explain } from "../../src/policy/explain.ts"
import type { Grant } from "../../src/policy/grant-types.ts"
import { loadLayers, loadPolicy } from "../../src/policy/load.ts"
import { mergeRisks, rankOfRisk } from "../../src/policy/risk.ts"
import { SEVERITIES } from "../../src/policy/severities.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { NOW } from "./support.ts"

const policyOf = (text: string) => loadPolicy(`version: 1\n${text}`, "nanoguard.yaml")
const layersOf = (...texts: string[]) =>
  loadLayers(
    texts.map((text, index) => ({ file: index === 0 ? "org:o.yaml" : `${index}.yaml`, text: `version: 1\n${text}` })),
  )
const post = (host: string): NetworkAction => ({
  ...{ kind: "network", method: "POST", scheme: "https", host, port: 443, path: "/" },
})
const grant = (more: Partial<Grant> = {}): Grant => ({
  ...{ id: "ap-aaaaaaaa", kind: "ask", codes: ["network.approval"], approvers: "", expires: NOW + 1, ...more },
})
const RULES = `network:
  - { id: plain, ask: plain.example.com }
  - { id: small, ask: small.example.com, risk: low }
  - { id: pay, ask: pay.example.com, risk: critical }
  - { id: all, ask: "*.example.com", paths: [/x], risk: high }
`

test("a verdict that asks names the gravest risk of the rules that ask the same people", () => {
  const policy = policyOf(RULES)
  const riskOf = (host: string, path = "/") => decide(policy, { ...post(host), path }, { now: NOW }).risk
  expect(riskOf("plain.example.com")).toBeUndefined()
  expect(riskOf("small.example.com")).toBe("low")
  expect(riskOf("small.example.com", "/x")).toBe("high")
  expect(riskOf("plain.example.com", "/x")).toBe("high")
  expect(riskOf("pay.example.com", "/x")).toBe("critical")
  expect(riskOf("none.test")).toBeUndefined()
  const considered = explain(policy, post("pay.example.com"), { now: NOW }).rules.find(
    ({ outcome }) => outcome === "decided",
  )
  expect(considered?.risk).toBe("critical")
})

test("the credential that goes onto a request counts, and so does its gravest rule", () => {
  const policy = policyOf(`network: [{ id: a, ask: a.example, risk: low }]
credentials: [{ id: c, ask: key, hosts: [a.example], risk: high }]`)
  expect(decideRequest(policy, post("a.example"), ["key"], { now: NOW }).risk).toBe("high")
  expect(decideRequest(policy, post("a.example"), [], { now: NOW }).risk).toBe("low")
})

test("a small risk of one does not stand where another asks the same people at a medium one", () => {
  const policy = policyOf(`network: [{ id: a, ask: a.example, risk: low }, { id: b, ask: b.example, approvers: some }]
credentials: [{ id: c, ask: key, hosts: [a.example] }, { id: d, ask: small, hosts: [a.example, b.example], risk: low }]
approvers: { some: { people: [ana] } }`)
  const riskOf = (host: string, ...names: string[]) => decideRequest(policy, post(host), names, { now: NOW }).risk
  expect(riskOf("a.example", "small")).toBe("low")
  expect(riskOf("a.example", "key")).toBeUndefined()
  expect(riskOf("a.example", "small", "key")).toBeUndefined()
  // Other people are asked by themselves.
  expect(riskOf("b.example", "small")).toBeUndefined()
})

test("a rule that does not ask has no risk", () => {
  for (const verb of ["allow", "deny"])
    expect(() => policyOf(`network: [{ id: a, ${verb}: a.example, risk: high }]`)).toThrow(/risk is for rules that ask/)
  expect(() => policyOf("network: [{ id: a, ask: a.example, risk: grave }]")).toThrow()
})

test("what would turn a question round takes the risk out with it", () => {
  for (const rule of ["{ id: a, ask: a.example, risk: high }", "{ id: a, risk: high, ask: a.example }"]) {
    const change = smallestChange(
      [{ file: "nanoguard.yaml", text: `version: 1\nnetwork:\n  - ${rule}\n` }],
      post("a.example"),
      { now: NOW },
    )
    expect(change?.added.join("")).toMatch(/^ {2}- \{ id: a, allow: a\.example \}$/)
  }
  const block = "version: 1\nnetwork:\n  - id: a\n    ask: a.example\n    risk: high\n    reason: so\n"
  expect(
    smallestChange([{ file: "nanoguard.yaml", text: block }], post("a.example"), { now: NOW })?.verdict.effect,
  ).toBe("allow")
})

test("a yes at one risk lifts no rule of a graver one", () => {
  const policy = policyOf(RULES)
  for (const shown of [undefined, ...SEVERITIES])
    for (const [host, risk] of [
      ["plain", undefined],
      ["small", "low"],
      ["pay", "critical"],
    ] as const) {
      const grants = [grant(shown === undefined ? {} : { risk: shown })]
      const { effect } = decide(policy, post(`${host}.example.com`), { now: NOW, grants })
      expect(effect, `${host} ${shown}`).toBe(rankOfRisk(shown) >= rankOfRisk(risk) ? "allow" : "ask")
    }
})

describe("what a level demands", () => {
  const groups = `approvers:
  default: { people: [ana, ben], expire: 20m, quiet: { from: "00:00", to: "23:59", zone: UTC } }
  security: { people: [ben, cy, di], quorum: 2, expire: 10m }
`
  test("is nothing beyond the group's word where nobody says more; at the gravest, no yes in advance", () => {
    const policy = policyOf(groups)
    const plain = { group: "security", people: ["ben", "cy", "di"], quorum: 2 }
    expect(panelOf(policy, "security")).toEqual({ panel: plain, wait: 600_000 })
    expect(panelOf(policy, "security", "high").panel).toEqual({ ...plain, risk: "high" })
    expect(panelOf(policy, "security", "critical").panel).toEqual({ ...plain, risk: "critical", alike: false })
  })
  test("and what a group says: of both, the stricter", () => {
    const policy = policyOf(
      `${groups}approvals: { risk: { critical: { quorum: 3, expire: 5m, operator: false, groups: [security] }, high: { quorum: 1, expire: 1h }, low: { quiet: false, alike: false } } }`,
    )
    expect(panelOf(policy, "security", "critical")).toEqual({
      panel: {
        group: "security",
        people: ["ben", "cy", "di"],
        quorum: 3,
        operator: false,
        risk: "critical",
        alike: false,
      },
      wait: 300_000,
    })
    expect(panelOf(policy, "security", "high")).toMatchObject({ panel: { quorum: 2 }, wait: 600_000 })
    // A rule that names nobody asks the groups of the level; one that names a group, those of it who are in them, too.
    expect(panelOf(policy, "", "critical").panel.people).toEqual(["ben", "cy", "di"])
    expect(panelOf(policy, "default", "critical").panel.people).toEqual(["ben"])
    expect(quietAt(policy, "default", NOW)).toBeDefined()
    expect(quietAt(policy, "default", NOW, "low")).toBeUndefined()
    expect(panelOf(policy, "", "low").panel.alike).toBe(false)
  })
  test("and what each of several groups says: the largest quorum, the shortest time, no operator where one says so", () => {
    const policy = policyOf(
      `${groups}  owners: { people: [eve], expire: 30m, operator: false }
approvals: { risk: { high: { groups: [security, owners] }, critical: { quorum: 3, groups: [default, owners] } } }`,
    )
    expect(panelOf(policy, "", "high")).toMatchObject({
      panel: { people: ["ben", "cy", "di", "eve"], quorum: 2, operator: false },
      wait: 600_000,
    })
    expect(panelOf(policy, "", "critical")).toMatchObject({ panel: { quorum: 3 }, wait: 1_200_000 })
  })
  test("names nobody where its group does not exist, and never anyone", () => {
    const policy = policyOf("approvals: { risk: { high: { groups: [none] } } }")
    expect(panelOf(policy, "", "high").panel.people).toEqual([])
    expect(panelOf(policy, "").panel.people).toBe("anyone")
  })
  test("what a row calls a risk, and is none, is the default", () => {
    expect(panelOf(policyOf(groups), "security", "__proto__" as never).panel.risk).toBeUndefined()
  })
})

describe("layers", () => {
  test("the outermost says what it likes, those below only tighten it", () => {
    const org = "approvals: { risk: { critical: { quorum: 2, alike: true }, high: { operator: false, expire: 10m } } }"
    const { risks } = layersOf(
      org,
      "approvals: { risk: { critical: { quorum: 1, alike: false }, high: { operator: true, expire: 1h, quiet: false } } }",
    )
    expect(risks.critical).toMatchObject({ quorum: 2, alike: false })
    expect(risks.high).toMatchObject({ operator: false, expire: 600_000, quiet: true })
    expect(layersOf(org).risks.critical.alike).toBe(true)
    // What is built in stands above a repository, too, where an organisation has a policy.
    expect(
      layersOf("", "approvals: { risk: { critical: { alike: true }, low: { quiet: false } } }").risks,
    ).toMatchObject({
      ...{ critical: { alike: false }, low: { quiet: true } },
    })
  })
  test("a repository sends nobody's questions to people of its own choice", () => {
    const org = "approvers: { default: { people: [ana, ben] }, boss: { people: [ben] } }"
    const own = "approvers: { mine: { people: [mal] } }\napprovals: { risk: { high: { groups: [mine] } } }"
    expect(panelOf(layersOf(org, own), "", "high").panel.people).toEqual([])
    expect(
      panelOf(layersOf(org, "approvals: { risk: { high: { groups: [boss] } } }"), "", "high").panel.people,
    ).toEqual(["ben"])
  })
  test("a graver risk of a layer below asks no fewer people", () => {
    const org = `approvers: { default: { people: [ana, ben, cy] }, security: { people: [ben, cy] } }
approvals: { risk: { high: { quorum: 2, groups: [security], operator: false, alike: false } } }`
    const both = layersOf(org, "packages: {}")
    const { panel } = panelOf(both, "", "critical")
    expect(panel).toMatchObject({ quorum: 2, operator: false })
    expect(panel.people).toEqual(["ben", "cy"])
    expect(panelOf(both, "", "high").panel.people).toEqual(["ben", "cy"])
  })
  test("a group default of a layer below does not take over what it did not ask", () => {
    const org = "approvers: { security: { people: [ben, cy], quorum: 2 } }"
    const { panel } = panelOf(layersOf(org, "approvers: { default: { people: [eve] } }"), "")
    expect(panel).toMatchObject({ people: ["ben", "cy"], quorum: 2 })
  })
  test("what a layer below says of a level hides nothing that the level has of a layer above", () => {
    const org = `approvers: { default: { people: [ana, ben] }, security: { people: [ben, cy] }, devs: { people: [ana, cy] } }
approvals: { risk: { high: { groups: [security], expire: 5m } } }`
    const own = "approvals: { risk: { critical: { groups: [devs, default], expire: 1h } } }"
    expect(panelOf(layersOf(org), "", "critical")).toMatchObject({ panel: { people: ["ben", "cy"] }, wait: 300_000 })
    expect(panelOf(layersOf(org, own), "", "critical")).toMatchObject({
      panel: { people: ["ben", "cy"] },
      wait: 300_000,
    })
    expect(panelOf(layersOf(org, own.replace(", default", "")), "", "critical").panel.people).toEqual(["cy"])
    // And what a layer says of a level counts at those above it, where that layer says nothing of them.
    const three = layersOf(org, own, "approvals: { risk: { low: { groups: [default], expire: 2m } } }")
    expect(panelOf(three, "", "critical")).toMatchObject({ panel: { people: ["ben"] }, wait: 120_000 })
  })
  test("no layer loosens an answer at any level, wherever below the outermost it stands and whatever it says", () => {
    const names = ["default", "security", "boss"]
    const level = fc.record(
      {
        ...{ quorum: fc.integer({ min: 1, max: 4 }), expire: fc.constantFrom("1m", "5m", "1h"), alike: fc.boolean() },
        ...{ quiet: fc.boolean(), operator: fc.boolean(), groups: fc.subarray(names, { minLength: 1 }) },
      },
      { requiredKeys: [] },
    )
    const layer = fc
      .record({ low: level, medium: level, high: level, critical: level }, { requiredKeys: [] })
      .map((risk) => `approvals: ${JSON.stringify({ risk })}`)
    const groups =
      "approvers: { default: { people: [ana, ben] }, security: { people: [ben, cy] }, boss: { people: [cy] } }"
    const [first, others] = [layer.map((text) => `${groups}\n${text}`), fc.array(layer, { maxLength: 3 })]
    fc.assert(
      fc.property(
        first,
        others,
        layer,
        fc.nat(),
        fc.constantFrom("", ...names),
        (outermost, texts, more, at, asked) => {
          const [without, within] = [
            layersOf(outermost, ...texts),
            layersOf(outermost, ...texts.toSpliced(at % (texts.length + 1), 0, more)),
          ]
          for (const risk of SEVERITIES) {
            const [a, b] = [consult(without, asked, risk), consult(within, asked, risk)]
            for (const name of b.people) expect(a.people).toContain(name)
            expect(b.quorum).toBeGreaterThanOrEqual(a.quorum)
            expect(b.expire).toBeLessThanOrEqual(a.expire)
            expect(!a.level.alike && b.level.alike).toBe(false)
            expect(a.level.quiet && !b.level.quiet).toBe(false)
            expect(!a.level.operator && b.level.operator).toBe(false)
          }
        },
      ),
    )
  })
  test("no layer below loosens what stands, whatever it says", () => {
    const level = fc.record(
      {
        ...{ quorum: fc.integer({ min: 1, max: 4 }), expire: fc.constantFrom("1m", "5m", "1h"), alike: fc.boolean() },
        ...{ quiet: fc.boolean(), operator: fc.boolean() },
      },
      { requiredKeys: [] },
    )
    const layer = level.map((high) => ({ document: { version: 1 as const, approvals: { risk: { high } } } }))
    fc.assert(
      fc.property(fc.array(layer, { minLength: 1, maxLength: 3 }), layer, (above, below) => {
        const [a, b] = [mergeRisks(above).high, mergeRisks([...above, below]).high]
        expect(b.quorum).toBeGreaterThanOrEqual(a.quorum)
        expect(b.expire ?? Infinity).toBeLessThanOrEqual(a.expire ?? Infinity)
        expect(!a.alike && b.alike).toBe(false)
        expect(a.quiet && !b.quiet).toBe(false)
        expect(!a.operator && b.operator).toBe(false)
      }),
    )
  })
})

test("check names questions that too few may decide, groups that are none, and what a layer says in vain", () => {
  const found = (policy: ReturnType<typeof policyOf>) =>
    checkPolicy(policy, NOW).map(({ check, path }) => `${check} ${path.join(".")}`)
  const two = "approvers: { default: { people: [ana] } }\nnetwork: [{ id: a, ask: a.example, risk: critical }]\n"
  expect(found(policyOf(two))).toEqual([])
  expect(found(policyOf(`${two}approvals: { risk: { critical: { quorum: 2 } } }`))).toEqual([
    "quorum-unreachable network.0",
  ])
  expect(found(policyOf(`${two}approvals: { risk: { critical: { groups: [no] } } }`))).toEqual([
    "approvers-missing network.0",
  ])
  // Two keys of one person are one person, whoever wants two.
  const keys = "network: [{ id: a, ask: a.example, risk: critical }]\napprovers: { default: { people: [ana, ANA+laptop]"
  expect(found(policyOf(`${keys} } }\napprovals: { risk: { critical: { quorum: 2 } } }`))).toEqual([
    "quorum-unreachable network.0",
  ])
  expect(found(policyOf(`${keys}, quorum: 2 } }`))).toEqual(["quorum-unreachable approvers.default"])
  // Of two that a group wants, its level leaves one.
  const narrowed = `approvers: { default: { people: [ana, ben], quorum: 2 }, owners: { people: [ana] } }
network: [{ id: a, ask: a.example, risk: critical, approvers: default }]
approvals: { risk: { critical: { groups: [owners] } } }`
  expect(checkPolicy(policyOf(narrowed), NOW)).toMatchObject([
    { check: "quorum-unreachable", message: expect.stringContaining("whose approvers want 2 people, and 1 may") },
  ])
})
