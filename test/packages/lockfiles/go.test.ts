import { describe, expect, it } from "vitest"
import { parseGoMod } from "../../../src/packages/lockfiles/go.ts"
import { ALONE, edgesOf, entryOf, failureOf, pinsOf, siblings } from "./python-helpers.ts"

const H = (digit: string) => `${digit.repeat(43)}=`

const MOD = `// The app.
module example.com/app

go 1.22.1
toolchain go1.22.5

require example.com/direct v1.2.3

require (
	example.com/Upper/v2 v2.0.1 // indirect
	"example.com/quoted" v0.0.0-20220101000000-0123456789ab // indirect; kept
	example.com/old v4.5.6+incompatible
	example.com/forked v1.0.0
	example.com/forked/sub v1.0.0
	example.com/local v1.0.0
	example.com/outside v1.0.0
	gopkg.in/yaml.v3 v3.0.1 // a comment
)

exclude example.com/direct v1.2.2
retract [v1.0.0, v1.1.0] // bad ones
tool example.com/direct/cmd/x

replace (
	example.com/forked => example.com/fork v1.0.1
	example.com/forked/sub v0.9.0 => example.com/fork v1.0.1
	example.com/local => ./local
)
replace example.com/outside v1.0.0 => ../../outside
`
const SUM = `example.com/direct v1.2.3 h1:${H("A")}
example.com/direct v1.2.3/go.mod h1:${H("B")}
example.com/Upper/v2 v2.0.1/go.mod h1:${H("C")}
example.com/fork v1.0.1 h1:${H("D")}
example.com/forked v1.0.0 h1:${H("E")}
example.com/unlisted v1.0.0 h1:${H("F")}
`

describe("parseGoMod", () => {
  it("reads requirements, replacements and the hashes of archives", () => {
    const lockfile = parseGoMod(MOD, "app/go.mod", siblings({ "go.sum": SUM }))
    expect(lockfile.formatVersion).toBe("1.22.1")
    expect(pinsOf(lockfile)).toEqual([
      "example.com/direct@v1.2.3",
      "example.com/Upper/v2@v2.0.1",
      "example.com/quoted@v0.0.0-20220101000000-0123456789ab",
      "example.com/old@v4.5.6+incompatible",
      "example.com/fork@v1.0.1",
      "example.com/forked/sub@v1.0.0",
      "example.com/local@v1.0.0",
      "example.com/outside@v1.0.0",
      "gopkg.in/yaml.v3@v3.0.1",
    ])
    expect(lockfile.dependencies.filter((one) => !one.direct).map((one) => one.name)).toEqual([
      "example.com/Upper/v2",
      "example.com/quoted",
    ])
    expect(edgesOf(lockfile)[0]).toBe("example.com/app -> example.com/direct@v1.2.3 >=v1.2.3")
    expect(entryOf(lockfile, "example.com/direct").integrity).toEqual([`h1-${H("A")}`])
    // The hash of a go.mod alone protects no code.
    expect(entryOf(lockfile, "example.com/Upper/v2").integrity).toEqual([])
    expect(entryOf(lockfile, "example.com/fork")).toMatchObject({
      alias: "example.com/forked",
      integrity: [`h1-${H("D")}`],
    })
    expect(entryOf(lockfile, "example.com/local").source).toEqual({ kind: "workspace", path: "app/local" })
    expect(entryOf(lockfile, "example.com/outside").source).toEqual({ kind: "file", path: "../../outside" })
    expect(entryOf(lockfile, "gopkg.in/yaml.v3").purl).toBe("pkg:golang/gopkg.in/yaml.v3@v3.0.1")
    const lines = MOD.split("\n")
    expect(lines[lockfile.lineOf("example.com/old@v4.5.6+incompatible") - 1]).toContain("example.com/old")
    expect(lines[lockfile.lineOf("example.com/fork@v1.0.1") - 1]).toContain("=>")
    expect(lockfile.warnings).toEqual([])
  })

  it("adds what go.sum names where go.mod is older than 1.17", () => {
    const old = "module example.com/app\ngo 1.16\nrequire example.com/direct v1.2.3\n"
    const sum = `${SUM}example.com/unlisted v1.10.0 h1:${H("G")}\nexample.com/unlisted v1.9.0 h1:${H("H")}\n`
    const lockfile = parseGoMod(old, "go.mod", siblings({ "go.sum": sum }))
    expect(pinsOf(lockfile)).toEqual([
      "example.com/direct@v1.2.3",
      "example.com/fork@v1.0.1",
      "example.com/forked@v1.0.0",
      "example.com/unlisted@v1.10.0",
    ])
    expect(lockfile.warnings).toEqual(["3 modules from go.sum: before Go 1.17 go.mod does not list them all"])
  })

  it("takes the highest of several requirements, and says what it cannot know", () => {
    const mod = "module m\ngo 1.21\nrequire a.example/x v1.9.0 // indirect\nrequire a.example/x v1.10.0-rc.1\n"
    const lockfile = parseGoMod(mod, "sub/go.mod", siblings({ "../go.work": "go 1.21\nuse ./sub\n" }))
    expect(lockfile.dependencies.map(({ version, direct }) => [version, direct])).toEqual([["v1.10.0-rc.1", true]])
    expect(lockfile.warnings).toEqual([
      "no go.sum beside it: nothing is held to a hash",
      "a go.work is in use: builds in the workspace may take newer versions than this go.mod requires",
    ])
  })

  it("takes what any module of the workspace replaces, however far up its go.work lies", () => {
    const mod = "module m\ngo 1.22\nrequire (\na.example/x v1.0.0\na.example/y v1.0.0\n)\n"
    const up = "../../../../.."
    const files = {
      [`${up}/go.work`]: "go 1.22\nuse (\n./a/b/c/d/e\n./lib\n./gone\n)\nreplace a.example/y => ./y\n",
      [`${up}/lib/go.mod`]:
        "module lib\nreplace a.example/x v1.0.0 => b.example/x v1.0.1\nreplace a.example/y v1.0.0 => ../z\n",
    }
    const { dependencies, warnings } = parseGoMod(mod, "a/b/c/d/e/go.mod", siblings(files))
    const registry = { kind: "registry", origin: "default" }
    expect(dependencies.map(({ name, version, source }) => [name, version, source])).toEqual([
      ["a.example/x", "v1.0.0", registry],
      ["b.example/x", "v1.0.1", registry],
      ["a.example/y", "v1.0.0", registry],
      ["a.example/y", "v1.0.0", { kind: "workspace", path: "y" }],
      ["a.example/y", "v1.0.0", { kind: "workspace", path: "z" }],
    ])
    expect(warnings.at(-1)).toBe("1 module of go.work not in the repository: what they replace is not known")
  })

  it.each([
    ["an unknown directive", "module m\n\nrequires a.example/x v1.0.0\n", 3, /"requires" is not known/],
    ["no module", "go 1.21\n", 1, /no module directive/],
    ["a branch for a version", "module m\nrequire a.example/x main\n", 2, /"main" is not a canonical version/],
    ["a version without v", "module m\nrequire a.example/x 1.0.0\n", 2, /not a canonical version/],
    ["a major version without its suffix", "module m\nrequire a.example/x v2.0.0\n", 2, /does not fit/],
    ["a suffix without its major version", "module m\nrequire a.example/x/v3 v2.0.0\n", 2, /does not fit/],
    ["a block that does not end", "module m\nrequire (\na.example/x v1.0.0\n", 4, /ends inside/],
    ["a path that leads out", "module m\nrequire ../../x v1.0.0\n", 2, /is not a module path/],
    ["control characters", "module m\nrequire a.example/\u0007x v1.0.0\n", 2, /no place in a go\.mod/],
    [
      "bidi characters",
      'module m\nrequire "a.example/\u202ex" v1.0.0\n',
      2,
      /"a\.example\/\\u\{202e\}x" is not a module path/,
    ],
    ["a replacement without a version", "module m\nreplace a.example/x => b.example/y\n", 2, /needs a version/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parseGoMod(text, "app/go.mod", ALONE))
    expect(failure).toMatchObject({ file: "app/go.mod", line })
    expect(failure.message).toMatch(message)
  })

  it.each([
    ["a line of another form", "a.example/x v1.0.0\n", 1, /not a module, a version and a hash/],
    ["a hash that is none", "a.example/x v1.0.0 h1:abc\n", 1, /not an h1 hash/],
    [
      "two hashes for one archive",
      `a.example/x v1.0.0 h1:${H("A")}\na.example/x v1.0.0 h1:${H("B")}\n`,
      2,
      /two different hashes/,
    ],
  ])("refuses a go.sum with %s", async (_what, sum, line, message) => {
    const failure = await failureOf(() => parseGoMod("module m\n", "app/go.mod", siblings({ "go.sum": sum })))
    expect(failure).toMatchObject({ file: "app/go.sum", line })
    expect(failure.message).toMatch(message)
  })
})
