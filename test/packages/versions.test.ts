import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compareVersions, isPrerelease, isValidVersion, maxSatisfying, satisfies } from "../../src/packages/versions.ts"

const ECOSYSTEMS = ["npm", "pypi", "cargo", "golang"]

describe("npm", () => {
  it.each([
    ["1.2.3", "^1.2.0", true],
    ["2.0.0", "^1.2.0 || >=2", true],
    ["2.0.0-rc.1", "<3", false],
    ["2.0.0-rc.1", ">=2.0.0-rc.0", true],
    ["0.2.9", "^0.2.3", true],
    ["0.3.0", "^0.2.3", false],
    ["1.0.0", "", true],
    ["1.0.0", "latest", false],
    ["1.0.0", "workspace:*", false],
  ])("%s in %s: %s", (version, range, expected) => {
    expect(satisfies("npm", version, range)).toBe(expected)
  })

  it("lets a rule that keeps something out reach pre-releases", () => {
    expect(satisfies("npm", "2.0.0-rc.1", "<3", { prereleases: true })).toBe(true)
  })

  it("is strict about what a version is", () => {
    for (const text of [
      "v1.0.0",
      "1.0",
      " 1.0.0",
      "1.0.0 ",
      "01.0.0",
      "1.0.0-01",
      "",
      "latest",
      "99999999999999999.0.0",
    ]) {
      expect(isValidVersion("npm", text)).toBe(false)
    }
    expect(isValidVersion("npm", "1.0.0-rc.1+build.5")).toBe(true)
  })
})

describe("cargo", () => {
  // The Cargo book, "Specifying Dependencies": each requirement with the bounds it states.
  it.each([
    ["1.2.3", "1.2.3", "2.0.0"],
    ["1.2", "1.2.0", "2.0.0"],
    ["1", "1.0.0", "2.0.0"],
    ["0.2.3", "0.2.3", "0.3.0"],
    ["0.2", "0.2.0", "0.3.0"],
    ["0.0.3", "0.0.3", "0.0.4"],
    ["0.0", "0.0.0", "0.1.0"],
    ["0", "0.0.0", "1.0.0"],
    ["^1.2.3", "1.2.3", "2.0.0"],
    ["~1.2.3", "1.2.3", "1.3.0"],
    ["~1.2", "1.2.0", "1.3.0"],
    ["~1", "1.0.0", "2.0.0"],
    ["1.*", "1.0.0", "2.0.0"],
    ["1.2.*", "1.2.0", "1.3.0"],
    ["=1.2", "1.2.0", "1.3.0"],
    ["=1.2.3", "1.2.3", "1.2.4"],
    [">=1.2, <1.5", "1.2.0", "1.5.0"],
    [">1.2, <1.5", "1.3.0", "1.5.0"],
    [">=1.2, <=1.4", "1.2.0", "1.5.0"],
  ])("%s is from %s to below %s", (requirement, low, high) => {
    const [major, minor, patch] = low.split(".").map(Number) as [number, number, number]
    expect(satisfies("cargo", low, requirement)).toBe(true)
    expect(satisfies("cargo", high, requirement)).toBe(false)
    const below =
      patch > 0
        ? `${major}.${minor}.${patch - 1}`
        : minor > 0
          ? `${major}.${minor - 1}.99`
          : `${Math.max(major - 1, 0)}.99.99`
    if (low !== "0.0.0") expect(satisfies("cargo", below, requirement)).toBe(false)
    const [toMajor, toMinor, toPatch] = high.split(".").map(Number) as [number, number, number]
    const last =
      toPatch > 0
        ? `${toMajor}.${toMinor}.${toPatch - 1}`
        : toMinor > 0
          ? `${toMajor}.${toMinor - 1}.99`
          : `${toMajor - 1}.99.99`
    expect(satisfies("cargo", last, requirement)).toBe(true)
  })

  it("takes everything for * and nothing for what Cargo does not know", () => {
    expect(satisfies("cargo", "7.1.0", "*")).toBe(true)
    for (const text of ["1 || 2", "1.0 - 2.0", "1 2", "1.*.3", "", ",", "latest", "01"])
      expect(satisfies("cargo", "1.0.0", text)).toBe(false)
  })

  it("keeps pre-releases out unless the requirement names one of the same version", () => {
    expect(satisfies("cargo", "1.0.0-alpha", "1")).toBe(false)
    expect(satisfies("cargo", "1.0.0-beta", "1.0.0-alpha")).toBe(true)
    expect(satisfies("cargo", "1.1.0-beta", "1.0.0-alpha")).toBe(false)
    expect(satisfies("cargo", "1.1.0-beta", "1", { prereleases: true })).toBe(true)
  })
})

describe("golang", () => {
  it("orders as golang.org/x/mod/semver does", () => {
    const ordered = [
      ...[
        "v0.0.0-20190101000000-0123456789ab",
        "v0.0.0-20220101000000-0123456789ab",
        "v0.1.0",
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-alpha.beta",
      ],
      ...[
        "v1.0.0-beta.2",
        "v1.0.0-beta.11",
        "v1.0.0-rc.1",
        "v1.0.0",
        "v1.0.1-0.20200101000000-0123456789ab",
        "v1.0.1",
        "v1.2.0",
        "v1.10.0",
      ],
      ...["v2.0.0+incompatible", "v99999999999999999999.0.0", "v100000000000000000000.0.0"],
    ]
    const shuffled = [...ordered].reverse().sort((a, b) => compareVersions("golang", a, b))
    expect(shuffled).toEqual(ordered)
    expect(compareVersions("golang", "v2.0.0+incompatible", "2.0.0")).toBe(0)
  })

  it.each([
    ["v1.5.0", "v1.4.0", true],
    ["v1.3.9", "v1.4.0", false],
    ["v1.5.0", "v0.9.0", true],
    ["v3.0.0", "v2.9.0", false],
    ["v24.0.7+incompatible", "v20.10.0+incompatible", true],
    ["v1.5.0", "=v1.4.0", false],
    ["v1.5.0", ">=1.2 <2", true],
    ["v1.5.0", ">= 1.2, < 1.5.0", false],
    ["v0.1.0", "<0.1.0 || >=0.1.0", true],
    ["v1.5.0", "*", true],
    ["v1.5.0", "master", false],
    ["v1.5.0", "", false],
  ])("%s in %s: %s", (version, range, expected) => {
    expect(satisfies("golang", version, range)).toBe(expected)
  })

  it("knows what is no release", () => {
    expect(
      ["v1.0.0-rc1", "v0.0.0-20190101000000-0123456789ab", "v1.0.0", "v2.0.0+incompatible"].map((one) =>
        isPrerelease("golang", one),
      ),
    ).toEqual([true, true, false, false])
    for (const text of ["v1", "v1.2", "1.2.3.4", "v01.0.0", "v1.0.0-01", "master"])
      expect(isValidVersion("golang", text)).toBe(false)
  })
})

// Versions and specifiers as PEP 440 spells them, in all their variety.
const number = fc.constantFrom(0, 0, 1, 1, 2, 10)
const release = fc.array(number, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."))
const optional = (text: fc.Arbitrary<string>) => fc.option(text, { nil: "", freq: 3 })
const pythonVersion = fc
  .tuple(
    optional(fc.constantFrom("1!", "0!")),
    release,
    optional(
      fc.tuple(fc.constantFrom("a", "b", "rc", ".alpha", "-beta", "_c", "pre"), number).map((parts) => parts.join("")),
    ),
    optional(fc.tuple(fc.constantFrom(".post", "-", ".rev", "r"), number).map((parts) => parts.join(""))),
    optional(fc.tuple(fc.constantFrom(".dev", "dev", "-dev"), number).map((parts) => parts.join(""))),
    fc.option(fc.constantFrom("+cpu", "+cu.12", "+1.2", "+ubuntu-1"), { nil: "", freq: 6 }),
  )
  .map((parts) => parts.join(""))
const specifier = fc.oneof(
  fc
    .tuple(fc.constantFrom(">=", "<=", "==", "!=", "<", ">", "~="), pythonVersion)
    .map(([operator, version]) => operator + version),
  fc.tuple(fc.constantFrom("==", "!="), release).map(([operator, version]) => `${operator}${version}.*`),
  pythonVersion.map((version) => `===${version}`),
)
const specifiers = fc.array(specifier, { minLength: 1, maxLength: 2 }).map((list) => list.join(", "))

const ORACLE = `
import json, sys
try:
    import packaging
    if int(packaging.__version__.split(".")[0]) < 23:
        raise ImportError
    from packaging.specifiers import SpecifierSet, InvalidSpecifier
    from packaging.version import Version, InvalidVersion
except ImportError:
    from pip._vendor import packaging
    if int(packaging.__version__.split(".")[0]) < 23:
        sys.exit("too old")
    from pip._vendor.packaging.specifiers import SpecifierSet, InvalidSpecifier
    from pip._vendor.packaging.version import Version, InvalidVersion
def pair(a, b):
    a, b = Version(a), Version(b)
    return (a > b) - (a < b)
def inside(v, s):
    try:
        spec = SpecifierSet(s)
    except InvalidSpecifier:
        return None
    return spec.contains(v, prereleases=True)
def valid(v):
    try:
        Version(v)
        return True
    except InvalidVersion:
        return False
data = json.load(sys.stdin)
print(json.dumps({"pairs": [pair(*p) for p in data["pairs"]], "ranges": [inside(*r) for r in data["ranges"]],
  "valid": [valid(v) for v in data["valid"]], "pre": [Version(v).is_prerelease for v in data["versions"]]}))
`

describe("pypi", () => {
  it("agrees with pip's own `packaging` on order, specifiers and pre-releases", (ctx) => {
    const options = { seed: 440, numRuns: 4000 }
    const pairs = fc.sample(fc.tuple(pythonVersion, pythonVersion), options)
    const ranges = fc.sample(fc.tuple(pythonVersion, specifiers), options)
    const valid = fc.sample(
      fc.string({ unit: fc.constantFrom(..."012.-_+!abrcdevpost ".split("")), maxLength: 10 }),
      options,
    )
    const versions = fc.sample(pythonVersion, options)
    let answer: { pairs: number[]; ranges: (boolean | null)[]; valid: boolean[]; pre: boolean[] }
    try {
      const input = JSON.stringify({ pairs, ranges, valid, versions })
      answer = JSON.parse(
        execFileSync("python3", ["-c", ORACLE], { input, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] }),
      )
    } catch {
      return ctx.skip("Python's packaging 23 or newer is missing: python3 -m pip install packaging")
    }
    expect(pairs.map(([a, b]) => compareVersions("pypi", a, b))).toEqual(answer.pairs)
    expect(versions.map((one) => isPrerelease("pypi", one))).toEqual(answer.pre)
    const wrong = ranges.flatMap(([version, range], index) => {
      const ours = satisfies("pypi", version, range, { prereleases: true })
      // Whether a pre-release is in by default has changed between versions of `packaging`; of releases there is no doubt.
      const releaseToo = isPrerelease("pypi", version) || satisfies("pypi", version, range) === ours
      const theirs = answer.ranges[index] ?? false
      return ours === theirs && releaseToo ? [] : [`${version} in ${range}: ${ours}, packaging says ${theirs}`]
    })
    expect(wrong).toEqual([])
    const disagreed = valid.filter(
      (text, index) => isValidVersion("pypi", text) !== (answer.valid[index]! && text.trim() === text),
    )
    expect(disagreed).toEqual([])
  })

  it("knows the rules without an oracle too", () => {
    expect(satisfies("pypi", "1", "==1.0.*")).toBe(true)
    expect(satisfies("pypi", "1.0rc1", "<1.0rc2")).toBe(true)
    expect(satisfies("pypi", "1.0.post1", ">1.0")).toBe(false)
    expect(satisfies("pypi", "2.3", "~=2.2")).toBe(true)
    expect(satisfies("pypi", "3.0", "~=2.2")).toBe(false)
    expect(satisfies("pypi", "1.5rc1", ">=1")).toBe(false)
    expect(satisfies("pypi", "1.5rc1", ">=1.5b1")).toBe(true)
    expect(satisfies("pypi", "1.5rc1", "!=1.4rc1")).toBe(false)
    // Longer numbers would lose digits and compare equal.
    expect(isValidVersion("pypi", "1.99999999999999999998")).toBe(false)
  })
})

// Poetry's documentation, "Dependency specification": each constraint with the bounds that its tables state.
describe("Poetry's constraints", () => {
  it.each([
    ["^1.2.3", ["1.2.3", "1.99"], ["1.2.2", "2.0", "2.0rc1"]],
    ["^1.2", ["1.2.0", "1.99"], ["1.1", "2.0.0"]],
    ["^1", ["1.0", "1.99"], ["0.9", "2.0"]],
    ["^0.2.3", ["0.2.3", "0.2.9"], ["0.2.2", "0.3.0"]],
    ["^0.0.3", ["0.0.3"], ["0.0.2", "0.0.4"]],
    ["^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]],
    ["^0", ["0.0.0", "0.9"], ["1.0.0"]],
    ["~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]],
    ["~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]],
    ["~1", ["1.0.0", "1.9"], ["2.0.0"]],
    ["1.2.*", ["1.2.0", "1.2.9"], ["1.3.0"]],
    ["1.2.3", ["1.2.3"], ["1.2.4"]],
    [">=1.2 <1.5", ["1.2", "1.4.9"], ["1.5"]],
    ["^1.2 || ^3", ["1.3", "3.1"], ["2.0", "4.0"]],
    ["*", ["1.0"], ["1.0rc1"]],
    ["~=1.4", ["1.4", "1.9"], ["2.0"]],
    ["^x", [], ["1.0"]],
    ["latest", [], ["1.0"]],
    ["|| ,", [], ["1.0", "0"]],
  ])("%s admits %j and not %j", (constraint, inside, outside) => {
    for (const version of inside) expect(satisfies("pypi", version, constraint), version).toBe(true)
    for (const version of outside) expect(satisfies("pypi", version, constraint), version).toBe(false)
  })
})

describe("every ecosystem", () => {
  const anything = fc.oneof(
    fc.tuple(number, number, number).map((parts) => parts.join(".")),
    fc
      .tuple(number, number, number, fc.constantFrom("-rc.1", "-alpha", "rc1", "+build"))
      .map(([a, b, c, d]) => `${a}.${b}.${c}${d}`),
    fc.string({ maxLength: 12 }),
    fc.constantFrom("", "v1.0.0", "__proto__", "1".repeat(300), "\u202e1.0.0"),
  )

  it.each(ECOSYSTEMS)("%s: compareVersions is a total order", (ecosystem) => {
    fc.assert(
      fc.property(anything, anything, anything, (a, b, c) => {
        const [ab, ba, bc, ac] = [
          compareVersions(ecosystem, a, b),
          compareVersions(ecosystem, b, a),
          compareVersions(ecosystem, b, c),
          compareVersions(ecosystem, a, c),
        ]
        expect(Math.sign(ab) + Math.sign(ba)).toBe(0)
        if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0)
        if (!isValidVersion(ecosystem, a) && isValidVersion(ecosystem, b)) expect(ab).toBeLessThan(0)
      }),
    )
  })

  it.each([...ECOSYSTEMS, "maven"])("%s: nothing throws, and what is no version is in no range", (ecosystem) => {
    const range = fc.oneof(
      anything,
      fc.constantFrom("*", ">=0", "^1", "~1", "1 || 2", "==1.*", ">=1,<2", "(".repeat(5000)),
    )
    fc.assert(
      fc.property(anything, range, fc.boolean(), (version, wanted, prereleases) => {
        const inside = satisfies(ecosystem, version, wanted, { prereleases })
        if (inside) expect(isValidVersion(ecosystem, version)).toBe(true)
        expect(isPrerelease(ecosystem, version) && !isValidVersion(ecosystem, version)).toBe(false)
      }),
    )
  })

  it("a PyPI range of numbers that nobody can compare holds nothing, instead of throwing", () => {
    const ones = "1".repeat(300)
    for (const range of [ones, `<${ones}`, `>=${ones}`, `!=${ones}`, `^${ones}`, `~=${ones}.1`, `==${ones}.*`])
      for (const version of ["0.0.0+build", "1.0", ones]) expect(satisfies("pypi", version, range)).toBe(false)
    expect(satisfies("pypi", "1.0+20240101123456789", "==1.0+20240101123456789")).toBe(true)
  })

  it("finds the newest in a range, whatever the order of the list", () => {
    const versions = ["1.10.0", "1.9.0", "2.0.0", "1.11.0-rc.1", "nonsense"]
    expect(maxSatisfying("npm", versions, "^1")).toBe("1.10.0")
    expect(maxSatisfying("cargo", [...versions].reverse(), "1")).toBe("1.10.0")
    expect(maxSatisfying("pypi", ["1.10", "1.9", "2.0rc1"], ">=1")).toBe("1.10")
    expect(maxSatisfying("golang", ["v1.9.0", "v1.10.0"], "v1.2.0")).toBe("v1.10.0")
    expect(maxSatisfying("npm", versions, "^3")).toBeUndefined()
  })
})
