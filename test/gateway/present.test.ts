import fc from "fast-check"
import semver from "semver"
import { describe, expect, it } from "vitest"
import { presentVersions } from "../../src/gateway/present.ts"
import { compareQuickly } from "../../src/gateway/protocols/order.ts"
import type { Client } from "../../src/gateway/types.ts"
import { compareVersions } from "../../src/packages/versions.ts"
import type { Ecosystem } from "../../src/policy/types.ts"
import { verdictOf } from "./protocols/npm/packuments.ts"

function present(
  ecosystem: Ecosystem,
  client: Client,
  versions: readonly string[],
  refused: readonly string[],
  tags: Record<string, string> = {},
  deprecated: readonly string[] = [],
) {
  const verdicts = new Map(refused.map((version) => [version, verdictOf("foo", version)]))
  const isDeprecated = (version: string) => deprecated.includes(version)
  return presentVersions({ ecosystem, client, versions, refused: verdicts, tags, deprecated: isDeprecated })
}

const shown = (...input: Parameters<typeof present>) =>
  Object.fromEntries([...present(...input).withheld].map(([version, { presentation }]) => [version, presentation]))

describe("versions that are not served", () => {
  it.each<[Ecosystem, Client, string]>([
    ["npm", "npm", "listed"],
    ["npm", "yarn", "listed"],
    ["npm", "bun", "listed"],
    ["npm", "pnpm", "listed"],
    ["npm", "other", "withheld"],
    ["pypi", "pip", "listed"],
    ["pypi", "other", "listed"],
    ["cargo", "cargo", "listed"],
    ["golang", "go", "withheld"],
    ["golang", "other", "withheld"],
  ])("of %s are, for %s, %s", (ecosystem, client, presentation) => {
    const mark = ecosystem === "golang" ? "v" : ""
    const versions = [`${mark}1.0.0`, `${mark}1.0.1`]
    const tags = { latest: versions[1]! }
    expect(shown(ecosystem, client, versions, [versions[1]!], tags)).toEqual({ [versions[1]!]: presentation })
  })

  it.each<Client>(["pnpm-classic", "yarn-classic", "other", "cargo"])(
    "are listed for %s only where no caret or tilde would choose them",
    (client) => {
      const versions = ["1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.2.0-rc.1", "2.0.0", "3.0.0"]
      const refused = ["1.0.0", "1.0.1", "1.1.0", "1.2.0-rc.1", "2.0.0"]
      expect(shown("npm", client, versions, refused, { latest: "3.0.0" })).toEqual({
        "1.0.0": "listed",
        "1.0.1": "listed",
        "1.1.0": "withheld",
        "1.2.0-rc.1": "withheld",
        "2.0.0": "withheld",
      })
    },
  )

  it.each<[string[], string[], string, string[]]>([
    // The refused one is what latest was: the next lower one takes its place, and is in every range with both.
    [["1.0.0", "1.1.0", "1.2.0"], ["1.2.0"], "1.2.0", ["1.2.0"]],
    [["1.0.0", "1.1.0", "1.2.0", "1.2.1"], ["1.2.0", "1.2.1"], "1.2.1", ["1.2.0", "1.2.1"]],
    [["1.0.0", "1.1.0", "1.2.0"], ["1.2.0"], "1.1.0", ["1.2.0"]],
    // Served versions lie between latest and the refused one: `^1.1.0` has those, and not latest.
    [["1.0.0", "1.1.0", "1.2.0"], ["1.2.0"], "1.0.0", []],
    [["1.0.0", "1.1.0", "2.0.0"], ["2.0.0"], "2.0.0", ["2.0.0"]],
    [["1.0.0", "1.1.0", "1.2.0"], ["1.1.0"], "1.2.0", []],
    [["1.0.0", "1.1.0-rc.1", "1.2.0"], ["1.2.0"], "1.1.0-rc.1", []],
    [["1.0.0", "1.2.0"], ["1.2.0"], "9.9.9", []],
  ])("of %j without %j, where latest is %s, pnpm and yarn classic see %j", (versions, refused, latest, listed) => {
    for (const client of ["pnpm-classic", "yarn-classic"] as const) {
      const entries = Object.entries(shown("npm", client, versions, refused, { latest }))
      expect(entries.filter(([, presentation]) => presentation === "listed").map(([version]) => version)).toEqual(
        listed,
      )
    }
  })

  it.each<Client>(["npm", "pnpm", "yarn-classic", "other"])("are all listed for %s where none is served", (client) => {
    expect(shown("npm", client, ["1.0.0", "2.0.0"], ["1.0.0", "2.0.0"])).toEqual({
      "1.0.0": "listed",
      "2.0.0": "listed",
    })
  })
})

describe("the replacement", () => {
  it.each<[string[], string[], Record<string, string>, string[], string | undefined]>([
    [["1.0.0", "1.1.0", "2.0.0"], ["2.0.0"], { latest: "2.0.0" }, [], "1.1.0"],
    [["1.0.0", "1.1.0", "2.0.0"], ["1.0.0"], { latest: "1.1.0" }, [], "1.1.0"],
    [["1.0.0", "1.1.0", "2.0.0"], ["1.0.0", "1.1.0"], { latest: "1.1.0" }, [], "2.0.0"],
    [["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0"], ["2.0.0"], {}, ["1.1.0"], "1.0.0"],
    [["1.0.0-a", "1.0.0-b", "1.0.0"], ["1.0.0"], { latest: "1.0.0" }, [], "1.0.0-b"],
    [["1.0.0", "1.1.0"], ["1.1.0"], {}, ["1.0.0"], "1.0.0"],
    [["1.0.0"], ["1.0.0"], { latest: "1.0.0" }, [], undefined],
  ])("of %j without %j, tagged %j, deprecated %j: %j", (versions, refused, tags, deprecated, expected) => {
    expect(present("npm", "npm", versions, refused, tags, deprecated).replacement).toBe(expected)
  })

  it("goes by the ecosystem's own order", () => {
    expect(present("pypi", "pip", ["1.9", "1.10", "1.10.post1", "2.0a1", "2.0"], ["2.0"]).replacement).toBe(
      "1.10.post1",
    )
    expect(present("golang", "go", ["v1.9.0", "v1.10.0", "v1.11.0"], ["v1.11.0"]).replacement).toBe("v1.10.0")
  })
})

const npmVersion = fc
  .tuple(fc.nat(2), fc.nat(2), fc.nat(3), fc.constantFrom("", "", "", "-rc.1", "-rc.2", "+b", "+c"))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)
const versionLists = fc.uniqueArray(npmVersion, { minLength: 1, maxLength: 14 })
const clients = fc.constantFrom<Client>("npm", "pnpm", "pnpm-classic", "yarn", "yarn-classic", "bun", "other")
const scenes = fc
  .tuple(versionLists, clients, fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }), fc.nat(13))
  .map(([versions, client, coins, at]) => ({
    versions,
    client,
    refused: versions.filter((_, index) => coins[index]),
    latest: versions[at % versions.length]!,
  }))

describe("any listing", () => {
  it("presents exactly what is refused, and replaces it by something that is served", () => {
    fc.assert(
      fc.property(scenes, ({ versions, client, refused, latest }) => {
        const { withheld, replacement } = present("npm", client, versions, refused, { latest })
        expect([...withheld.keys()].sort()).toEqual([...refused].sort())
        const served = versions.filter((version) => !refused.includes(version))
        if (refused.length === 0 || served.length === 0) expect(replacement).toBeUndefined()
        else expect(served).toContain(replacement)
      }),
    )
  })

  it("comes out the same in any order", () => {
    fc.assert(
      fc.property(scenes, fc.nat(), ({ versions, client, refused, latest }, seed) => {
        const shuffled = [...versions].sort((a, b) => hash(a, seed) - hash(b, seed))
        const one = present("npm", client, versions, refused, { latest })
        const other = present("npm", client, shuffled, refused, { latest })
        expect(other.replacement).toBe(one.replacement)
        expect(new Map(other.withheld)).toEqual(one.withheld)
      }),
    )
  })

  it("never lists what a client that takes the highest version of a range would choose over a served release", () => {
    fc.assert(
      fc.property(scenes, fc.constantFrom("^", "~"), ({ versions, refused, latest }, sign) => {
        const { withheld } = present("npm", "other", versions, refused, { latest })
        const served = versions.filter((version) => !withheld.has(version))
        const visible = versions.filter((version) => withheld.get(version)?.presentation !== "withheld")
        for (const wanted of versions) {
          const range = `${sign}${wanted.replace(/\+.*/, "")}`
          const releases = served.filter((version) => semver.prerelease(version) === null)
          if (semver.maxSatisfying(releases, range) === null) continue
          const highest = semver.maxSatisfying(visible, range)!
          // Builds of one version have no order: which of them a client takes is its own affair.
          expect(served.some((version) => semver.eq(version, highest))).toBe(true)
        }
      }),
    )
  })
})

describe("a listing for a client that prefers latest", () => {
  it("never lists what it would choose over a served release, in any range without an upper end of its own", () => {
    fc.assert(
      fc.property(
        scenes,
        npmVersion,
        fc.constantFrom("^", "~", ">="),
        ({ versions, refused, latest }, wanted, sign) => {
          const { withheld, replacement } = present("npm", "pnpm-classic", versions, refused, { latest })
          const range = `${sign}${wanted.replace(/[-+].*/, "")}`
          const served = versions.filter((version) => !withheld.has(version))
          const releases = served.filter((version) => semver.prerelease(version) === null)
          fc.pre(semver.maxSatisfying(releases, range) !== null)
          const visible = versions.filter((version) => withheld.get(version)?.presentation !== "withheld")
          const named = withheld.has(latest) ? replacement! : latest
          const chosen = semver.satisfies(named, range) ? named : semver.maxSatisfying(visible, range)!
          expect(served.some((version) => semver.eq(version, chosen))).toBe(true)
        },
      ),
    )
  })
})

function hash(text: string, seed: number): number {
  let value = seed | 0
  for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193)
  return value
}

describe("the quick order", () => {
  it("is the ecosystem's own", () => {
    const parts = fc.constantFrom("0", "1", "2", "10", "999999999999999", "9007199254740991", "9007199254740992")
    const version = fc.tuple(
      parts,
      parts,
      parts,
      fc.constantFrom("", "-1", "-rc.1", "+b", "-0.20200101000000-abcdefabcdef", "+incompatible"),
    )
    const versions = version.map(([a, b, c, rest]) => `${a}.${b}.${c}${rest}`)
    fc.assert(
      fc.property(
        fc.constantFrom<Ecosystem>("npm", "cargo", "golang", "pypi"),
        versions,
        versions,
        (ecosystem, a, b) => {
          const [left, right] = ecosystem === "golang" ? [`v${a}`, `v${b}`] : [a, b]
          // Text that is no version has no place here: `compareVersions` puts it first.
          fc.pre(compareVersions(ecosystem, left, "zz") > 0 && compareVersions(ecosystem, right, "zz") > 0)
          expect(Math.sign(compareQuickly(ecosystem, left, right))).toBe(
            Math.sign(compareVersions(ecosystem, left, right)),
          )
        },
      ),
    )
  })
})
