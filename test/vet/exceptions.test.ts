// Exceptions in the report: used, left over, run out; and what they cannot lift.
import { describe, expect, it } from "vitest"
import { OFFLINE, policyOf, vetTree } from "./support.ts"

const exception = (subject: string, code: string, expires: string, more = "") =>
  `  - { allow: "${subject}", of: ${code}, owner: ana@acme.example, reason: reviewed, expires: ${expires}${more} }`

const scripted = { "1.0.0": { scripts: { install: "x" } } }

describe("exceptions", () => {
  it("are used, unused or expired, with how many packages each let through", async () => {
    const { report, found } = await vetTree({
      policy: policyOf(`ask: { install-scripts: true }
exceptions:
${exception("pkg:npm/used", "script.unapproved", "2026-12-31")}
${exception("pkg:npm/not-there", "script.unapproved", "2026-12-31")}
${exception("pkg:npm/late", "script.unapproved", "2026-11-20")}
${exception("pkg:npm/@acme/*", "script.unapproved", "2026-11-21")}
${exception("pkg:npm/versioned", "script.unapproved", "2026-12-31", ', versions: ">=2"')}`),
      packages: { used: "1.0.0", late: "1.0.0", "@acme/a": "1.0.0", "@acme/b": "1.0.0", versioned: "1.0.0" },
      prepare: ({ npm }) => {
        for (const name of ["used", "late", "@acme/a", "@acme/b", "versioned"]) npm(name, scripted)
      },
    })
    expect(found).toEqual({ "late@1.0.0": "ask script.unapproved", "versioned@1.0.0": "ask script.unapproved" })
    expect(report.exceptions.map(({ subject, state, count }) => [subject, state, count])).toEqual([
      ["pkg:npm/used", "used", 1],
      ["pkg:npm/not-there", "unused", 0],
      ["pkg:npm/late", "expired", 0],
      ["pkg:npm/@acme/*", "used", 2],
      ["pkg:npm/versioned >=2", "unused", 0],
    ])
    expect(report.exceptions[3]?.packages).toEqual([
      { purl: "pkg:npm/%40acme/a@1.0.0", advisories: [] },
      { purl: "pkg:npm/%40acme/b@1.0.0", advisories: [] },
    ])
    expect(report.counts).toEqual({ packages: 5, allow: 3, ask: 2, deny: 0, excepted: 3, observed: 0 })
  })

  it("name the advisories that they set aside, and lift no other", async () => {
    const advisory = (id: string) => ({
      id,
      kind: "vulnerability" as const,
      severity: "high" as const,
      versions: ["1.0.0"],
    })
    const policy = policyOf(`deny: { severity: high }
exceptions:
${exception("pkg:npm/a", "vulnerability.severity", "2026-12-31", ", advisories: [GHSA-aaaa-bbbb-cccc]")}`)
    const one = await vetTree({
      policy,
      packages: { a: "1.0.0" },
      advisories: { a: [advisory("GHSA-aaaa-bbbb-cccc")] },
    })
    expect(one.found).toEqual({})
    expect(one.report.exceptions[0]?.packages).toEqual([
      { purl: "pkg:npm/a@1.0.0", advisories: ["GHSA-aaaa-bbbb-cccc"] },
    ])
    const two = await vetTree({
      policy,
      packages: { a: "1.0.0" },
      advisories: { a: [advisory("GHSA-aaaa-bbbb-cccc"), advisory("GHSA-xxxx-yyyy-zzzz")] },
    })
    expect(two.found).toEqual({ "a@1.0.0": "deny vulnerability.severity" })
    expect(two.report.exceptions[0]?.state).toBe("unused")
  })

  it("that lift a finding together are each used, and name only what they set aside", async () => {
    const advisory = (id: string, severity: "high" | "low") => ({
      id,
      kind: "vulnerability" as const,
      severity,
      versions: ["1.0.0"],
    })
    const { found, report } = await vetTree({
      policy: policyOf(`deny: { severity: high }
exceptions:
${exception("pkg:npm/a", "vulnerability.severity", "2026-12-31", ", advisories: [GHSA-aaaa-bbbb-cccc]")}
${exception("pkg:npm/a", "vulnerability.severity", "2026-12-31", ", advisories: [GHSA-xxxx-yyyy-zzzz]")}
${exception("pkg:npm/a", "vulnerability.severity", "2026-12-31", ", advisories: [GHSA-none-none-none]")}`),
      packages: { a: "1.0.0" },
      advisories: {
        a: [
          advisory("GHSA-aaaa-bbbb-cccc", "high"),
          advisory("GHSA-xxxx-yyyy-zzzz", "high"),
          advisory("GHSA-mild-mild-mild", "low"),
        ],
      },
    })
    expect(found).toEqual({})
    expect(report.exceptions.map(({ state, packages }) => [state, packages?.[0]?.advisories])).toEqual([
      ["used", ["GHSA-aaaa-bbbb-cccc"]],
      ["used", ["GHSA-xxxx-yyyy-zzzz"]],
      ["unused", undefined],
    ])
  })

  it("that accept not knowing are used where somebody would have been asked, and only there", async () => {
    const policy = (unknown: string) =>
      policyOf(`deny: { age: 3d }
unknown: ${unknown}
exceptions:
${exception("pkg:npm/a", "release.too-new", "2026-12-31")}`)
    const asked = await vetTree({ policy: policy("ask"), packages: { a: "1.0.0" }, options: OFFLINE })
    expect(asked.found).toEqual({})
    expect(asked.report.exceptions[0]?.state).toBe("used")
    const passing = await vetTree({ policy: policy("allow"), packages: { a: "1.0.0" }, options: OFFLINE })
    expect(passing.report.exceptions[0]?.state).toBe("unused")
  })

  it("of a repository lift no deny of the organisation", async () => {
    const { found, report } = await vetTree({
      policy: policyOf(`exceptions:\n${exception("pkg:npm/a", "script.unapproved", "2026-12-31")}`),
      files: { "org.yaml": policyOf("deny: { install-scripts: true }") },
      packages: { a: "1.0.0" },
      prepare: ({ npm }) => npm("a", scripted),
      env: { NANOGUARD_ORG_POLICY: "org.yaml" },
    })
    expect(found).toEqual({ "a@1.0.0": "deny script.unapproved" })
    expect(report.rows[0]?.verdict.rule).toContain("org:nanoguard.yaml")
  })
})
