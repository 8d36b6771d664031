// Files that are small and cost much. No time is asserted: the suite's own limit of seconds ends what does not end.
import { truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { compareVersions, satisfies } from "../../src/packages/versions.ts"
import { compileLicenses } from "../../src/policy/licenses.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { readInputs } from "../../src/vet/inputs.ts"
import { temporaryDirectory } from "../context.ts"
import { type Attack, lockOf, outcomeOf, POLICY, vetAttack } from "./support.ts"

const repeat = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("")

describe("lockfiles", () => {
  it.each<[string, Attack]>([
    [
      "JSON 200,000 levels deep",
      { files: { "package-lock.json": `{"lockfileVersion":3,"packages":${"[".repeat(200_000)}` } },
    ],
    [
      "YAML that multiplies by aliases",
      {
        files: {
          "pnpm-lock.yaml": `a: &a [x,x,x,x,x,x,x,x,x]\n${repeat(20, (i) => `${"bcdefghijklmnopqrstuvw"[i]}: &${"bcdefghijklmnopqrstuvw"[i]} [${`*${"abcdefghijklmnopqrstuvw"[i]},`.repeat(9)}]\n`)}`,
        },
      },
    ],
    ["TOML tables that are deep", { files: { "Cargo.lock": `${"[a.".repeat(1)}${"b.".repeat(100_000)}c]\n` } }],
    ["a line that does not end", { files: { "requirements.txt": `fine==1 ${"--hash=sha256:aa ".repeat(200_000)}` } }],
    [
      "files that include each other",
      {
        files: {
          "requirements.txt": "-r a0.txt\n",
          ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`a${i}.txt`, `-r a${i + 1}.txt\n`])),
        },
      },
    ],
    [
      "a name of a megabyte",
      { files: { "package-lock.json": lockOf({ [`node_modules/${"a".repeat(1_000_000)}`]: { version: "1.0.0" } }) } },
    ],
    [
      "a version of a megabyte",
      { files: { "package-lock.json": lockOf({ "node_modules/a": { version: `1.0.0-${"a".repeat(1_000_000)}` } }) } },
    ],
  ])("%s", async (_, attack) => {
    expect(await outcomeOf(attack)).toMatch(/^refused: /)
  })

  it("a graph with 2^40 ways through it", async () => {
    const layers = 40
    const entries: Record<string, unknown> = {}
    for (let i = 0; i < layers; i++) {
      const dependencies = i + 1 < layers ? { [`a${i + 1}`]: "*", [`b${i + 1}`]: "*" } : { evil: "*" }
      entries[`node_modules/a${i}`] = { version: "1.0.0", dependencies }
      entries[`node_modules/b${i}`] = { version: "1.0.0", dependencies }
    }
    entries["node_modules/evil"] = { version: "1.0.0" }
    const lock = lockOf(entries, { dependencies: { a0: "*", b0: "*" } })
    const { report } = await vetAttack({ files: { "package-lock.json": lock } })
    expect(report.rows.map(({ dependency, paths }) => [dependency.name, paths.length])).toEqual([["evil", 3]])
  })

  it("a sparse file of 100 GB is refused by its size", async () => {
    const cwd = temporaryDirectory({ "nanoguard.yaml": POLICY })
    writeFileSync(join(cwd, "yarn.lock"), "")
    truncateSync(join(cwd, "yarn.lock"), 100 * 1024 ** 3)
    await expect(readInputs(cwd, [])).rejects.toThrow("102400 MiB; lockfiles are read up to 64 MiB")
  })
})

describe("policies", () => {
  it.each([
    ["more than a megabyte", `version: 1\n# ${"x".repeat(1_100_000)}\n`],
    ["deep brackets", `version: 1\npackages: ${"[".repeat(100_000)}\n`],
    ["deep indentation", `version: 1\n${repeat(500, (i) => `${" ".repeat(i)}a:\n`)}`],
    ["an alias bomb", `a: &a [x]\nb: &b [${"*a,".repeat(50)}]\nversion: 1\n`],
  ])("%s are refused", (_, text) => {
    expect(() => loadPolicy(text, "nanoguard.yaml")).toThrow()
  })

  it("thousands of exceptions for one name are only looked through", async () => {
    const one = (i: number) =>
      `    - { allow: "pkg:npm/evil", versions: "${i}.0.0", of: package.denied, owner: e@a.example, reason: r, expires: 2027-01-31 }\n`
    const policy = `${POLICY}  exceptions:\n${repeat(5000, (i) => one(i + 2))}`
    const entries = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`node_modules/a${i}/node_modules/evil`, { version: "1.0.0" }]),
    )
    const { report } = await vetAttack({ files: { "package-lock.json": lockOf(entries) }, policy })
    expect(report.counts.deny).toBe(200)
  })
})

describe("texts of packages", () => {
  it.each([
    ["brackets", "(".repeat(50_000)],
    ["alternatives", `(${"MIT OR ".repeat(20_000)}MIT)`],
    ["alternatives of all", `${"(MIT OR ISC) AND ".repeat(60)}MIT`],
  ])("a licence of %s is never fine by exhaustion", (_, license) => {
    expect(compileLicenses(["MIT", "ISC"], "denied")(license)).not.toBe("fine")
  })

  it.each(["npm", "pypi", "cargo", "golang"] as const)(
    "versions and ranges of %s that make expressions backtrack",
    (ecosystem) => {
      const texts = [
        `1.0.0-${"0".repeat(50_000)}`,
        `${"1.".repeat(50_000)}0`,
        `${" ".repeat(50_000)}x`,
        `1.0.0${"-a".repeat(20_000)}!`,
        `>=${" ".repeat(50_000)}1`,
        `${"1 || ".repeat(10_000)}1`,
      ]
      for (const text of texts) {
        expect(satisfies(ecosystem, "1.0.0", text)).toBe(false)
        expect(satisfies(ecosystem, text, ">=1")).toBe(false)
        expect(compareVersions(ecosystem, "1.0.0", text)).toBeGreaterThan(0)
      }
    },
  )
})
