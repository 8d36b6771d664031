import { describe, expect, it } from "vitest"
import { factsOf } from "../../src/packages/facts.ts"
import type { DocumentResult, PackageDocument, ReleaseInfo } from "../../src/packages/types.ts"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { createMissingTally } from "../../src/vet/missing.ts"
import { advisoriesOf, DAY, dependencyOf, documentOf, HIGH, MALWARE, NOW } from "./fixtures.ts"

const ok = (document: PackageDocument): DocumentResult => ({ ok: true, document })
const none = advisoriesOf()

describe("offline", () => {
  it("knows the advisories and nothing else", () => {
    const facts = factsOf(dependencyOf("left-pad", "1.3.0"), "offline", none, NOW)
    expect(facts).toEqual({
      absent: "offline",
      advisories: [],
      integrity: "present",
      missing: { lookalike: "not-collected" },
    })
  })

  it("shares one frozen object among packages about which the same is known", () => {
    const claims = { license: "MIT" }
    const first = factsOf(dependencyOf("a", "1.0.0", { claims }), "offline", none, NOW)
    const second = factsOf(dependencyOf("b", "2.0.0"), "offline", none, NOW)
    expect(second).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
  })

  it("names the ecosystem without advisories, the missing hash, the hit and the look-alike", () => {
    const cargo = dependencyOf("serde", "1.0.0", { ecosystem: "cargo", integrity: [] })
    expect(factsOf(cargo, "offline", none, NOW)).toEqual({
      absent: "offline",
      integrity: "none",
      missing: { advisories: "unsupported", lookalike: "not-collected" },
    })
    const lookalike = (_: string, name: string) => (name === "lodahs" ? { of: "lodash", how: "swapped letters" } : null)
    const hits = advisoriesOf({ "lodahs@1.0.0": [MALWARE] })
    expect(factsOf(dependencyOf("lodahs", "1.0.0"), "offline", hits, NOW, { lookalike })).toEqual({
      absent: "offline",
      advisories: [MALWARE],
      integrity: "present",
      lookalike: { of: "lodash", how: "swapped letters" },
    })
    expect(factsOf(dependencyOf("lodash", "4.17.21"), "offline", hits, NOW, { lookalike })).toEqual({
      absent: "offline",
      advisories: [],
      integrity: "present",
      lookalike: null,
    })
  })

  it("says that an advisory which cannot be compared leaves the package undecided", () => {
    const undecided = { ...none, affecting: () => Object.assign([], { invalid: true as const }) }
    const facts = factsOf(dependencyOf("left-pad", "1.3.0"), "offline", undecided, NOW)
    expect(facts.advisories).toBeUndefined()
    expect(facts.missing?.advisories).toBe("invalid")
  })

  it("does not take the advisories that apply for all that there are", () => {
    const low = { ...HIGH, severity: "low" as const }
    const partly = { ...none, affecting: () => Object.assign([low], { invalid: true as const }) }
    const undecided = factsOf(dependencyOf("left-pad", "1.3.0"), "offline", partly, NOW)
    expect(undecided.advisories?.map(({ id }) => id)).toEqual([low.id])
    expect(undecided.missing?.advisories).toBe("invalid")
    const git = dependencyOf("left-pad", "1.3.0", { source: { kind: "git", url: "https://git.example/x" } })
    const foreign = factsOf(git, "offline", advisoriesOf({ "left-pad@1.3.0": [low] }), NOW)
    expect(foreign).toMatchObject({ advisories: [low], missing: { advisories: "unsupported" } })

    const policy = loadPolicy("version: 1\npackages: { deny: { malware: true, severity: high } }", "nanoguard.yaml")
    const action = { ...dependencyOf("left-pad", "1.3.0"), kind: "package" as const, ecosystem: "npm" as const }
    for (const facts of [undecided, foreign]) {
      const tally = createMissingTally(policy.packages.needs)
      tally.count(git, facts)
      expect(tally.summary()).toMatchObject([{ fact: "advisories", packages: 1 }])
      expect(decide(policy, action, { now: NOW, facts })).toMatchObject({ effect: "ask", code: "evidence.missing" })
    }
    const known = factsOf(dependencyOf("left-pad", "1.3.0"), "offline", advisoriesOf({ "left-pad@1.3.0": [low] }), NOW)
    expect(decide(policy, action, { now: NOW, facts: known })).toMatchObject({
      effect: "allow",
      code: "policy.default",
    })
  })

  it("knows no advisories for a line that pins no version", () => {
    const facts = factsOf(dependencyOf("flask", "", { ecosystem: "pypi" }), "offline", none, NOW)
    expect(facts).toEqual({
      absent: "offline",
      integrity: "present",
      missing: { advisories: "unstated", lookalike: "not-collected" },
    })
  })
})

describe("what a lockfile claims", () => {
  const claims = { installScripts: true, deprecated: true, license: "AGPL-3.0-only" }

  it("counts against the package", () => {
    const refusesLicense = (license: string) => license === "AGPL-3.0-only"
    const facts = factsOf(dependencyOf("a", "1.0.0", { claims }), "offline", none, NOW, { refusesLicense })
    expect(facts).toMatchObject({ installScripts: ["install"], deprecated: true, license: "AGPL-3.0-only" })
  })

  it("never counts for it", () => {
    const kind = { installScripts: false, deprecated: false, license: "MIT" }
    const facts = factsOf(dependencyOf("a", "1.0.0", { claims: kind }), "offline", none, NOW, {
      refusesLicense: () => false,
    })
    expect(facts).toEqual({
      absent: "offline",
      advisories: [],
      integrity: "present",
      missing: { lookalike: "not-collected" },
    })
  })

  it("adds a script that the registry does not list, and does not replace its licence", () => {
    const document = documentOf("a", [{ version: "1.0.0" }])
    const facts = factsOf(dependencyOf("a", "1.0.0", { claims }), ok(document), none, NOW, {
      refusesLicense: () => true,
    })
    expect(facts).toMatchObject({ installScripts: ["install"], deprecated: true, license: "MIT" })
  })
})

describe("with a registry's document", () => {
  it("collects every fact", () => {
    const document = documentOf("a", [
      { version: "1.0.0", provenance: "attested" },
      { version: "1.1.0", integrity: ["sha512-aaaa"], publisher: "mallory", installScripts: ["postinstall"] },
      { version: "1.2.0" },
    ])
    const facts = factsOf(dependencyOf("a", "1.1.0"), ok(document), advisoriesOf({ "a@1.1.0": [HIGH] }), NOW)
    expect(facts).toEqual({
      exists: true,
      published: NOW - 200 * DAY,
      lastRelease: NOW - 100 * DAY,
      license: "MIT",
      installScripts: ["postinstall"],
      deprecated: false,
      yanked: false,
      provenance: "signed",
      provenanceBefore: "attested",
      publisherChanged: true,
      integrity: "match",
      advisories: [HIGH],
      missing: { lookalike: "not-collected", score: "not-collected" },
    })
  })

  it("calls provenance that does not verify invalid, never weaker", () => {
    const forged = documentOf("a", [{ version: "1.0.0", provenanceInvalid: true }])
    const facts = factsOf(dependencyOf("a", "1.0.0"), ok(forged), none, NOW)
    expect(facts.provenance).toBeUndefined()
    expect(facts.missing?.provenance).toBe("invalid")
  })

  it("says of each fact that is not there why", () => {
    const bare: ReleaseInfo = { version: "v1.0.0", published: Number.NaN }
    const document = {
      ...documentOf("m", [{ version: "v1.0.0" }]),
      ecosystem: "golang" as const,
      releases: new Map([["v1.0.0", bare]]),
    }
    const facts = factsOf(dependencyOf("m", "v1.0.0", { ecosystem: "golang" }), ok(document), none, NOW, {
      score: true,
    })
    expect(facts).toEqual({
      exists: true,
      installScripts: [],
      integrity: "present",
      missing: {
        advisories: "unsupported",
        lookalike: "not-collected",
        lastRelease: "unstated",
        published: "invalid",
        license: "unsupported",
        deprecated: "unstated",
        yanked: "unstated",
        provenance: "unsupported",
        provenanceBefore: "unsupported",
        publisherChanged: "unsupported",
        integrity: "unstated",
        score: "unstated",
      },
    })
  })

  it("takes a version that is not listed for one that does not exist, except a Go pseudo-version", () => {
    const document = documentOf("a", [{ version: "1.0.0" }])
    expect(factsOf(dependencyOf("a", "9.9.9"), ok(document), none, NOW)).toMatchObject({
      exists: false,
      absent: "unstated",
    })
    const pseudo = dependencyOf("golang.example/x", "v0.0.0-20240102030405-0123456789ab", { ecosystem: "golang" })
    const facts = factsOf(pseudo, ok({ ...document, ecosystem: "golang" }), none, NOW)
    expect(facts).toMatchObject({ absent: "unsupported" })
    expect(facts.exists).toBeUndefined()
  })

  it("reports a name that is not there, and a registry that did not answer", () => {
    const dependency = dependencyOf("no-such-package", "1.0.0")
    const gone = factsOf(dependency, { ok: false, reason: "not-found", detail: "" }, none, NOW)
    expect(gone).toMatchObject({ exists: false, absent: "unstated" })
    const down = factsOf(dependency, { ok: false, reason: "unreachable", detail: "" }, none, NOW)
    expect(down).toMatchObject({ absent: "unreachable", advisories: [] })
    expect(down.exists).toBeUndefined()
  })

  it("does not let a release dated in the future prove upkeep", () => {
    const document = documentOf("a", [{ version: "1.0.0" }, { version: "2.0.0", published: NOW + 400 * DAY }])
    expect(factsOf(dependencyOf("a", "1.0.0"), ok(document), none, NOW).lastRelease).toBe(NOW - 200 * DAY)
  })
})

describe("a stale document", () => {
  const document = {
    ...documentOf("a", [{ version: "1.0.0", deprecated: undefined } as never]),
    stale: "unreachable" as const,
  }

  it("proves neither that a version does not exist nor when the last release was", () => {
    const newer = factsOf(dependencyOf("a", "2.0.0"), ok(document), none, NOW)
    expect(newer.exists).toBeUndefined()
    expect(newer).toMatchObject({ absent: "unreachable", missing: { lastRelease: "unreachable" } })
  })

  it("gives its reason for what may have changed since", () => {
    const facts = factsOf(dependencyOf("a", "1.0.0"), ok(document), none, NOW)
    expect(facts).toMatchObject({ exists: true, license: "MIT", missing: { deprecated: "unreachable" } })
  })
})

it("finds a Python version under its padded spelling", () => {
  const document = documentOf("a", [{ version: "1.0" }], { ecosystem: "pypi" })
  const exists = (version: string) =>
    factsOf(dependencyOf("a", version, { ecosystem: "pypi" }), ok(document), none, NOW).exists
  expect([exists("1.0.0"), exists("1"), exists("1.0.1"), exists("10")]).toEqual([true, true, false, false])
})

it("does not miss a hash that a bundled package cannot have", () => {
  const facts = factsOf(dependencyOf("a", "1.0.0", { integrity: [], bundled: true }), "offline", none, NOW)
  expect(facts.integrity).toBeUndefined()
  expect(facts.missing?.integrity).toBe("unsupported")
})

describe("packages that are not from a registry", () => {
  it("have no facts but those against them", () => {
    const source = { kind: "git", url: "https://git.example/a" } as const
    expect(factsOf(dependencyOf("a", "1.0.0", { source }), "offline", none, NOW)).toEqual({ absent: "unsupported" })
    const hits = advisoriesOf({ "a@1.0.0": [MALWARE] })
    const claims = { installScripts: true }
    expect(factsOf(dependencyOf("a", "1.0.0", { source, claims }), "offline", hits, NOW)).toEqual({
      absent: "unsupported",
      advisories: [MALWARE],
      installScripts: ["install"],
      missing: { advisories: "unsupported" },
    })
    expect(factsOf(dependencyOf("a", "1.0.0", { ecosystem: "maven" }), "offline", hits, NOW)).toEqual({
      absent: "unsupported",
    })
  })
})
