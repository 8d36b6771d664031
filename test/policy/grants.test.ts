// What a person's approval can do to a verdict, and what it never can.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CODES } from "../../src/policy/codes.ts"
import { decide } from "../../src/policy/decide.ts"
import type { Grant } from "../../src/policy/grant-types.ts"
import { loadLayers } from "../../src/policy/load.ts"
import type { Advisory, Verdict } from "../../src/policy/types.ts"
import { actions, facts, policyData } from "./arbitraries.ts"
import { action, answer, ask, FINE, NOW } from "./support.ts"

const PURL = "pkg:npm/esbuild@0.25.1"
const SCRIPTS = { ...FINE, installScripts: ["postinstall"] }
const advisory = (id: string): Advisory => ({ id, aliases: [], kind: "vulnerability", severity: "high", fixed: [] })
const grant = (more: Partial<Grant> = {}): Grant => ({
  ...{ id: "ap-abcdefgh", kind: "ask", codes: ["script.unapproved"], approvers: "", expires: NOW + 1, ...more },
})

describe("an approval", () => {
  const policy = "packages: { ask: { install-scripts: true, age: 3d } }"

  it("lifts the codes that it names, and the verdict says so", () => {
    expect(answer(policy, PURL, { facts: SCRIPTS })).toBe("ask script.unapproved")
    const verdict = ask(policy, PURL, { facts: SCRIPTS, grants: [grant()] })
    expect(verdict).toMatchObject({ effect: "allow", code: "policy.default" })
    expect(verdict.excepted).toEqual([
      { rule: "approval ap-abcdefgh", code: "script.unapproved", owner: "approvers", expires: "2026-11-21" },
    ])
  })

  it("leaves every other code, and the evidence that is missing, where they are", () => {
    const young = { ...SCRIPTS, published: NOW - 1 }
    expect(answer(policy, PURL, { facts: young, grants: [grant()] })).toBe("ask release.too-new")
    const unknown = { ...SCRIPTS, installScripts: undefined } as never
    expect(answer(policy, PURL, { facts: unknown, grants: [grant()] })).toMatch(/ evidence\.missing$/)
  })

  it("ends at the instant at which it ends", () => {
    expect(answer(policy, PURL, { facts: SCRIPTS, grants: [grant({ expires: NOW })] })).toBe("ask script.unapproved")
    expect(answer(policy, PURL, { facts: SCRIPTS, grants: [grant({ expires: Number.NaN })] })).toBe(
      "ask script.unapproved",
    )
  })

  it("is only of those whom the rule names", () => {
    const named =
      "packages: { rules: [{ id: natives, ask: pkg:npm/esbuild, approvers: ops }] }\napprovers: { ops: { people: [ana] } }"
    const codes = ["package.approval"]
    expect(ask(named, PURL)).toMatchObject({ effect: "ask", approvers: "ops" })
    expect(answer(named, PURL, { grants: [grant({ codes })] })).toBe("ask package.approval")
    expect(answer(named, PURL, { grants: [grant({ codes, approvers: "sec" })] })).toBe("ask package.approval")
    const verdict = ask(named, PURL, { grants: [grant({ codes, approvers: "ops" })] })
    expect(verdict).toMatchObject({ effect: "allow", excepted: [{ owner: "ops" }] })
    expect(verdict.approvers).toBeUndefined()
  })

  it("of a question lifts no deny; an exception does", () => {
    const denies = "packages: { deny: { install-scripts: true } }"
    expect(answer(denies, PURL, { facts: SCRIPTS, grants: [grant()] })).toBe("deny script.unapproved")
    expect(answer(denies, PURL, { facts: SCRIPTS, grants: [grant({ kind: "exception" })] })).toBe(
      "allow policy.default",
    )
  })

  it("covers the advisories that were shown, and no later one", () => {
    const denies = "packages: { deny: { severity: high } }"
    const shown = grant({ kind: "exception", codes: ["vulnerability.severity"], advisories: ["GHSA-1"] })
    const known = (...ids: string[]) => ({ facts: { ...FINE, advisories: ids.map(advisory) }, grants: [shown] })
    expect(answer(denies, PURL, known("GHSA-1"))).toBe("allow policy.default")
    expect(answer(denies, PURL, known("GHSA-1", "GHSA-2"))).toBe("deny vulnerability.severity")
    const blank = grant({ kind: "exception", codes: ["vulnerability.severity"] })
    expect(answer(denies, PURL, { ...known("GHSA-1"), grants: [blank] })).toBe("deny vulnerability.severity")
  })

  it("covers the facts that were missing, and no others", () => {
    const asks = "packages: { ask: { score: 40, age: 3d }, unknown: ask }"
    const without = (...names: string[]) =>
      ({ ...FINE, ...Object.fromEntries(names.map((name) => [name, undefined])) }) as never
    const shown = [grant({ codes: ["evidence.missing"], missing: ["score"] })]
    expect(answer(asks, PURL, { facts: without("score") })).toBe("ask evidence.missing")
    expect(answer(asks, PURL, { facts: without("score"), grants: shown })).toBe("allow policy.default")
    expect(answer(asks, PURL, { facts: without("score", "published"), grants: shown })).toBe("ask evidence.missing")
    expect(answer(asks, PURL, { facts: without("score"), grants: [grant({ codes: ["evidence.missing"] })] })).toBe(
      "ask evidence.missing",
    )
  })

  it("never lifts malware, another's bytes, a kill, or a deny of the organisation", () => {
    const all = (kind: Grant["kind"]) => [
      grant({ kind, codes: CODES.map(({ code }) => code), advisories: ["MAL-1"], missing: ["advisories"] }),
    ]
    const malware = { ...FINE, advisories: [{ ...advisory("MAL-1"), kind: "malware" as const }] }
    for (const kind of ["ask", "exception"] as const) {
      expect(answer("packages: { deny: { malware: true } }", PURL, { facts: malware, grants: all(kind) })).toBe(
        "deny malware.known",
      )
      expect(answer("", PURL, { facts: malware, grants: all(kind) })).toBe("deny malware.known")
      expect(answer("", PURL, { facts: { ...FINE, integrity: "mismatch" }, grants: all(kind) })).toBe(
        "deny integrity.mismatch",
      )
      expect(answer("", PURL, { killed: true, grants: all(kind) })).toBe("deny agent.killed")
      expect(answer("", "GET https://api.example.com/", { grants: all(kind) })).toBe("deny network.host-denied")
    }
    const org = { file: "org:nanoguard.yaml", text: "version: 1\npackages: { deny: { install-scripts: true } }" }
    const repo = { file: "nanoguard.yaml", text: "version: 1" }
    const under = (texts: (typeof org)[]) =>
      decide(loadLayers(texts), action(PURL), { now: NOW, facts: SCRIPTS, grants: all("exception") }).effect
    expect(under([org, repo])).toBe("deny")
    expect(under([org])).toBe("deny")
    expect(under([{ ...org, file: "nanoguard.yaml" }])).toBe("allow")
    // What the organisation only asks, a person may answer.
    expect(under([{ ...org, text: org.text.replace("deny", "ask") }, repo])).toBe("allow")
  })

  it("of a request or a credential lifts what its group was asked, and says so", () => {
    const policy =
      'network: [{ id: a, ask: api.example.com, approvers: ops, credential: key }, { id: b, ask: "**", approvers: sec, methods: [PUT] }]\napprovers: { ops: { people: [ana] }, sec: { people: [ben] } }'
    const by = (approvers: string, code: string) => ({ counters: {}, grants: [grant({ codes: [code], approvers })] })
    const POST = "POST https://api.example.com/"
    const verdict = ask(policy, POST, by("ops", "network.approval"))
    expect(verdict).toMatchObject({
      ...{ effect: "allow", code: "network.allowed", reason: "A person approved it." },
      excepted: [{ rule: "approval ap-abcdefgh", code: "network.approval", owner: "ops" }],
    })
    expect(answer(policy, POST, by("sec", "network.approval"))).toBe("ask network.approval")
    expect(ask(policy, "PUT https://api.example.com/", by("ops", "network.approval"))).toMatchObject({
      ...{ effect: "ask", approvers: "sec" },
    })
    const credential = "credential:key GET https://api.example.com/"
    // The rule that asked about the request put the credential onto it; of another group it is another question.
    expect(answer(policy, credential, by("ops", "network.approval"))).toBe("allow credential.allowed")
    expect(answer(policy, credential, by("sec", "network.approval"))).toBe("ask credential.approval")
    expect(answer(policy, credential, by("ops", "credential.approval"))).toBe("allow credential.allowed")
    for (const more of [{ addresses: ["10.0.0.1"] }, { unboundPlaceholder: "key" }, { killed: true }])
      expect(ask(policy, POST, { ...by("ops", "network.approval"), ...more }).effect).toBe("deny")
  })

  it("opens what a closed default would say in the place of a rule that asked", () => {
    const network = "network: [{ id: api, ask: api.example.com }]"
    const granted = { grants: [grant({ codes: ["network.approval"] })] }
    expect(answer(network, "GET https://api.example.com/")).toBe("ask network.approval")
    expect(ask(network, "GET https://api.example.com/", granted).effect).toBe("allow")
    expect(ask(network, "GET https://other.example.com/", granted).effect).toBe("deny")
  })
})

describe("for every policy, action and evidence, an approval", () => {
  const RANK = { allow: 0, ask: 1, deny: 2 }
  const strength = ({ effect, mode }: Verdict) => (mode === "observe" ? 0 : RANK[effect])
  const grants = fc.array(
    fc.record({
      id: fc.constantFrom("ap-aaaaaaaa", "ap-bbbbbbbb"),
      kind: fc.constantFrom("ask" as const, "exception" as const),
      codes: fc.uniqueArray(fc.constantFrom(...CODES.map(({ code }) => code)), { maxLength: 6 }),
      advisories: fc.option(fc.array(fc.constantFrom("GHSA-1", "GHSA-2", "MAL-1")), { nil: undefined }),
      missing: fc.option(fc.array(fc.constantFrom("score", "advisories", "license")), { nil: undefined }),
      approvers: fc.constantFrom("", "", "ops"),
      expires: fc.constantFrom(NOW, NOW + 1),
    }),
    { maxLength: 3 },
  ) as fc.Arbitrary<Grant[]>
  const everything = (verdict: Verdict) => [verdict, ...(verdict.also ?? [])].filter(({ effect }) => effect !== "allow")

  it("makes nothing stricter, lifts no other code, and no floor", () => {
    fc.assert(
      fc.property(policyData("r"), policyData("s"), actions, facts, grants, (org, repo, asked, known, given) => {
        const texts = [org, repo].map((data, i) => ({
          text: JSON.stringify(data),
          file: ["org:nanoguard.yaml", "nanoguard.yaml"][i]!,
        }))
        const policy = loadLayers(texts)
        const before = decide(policy, asked, { now: NOW, facts: known })
        const after = decide(policy, asked, { now: NOW, facts: known, grants: given })
        expect(strength(after)).toBeLessThanOrEqual(strength(before))
        const codes = new Set(given.filter(({ expires }) => NOW < expires).flatMap((one) => one.codes))
        const kept = everything(after).map(({ code, rule }) => `${code} ${rule}`)
        for (const { code, rule, effect } of everything(before)) {
          const floor = CODES.find((one) => one.code === code)?.floor
          const lifted = codes.has(code) && !floor && (effect === "ask" || !rule.includes("org:"))
          if (!lifted) expect(kept).toContain(`${code} ${rule}`)
        }
        for (const one of after.excepted ?? []) if (one.rule.startsWith("approval ")) expect(codes).toContain(one.code)
        // And where none is in force, nothing at all is different.
        if (codes.size === 0) expect(after).toEqual(before)
      }),
      { numRuns: 600 },
    )
  })
})
