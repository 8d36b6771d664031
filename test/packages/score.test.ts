import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { factsOf } from "../../src/packages/facts.ts"
import { trustScore } from "../../src/packages/score.ts"
import type { PackageDocument } from "../../src/packages/types.ts"
import type { Ecosystem, PackageFactName, PackageFacts, Provenance, Severity } from "../../src/policy/types.ts"
import { advisoriesOf, DAY, dependencyOf, documentOf, NOW } from "./fixtures.ts"

const good: PackageFacts = {
  exists: true,
  published: NOW - 100 * DAY,
  lastRelease: NOW - 100 * DAY,
  license: "MIT",
  installScripts: [],
  deprecated: false,
  yanked: false,
  provenance: "verified",
  provenanceBefore: "attested",
  publisherChanged: false,
  integrity: "match",
  advisories: [],
  lookalike: null,
}
const releases = Array.from({ length: 20 }, (_, index) => ({ version: `1.${index}.0` }))
const document = documentOf("a", releases, { maintainers: ["a", "b", "c"] })
const young = documentOf("a", [{ version: "1.0.0", published: NOW - DAY }], { maintainers: ["a"] })

describe("trustScore", () => {
  it("gives a long, clean, attested record all points", () => {
    expect(trustScore(good, document, NOW)?.score).toBe(100)
  })

  it("shows every factor with its points and reason", () => {
    const facts: PackageFacts = {
      ...good,
      published: NOW - DAY,
      provenance: "none",
      provenanceBefore: "none",
      installScripts: ["install"],
    }
    expect(trustScore(facts, young, NOW)).toEqual({
      score: 48,
      factors: [
        { name: "package-age", points: 0, of: 12, why: "first released 1 day ago" },
        { name: "release-history", points: 0, of: 8, why: "1 release" },
        { name: "activity", points: 8, of: 8, why: "last release 1 day ago" },
        { name: "version-age", points: 0, of: 12, why: "this version published 1 day ago" },
        { name: "maintainers", points: 4, of: 8, why: "1 maintainer account" },
        { name: "publisher", points: 8, of: 8, why: "published by an account that is not new to it" },
        { name: "provenance", points: 0, of: 8, why: "none" },
        { name: "install-scripts", points: 0, of: 8, why: "runs 1 script when installed" },
        { name: "license", points: 4, of: 4, why: "licence stated" },
        { name: "standing", points: 8, of: 8, why: "neither deprecated nor yanked" },
        { name: "advisories", points: 10, of: 10, why: "no advisory known for this version" },
        { name: "name", points: 6, of: 6, why: "not mistakable for a well-known name" },
      ],
    })
  })

  it("limits the score where something is known to be bad, and shows by how much", () => {
    const facts: PackageFacts = { ...good, lookalike: { of: "b", how: "" } }
    const result = trustScore(facts, document, NOW)
    expect(result?.score).toBe(30)
    expect(result?.factors.at(-1)).toEqual({ name: "ceiling", points: -64, of: 0, why: "at most 30: look-alike name" })
    const malware: PackageFacts = { ...good, advisories: [{ id: "MAL-1", aliases: [], kind: "malware", fixed: [] }] }
    expect(trustScore(malware, document, NOW)?.score).toBe(0)
    expect(trustScore({ ...good, exists: false }, document, NOW)?.score).toBe(0)
  })

  it("is not given where advisories or names were not searched or too little is known", () => {
    const without = (name: PackageFactName) => ({ ...good, [name]: undefined }) as PackageFacts
    expect(trustScore(without("advisories"), document, NOW)).toBeUndefined()
    expect(trustScore(without("lookalike"), document, NOW)).toBeUndefined()
    const undated = { ...document, releases: new Map([["1.0.0", { version: "1.0.0" }]]), maintainers: [] }
    expect(trustScore({ exists: true, advisories: [], lookalike: null, license: "MIT" }, undated, NOW)).toBeUndefined()
  })

  it("becomes a fact where it is asked for", () => {
    const options = { lookalike: () => null, score: true }
    const dependency = dependencyOf("a", "1.19.0")
    expect(factsOf(dependency, { ok: true, document }, advisoriesOf(), NOW, options).score).toBe(94)
    expect(factsOf(dependency, { ok: true, document }, advisoriesOf(), NOW).missing?.score).toBe("not-collected")
  })
})

describe("for any evidence", () => {
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const provenance = fc.constantFrom<Provenance>("none", "signed", "attested", "verified")
  const severity = fc.constantFrom<Severity>("low", "medium", "high", "critical")
  const advisory = fc.record({
    id: fc.constant("X"),
    aliases: fc.constant([]),
    kind: fc.constantFrom("vulnerability" as const, "malware" as const),
    severity,
    fixed: fc.constant([]),
  })
  const time = fc.integer({ min: NOW - 3000 * DAY, max: NOW })
  const anyFacts = fc.record({
    exists: fc.constant(true),
    published: optional(time),
    lastRelease: optional(time),
    license: optional(fc.constantFrom("", "MIT")),
    installScripts: optional(fc.constantFrom([], ["install"])),
    deprecated: optional(fc.boolean()),
    yanked: optional(fc.boolean()),
    provenance: optional(provenance),
    provenanceBefore: optional(provenance),
    publisherChanged: optional(fc.boolean()),
    advisories: fc.oneof(fc.constant([]), fc.array(advisory, { maxLength: 3 })),
    lookalike: fc.constantFrom(null, null, null, { of: "b", how: "one letter" }),
  }) as unknown as fc.Arbitrary<PackageFacts>
  const anyDocument: fc.Arbitrary<PackageDocument> = fc
    .record({
      ecosystem: fc.constantFrom<Ecosystem>("npm", "pypi", "cargo", "golang"),
      times: fc.array(time, { minLength: 1, maxLength: 30 }),
      maintainers: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 }),
    })
    .map(({ ecosystem, times, maintainers }) =>
      documentOf(
        "a",
        times.map((published, index) => ({ version: `1.${index}.0`, published })),
        { ecosystem, maintainers },
      ),
    )

  it("the score is 0-100 and exactly the sum of its factors", () => {
    fc.assert(
      fc.property(anyFacts, anyDocument, (facts, document) => {
        const result = trustScore(facts, document, NOW)
        if (result === undefined) return
        expect(result.score).toBeGreaterThanOrEqual(0)
        expect(result.score).toBeLessThanOrEqual(100)
        expect(result.factors.reduce((sum, factor) => sum + factor.points, 0)).toBe(result.score)
        expect(result.factors.reduce((sum, factor) => sum + factor.of, 0)).toBe(100)
      }),
    )
  })

  it("leaving out a fact never raises it", () => {
    fc.assert(
      fc.property(anyFacts, anyDocument, (facts, document) => {
        const whole = trustScore(facts, document, NOW)?.score
        if (whole === undefined) return
        for (const name of Object.keys(facts) as PackageFactName[]) {
          const part = trustScore({ ...facts, [name]: undefined } as PackageFacts, document, NOW)?.score ?? 0
          expect(part, `without ${name}`).toBeLessThanOrEqual(whole)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
