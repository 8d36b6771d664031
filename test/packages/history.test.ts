import { describe, expect, it } from "vitest"
import { bestProvenance, earlierReleases, hasPublisherChanged } from "../../src/packages/history.ts"
import { compareIntegrity } from "../../src/packages/integrity.ts"
import { documentOf } from "./fixtures.ts"

const changed = (earlier: string[], publisher: string | undefined, provenance: "none" | "attested" = "none") =>
  hasPublisherChanged(
    { version: "9.0.0", provenance, ...(publisher !== undefined && { publisher }) },
    earlier.map((name, index) => ({ version: `1.0.${index}`, publisher: name })),
  )

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

describe("bestProvenance", () => {
  it("goes by publish time, not by version number", () => {
    const document = documentOf("a", [
      { version: "2.0.0", provenance: "attested" },
      { version: "1.0.1", provenance: "none" },
      { version: "3.0.0", provenance: "verified" },
    ])
    expect(bestProvenance(earlierReleases(document, document.releases.get("1.0.1")!))).toBe("attested")
    expect(bestProvenance(earlierReleases(document, document.releases.get("2.0.0")!))).toBe("none")
  })

  it("counts a verified one as attested, and knows nothing where nothing is stated", () => {
    expect(bestProvenance([{ version: "1.0.0", provenance: "verified" }])).toBe("attested")
    expect(bestProvenance([{ version: "1.0.0" }])).toBeUndefined()
  })

  it("does not take the best that is stated for the best that there was", () => {
    const unstated = { version: "1.0.0" }
    expect(bestProvenance([unstated, { version: "1.1.0", provenance: "none" }])).toBeUndefined()
    expect(bestProvenance([{ version: "1.1.0", provenance: "signed" }, unstated])).toBeUndefined()
    expect(bestProvenance([unstated, { version: "1.1.0", provenance: "attested" }])).toBe("attested")
  })
})

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
