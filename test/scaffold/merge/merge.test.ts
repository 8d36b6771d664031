// Merging never loses or changes what a file says. Formats are read back with parsers other than the one that wrote,
// where there is one.
import fc from "fast-check"
import { load } from "js-yaml"
import { parse as parseToml } from "smol-toml"
import { describe, expect, it } from "vitest"
import type { Merged } from "../../../src/scaffold/merge/additions.ts"
import { mergeIni } from "../../../src/scaffold/merge/ini.ts"
import { mergeJson } from "../../../src/scaffold/merge/json.ts"
import { mergeSection } from "../../../src/scaffold/merge/markdown.ts"
import { mergeToml } from "../../../src/scaffold/merge/toml.ts"
import { mergeYaml } from "../../../src/scaffold/merge/yaml.ts"

const textOf = (merged: Merged): string => {
  if ("conflict" in merged) throw new Error(merged.conflict)
  return merged.text
}
const DENY = { path: ["permissions", "deny"], value: ["Edit(/nanoguard.yaml)"] }

describe("mergeJson", () => {
  it("makes a new file", async () => {
    expect(textOf(await mergeJson(null, [DENY]))).toBe(
      '{\n  "permissions": {\n    "deny": [\n      "Edit(/nanoguard.yaml)"\n    ]\n  }\n}\n',
    )
  })

  it("keeps order, comments, indentation and line ends", async () => {
    const before =
      '{\r\n\t// mine\r\n\t"model": "opus",\r\n\t"permissions": {\r\n\t\t"allow": ["Bash(ls)"]\r\n\t}\r\n}\r\n'
    const text = textOf(await mergeJson(before, [DENY]))
    expect(text).toContain('\t// mine\r\n\t"model": "opus",\r\n')
    expect(text).not.toMatch(/[^\r]\n/)
    expect(JSON.parse(text.replace("// mine", ""))).toEqual({
      model: "opus",
      permissions: { allow: ["Bash(ls)"], deny: ["Edit(/nanoguard.yaml)"] },
    })
  })

  it("unites lists and leaves other values, saying so", async () => {
    const before = '{"permissions":{"deny":["Read(.env)"]},"$schema":"mine"}'
    const merged = await mergeJson(before, [DENY, { path: ["$schema"], value: "ours" }])
    expect(JSON.parse(textOf(merged))).toEqual({
      permissions: { deny: ["Read(.env)", "Edit(/nanoguard.yaml)"] },
      $schema: "mine",
    })
    expect(merged).toHaveProperty("kept", [{ path: ["$schema"], value: "mine" }])
  })

  it.each([
    ["broken", '{"permissions":'],
    ["no object", "[1]"],
    ["a scalar in the way", '{"permissions":"all"}'],
    ["empty", ""],
    ["a duplicate key that hides ours", '{"permissions":{"deny":["a"]},"permissions":{}}'],
  ])("changes nothing in %s, and says what to add", async (_, before) => {
    const merged = await mergeJson(before, [DENY])
    if ("conflict" in merged) expect(merged.conflict).toContain('permissions.deny: ["Edit(/nanoguard.yaml)"]')
    else expect(JSON.parse(merged.text).permissions.deny).toContain("Edit(/nanoguard.yaml)")
  })

  it("only ever adds, and adds once, whatever the file holds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
        fc.boolean(),
        async (value, pretty) => {
          const before = JSON.stringify(value, null, pretty ? 2 : 0)
          const merged = await mergeJson(before, [DENY])
          if ("conflict" in merged) return
          const after = JSON.parse(merged.text)
          for (const key of Object.keys(value)) {
            if (key !== "permissions") expect(after[key]).toEqual(JSON.parse(before)[key])
          }
          expect(after.permissions.deny).toContain("Edit(/nanoguard.yaml)")
          expect(textOf(await mergeJson(merged.text, [DENY]))).toBe(merged.text)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe("mergeToml", () => {
  const age = { path: ["install", "minimumReleaseAge"], value: 259200 }

  it.each([
    ["a new file", null, "[install]\nminimumReleaseAge = 259200\n"],
    ["a new table", "smol = true\n", "smol = true\n\n[install]\nminimumReleaseAge = 259200\n"],
    [
      "a table that is there",
      '# mine\n[install] # why\nexact = true\n\n[run]\nshell = "system"\n',
      '# mine\n[install] # why\nminimumReleaseAge = 259200\nexact = true\n\n[run]\nshell = "system"\n',
    ],
    ["no newline at the end", "[run]\nbun = true", "[run]\nbun = true\n\n[install]\nminimumReleaseAge = 259200\n"],
  ])("adds to %s", async (_, before, after) => {
    expect(textOf(await mergeToml(before, [age]))).toBe(after)
  })

  it("puts a top-level key before the first table", async () => {
    const merged = await mergeToml("# uv\n\n[pip]\nstrict = true\n", [{ path: ["exclude-newer"], value: "3 days" }])
    expect(parseToml(textOf(merged))).toEqual({ "exclude-newer": "3 days", pip: { strict: true } })
  })

  it("leaves a value that is there", async () => {
    const before = "[install]\nminimumReleaseAge = 60\n"
    expect(await mergeToml(before, [age])).toEqual({
      text: before,
      kept: [{ path: ["install", "minimumReleaseAge"], value: 60 }],
    })
  })

  it.each([
    ["broken", "[install\n"],
    ["an inline table", "install = { exact = true }\n"],
    ["a header inside a string", 'x = """\n[install]\n"""\n'],
    ["an array of tables", "[[install]]\n"],
    ["a value that is no table", "install = 1\n"],
  ])("changes nothing in %s", async (_, before) => {
    expect(await mergeToml(before, [age])).toHaveProperty("conflict")
  })
})

describe("mergeYaml", () => {
  const age = { path: ["minimumReleaseAge"], value: 4320 }

  it("appends to what is there, comments and all", async () => {
    const before = "# mine\npackages:\n  - a/*   # all of a\n"
    expect(textOf(await mergeYaml(before, [age]))).toBe(`${before}minimumReleaseAge: 4320\n`)
    expect(textOf(await mergeYaml("packages: [a]", [age]))).toBe("packages: [a]\nminimumReleaseAge: 4320\n")
    expect(textOf(await mergeYaml(null, [age]))).toBe("minimumReleaseAge: 4320\n")
  })

  it("says what to do by hand about a list that it cannot extend", async () => {
    const include = { path: ["include"], value: [{ local: ".gitlab/nanoguard.yml" }] }
    const merged = await mergeYaml("include:\n  - local: other.yml\n", [include])
    expect(merged).toHaveProperty("conflict", 'add by hand: include: [{"local":".gitlab/nanoguard.yml"}]')
    const before = "include:\n  - local: .gitlab/nanoguard.yml\n"
    expect(textOf(await mergeYaml(before, [include]))).toBe(before)
  })

  it.each([
    ["a list", "- a\n"],
    ["broken", "a: [\n"],
    ["a flow mapping", "{ packages: [a] }\n"],
    ["a document that ends", "a: 1\n...\n"],
    ["duplicate keys", "a: 1\na: 2\n"],
    [
      "an alias bomb",
      "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
    ],
  ])("changes nothing in %s", async (_, before) => {
    expect(await mergeYaml(before, [age])).toHaveProperty("conflict")
  })

  it("reads back the same with another parser", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), fc.integer()), async (value) => {
        const before = Object.entries(value)
          .map(([key, number]) => `${key}: ${number}\n`)
          .join("")
        const text = textOf(await mergeYaml(before, [age]))
        expect(load(text)).toEqual({ minimumReleaseAge: 4320, ...value })
        expect(textOf(await mergeYaml(text, [age]))).toBe(text)
      }),
    )
  })
})

describe("mergeIni", () => {
  const age = { path: ["min-release-age"], value: 3 }

  it.each([
    ["a new file", null, "min-release-age=3\n"],
    ["the end", "save-exact=true\n", "save-exact=true\nmin-release-age=3\n"],
    ["no newline", "save-exact=true", "save-exact=true\nmin-release-age=3\n"],
    ["CRLF", "; mine\r\na=b\r\n", "; mine\r\na=b\r\nmin-release-age=3\r\n"],
    ["before a section", "a=b\n[s]\nc=d\n", "a=b\nmin-release-age=3\n[s]\nc=d\n"],
    ["a commented one", "#min-release-age=1\n", "#min-release-age=1\nmin-release-age=3\n"],
  ])("adds at %s", (_, before, after) => {
    expect(mergeIni(before, [age])).toEqual({ text: after, kept: [] })
  })

  it.each(["min-release-age=1\n", " min-release-age = 1 \n", 'min-release-age="1"\n'])("leaves %j", (before) => {
    expect(mergeIni(before, [age])).toEqual({ text: before, kept: [{ path: ["min-release-age"], value: "1" }] })
  })
})

describe("mergeSection", () => {
  const section = "## Rules\n\nBe careful.\n"
  const block = "<!-- nanoguard: start -->\n## Rules\n\nBe careful.\n<!-- nanoguard: end -->"

  it("appends, renews and leaves alone", () => {
    expect(textOf(mergeSection(null, section))).toBe(`${block}\n`)
    expect(textOf(mergeSection("# Mine\n", section))).toBe(`# Mine\n\n${block}\n`)
    const both = `# Mine\n\n${block}\n\nMore.\n`
    expect(textOf(mergeSection(both, section))).toBe(both)
    expect(textOf(mergeSection(both.replace("careful", "quick"), section))).toBe(both)
  })

  it.each([
    "<!-- nanoguard: start -->\n",
    "<!-- nanoguard: end -->\n<!-- nanoguard: start -->\n",
    `${block}\n${block}\n`,
  ])("does not guess at markers that are no pair", (before) => {
    expect(mergeSection(before, section)).toHaveProperty("conflict")
  })
})
