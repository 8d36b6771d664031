import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { hasPublisherChanged, isTime, provenanceBefore, releaseSpan } from "../../src/packages/history.ts"
import { compareIntegrity } from "../../src/packages/integrity.ts"
import type { PackageDocument, ReleaseInfo } from "../../src/packages/types.ts"
import type { Provenance } from "../../src/policy/types.ts"
import { documentOf, NOW } from "./fixtures.ts"

const LAST = { version: "9.0.0", published: NOW + 1 }

function documentFrom(releases: readonly ReleaseInfo[]): PackageDocument {
  return { ...documentOf("a", [LAST]), releases: new Map(releases.map((one) => [one.version, one])) }
}

/** Whether the last of releases by these accounts, one after the other, counts as a change. */
function changed(earlier: string[], publisher: string | undefined, provenance: "none" | "attested" = "none") {
  const last = { ...LAST, provenance, ...(publisher !== undefined && { publisher }) }
  const releases = earlier.map((name, index) => ({ version: `1.0.${index}`, published: 1000 + index, publisher: name }))
  return hasPublisherChanged(documentFrom([...releases, last]), last)
}

/** The best provenance before a release that comes after those. */
function bestOf(...earlier: (Provenance | undefined)[]): Provenance | undefined {
  const releases = earlier.map((provenance, index): ReleaseInfo => {
    return { version: `1.0.${index}`, published: 1000 + index, ...(provenance !== undefined && { provenance }) }
  })
  return provenanceBefore(documentFrom([...releases, LAST]), LAST)
}

describe("hasPublisherChanged", () => {
  it.each([
    [["ana"], "ana", false],
    [["ana", "ben"], "ben", false],
    [["ana", "ben"], "mallory", true],
    [["Ana"], "ana", false],
    [[], "ana", false],
    [["ana"], undefined, undefined],
    [[""], "ana", undefined],
  ])("%j then %s: %s", (earlier, publisher, expected) => {
    expect(changed(earlier, publisher)).toBe(expected)
  })

  it("takes a first release by trusted publishing for a change only where it is not attested", () => {
    expect(changed(["ana"], "GitHub Actions", "attested")).toBe(false)
    expect(changed(["ana"], "GitHub Actions")).toBe(true)
    expect(changed(["ana"], "mallory", "attested")).toBe(true)
  })
})

describe("provenanceBefore", () => {
  it("goes by publish time, not by version number", () => {
    const document = documentOf("a", [
      { version: "2.0.0", provenance: "attested" },
      { version: "1.0.1", provenance: "none" },
      { version: "3.0.0", provenance: "verified" },
    ])
    expect(provenanceBefore(document, document.releases.get("1.0.1")!)).toBe("attested")
    expect(provenanceBefore(document, document.releases.get("2.0.0")!)).toBe("none")
  })

  it("counts a verified one as attested, and knows nothing where nothing is stated", () => {
    expect(bestOf("verified")).toBe("attested")
    expect(bestOf(undefined)).toBeUndefined()
  })

  it("does not take the best that is stated for the best that there was", () => {
    expect(bestOf(undefined, "none")).toBeUndefined()
    expect(bestOf("signed", undefined)).toBeUndefined()
    expect(bestOf(undefined, "attested")).toBe("attested")
  })
})

describe("a document's history", () => {
  const releases = fc.uniqueArray(
    fc.record({
      version: fc.nat(40).map((number) => `${number}.0.0`),
      published: fc.option(fc.integer({ min: -1, max: 12 }), { nil: undefined }),
      provenance: fc.option(fc.constantFrom<Provenance>("none", "signed", "attested", "verified"), { nil: undefined }),
      publisher: fc.option(fc.constantFrom("", "ana", "Ana", "ben", "GitHub Actions"), { nil: undefined }),
    }),
    { selector: ({ version }) => version, minLength: 1, maxLength: 15 },
  )

  it("says of each release what a look at all the others says", () => {
    fc.assert(
      fc.property(releases, fc.integer({ min: 0, max: 13 }), (all, now) => {
        const infos = all.map((one) => JSON.parse(JSON.stringify(one)) as ReleaseInfo)
        const document = documentFrom(infos)
        const times = infos.flatMap(({ published }) => (isTime(published) && published <= now ? [published] : []))
        const span = times.length === 0 ? undefined : { first: Math.min(...times), last: Math.max(...times) }
        expect(releaseSpan(document, now)).toEqual(span)
        for (const one of infos) {
          const earlier = infos.filter(({ published }) => isTime(published) && published < (one.published ?? 0))
          expect(provenanceBefore(document, one)).toBe(isTime(one.published) ? naiveProvenance(earlier) : undefined)
          expect(hasPublisherChanged(document, one)).toBe(isTime(one.published) ? naiveChange(one, earlier) : undefined)
        }
      }),
    )
  })
})

function naiveProvenance(earlier: ReleaseInfo[]): Provenance | undefined {
  if (earlier.length === 0) return "none"
  if (earlier.some(({ provenance }) => provenance === "attested" || provenance === "verified")) return "attested"
  if (earlier.some(({ provenance }) => provenance === undefined)) return undefined
  return earlier.some(({ provenance }) => provenance === "signed") ? "signed" : "none"
}

function naiveChange({ publisher = "", provenance }: ReleaseInfo, earlier: ReleaseInfo[]): boolean | undefined {
  if (publisher === "") return undefined
  if (earlier.length === 0) return false
  const accounts = earlier.map((one) => (one.publisher ?? "").toLowerCase()).filter((account) => account !== "")
  if (accounts.includes(publisher.toLowerCase())) return false
  if (accounts.length === 0) return undefined
  return !(publisher === "GitHub Actions" && (provenance === "attested" || provenance === "verified"))
}

describe("compareIntegrity", () => {
  it.each([
    [[], ["sha512-aa"], "none"],
    [["sha512-aa=="], ["sha512-aa"], "match"],
    [["SHA512-aa?x"], ["sha512-aa"], "match"],
    [["sha1-bb", "sha512-cc"], ["sha1-bb", "sha512-aa"], "mismatch"],
    [["sha256-aa", "sha256-bb"], ["sha256-bb", "sha256-cc", "sha256-aa"], "match"],
    [["sha256-aa", "sha256-bb"], ["sha256-bb"], "partial"],
    [["sha1-bb", "sha512-cc"], ["sha1-bb"], "incomparable"],
    [["sha256-aa"], ["sha512-aa"], "incomparable"],
    [["sha256-aa"], [], "incomparable"],
    [["nothash", "-", "sha512-"], ["sha512-aa"], "unreadable"],
  ])("%j against %j: %s", (lockfile, registry, expected) => {
    expect(compareIntegrity(lockfile, registry)).toBe(expected)
  })
})
