import fc from "fast-check"
import { parse, stringify } from "smol-toml"
import { describe, expect, it } from "vitest"
import { createTableLines, parseToml } from "../../../src/packages/lockfiles/toml.ts"

describe("parseToml", () => {
  const failure = async (text: string) =>
    parseToml(text, "a/uv.lock").then(
      () => undefined,
      (error) => ({ message: error.message, where: error.where }),
    )

  it.each([
    ["a key twice", "a = 1\nb = 2\na = 3\n", 3],
    ["a table twice", "[a]\nx = 1\n[b]\n[a]\n", 4],
    ["a text that is cut off", 'a = 1\nb = "half', 2],
    ["a list that is cut off", "a = 1\nb = [1,\n2", 3],
    ["no TOML at all", "{ }\n", 1],
  ])("names the line of %s", async (_what, text, line) => {
    const error = await failure(text)
    expect(error?.message).toMatch(/^not valid TOML: /)
    expect(error?.where).toMatchObject({ file: "a/uv.lock", line })
  })

  it("says that a file is empty, and that a merge was left half done", async () => {
    expect((await failure(" \n"))?.message).toBe("the file is empty")
    expect((await failure("a = 1\n<<<<<<< HEAD\n"))?.message).toBe("an unresolved merge conflict")
  })

  it("refuses deep nesting instead of running out of stack", async () => {
    const error = await failure(`a = ${"[".repeat(100_000)}`)
    expect(error?.where).toMatchObject({ line: 1 })
  })

  it("takes __proto__ for a key like any other", async () => {
    const table = await parseToml('[__proto__]\npolluted = "yes"\n[constructor]\nx = 1\n', "uv.lock")
    expect(Object.keys(table)).toEqual(["__proto__", "constructor"])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it("never quotes the file in its message", async () => {
    const error = await failure('a = "\u202eevil\u0007"\nb = \u202e\n')
    expect(error?.message).toMatch(/^[\x20-\x7e]+$/)
  })
})

describe("createTableLines", () => {
  it("is not fooled by headers in texts, lists and comments", () => {
    const text = [
      "# [[package]]",
      'a = """',
      "[[package]]",
      '"""',
      "b = '''",
      "[[package]]",
      "'''",
      "c = [ # [[package]]",
      '  [["package"]],',
      "]",
      'd = "\\"[[package]]"',
      "[[package]] # the first",
      'e = "]]"',
      "  [[ 'package' ]]",
      '[["pack\\u0061ge"]]',
      "[[packages]]",
      "[[package.dependency]]",
      "[package.metadata]",
      "[[package]]",
    ].join("\n")
    expect((parse(text) as { package: unknown[] }).package).toHaveLength(4)
    const lineAt = createTableLines(text, "package")
    expect([0, 1, 2, 3, 4, undefined].map(lineAt)).toEqual([12, 14, 15, 19, 1, 1])
  })

  it("finds as many headers as there are tables, whatever their texts hold", () => {
    const nasty = fc.string({
      unit: fc.constantFrom("[[package]]", "\n", '"""', "'''", '"', "'", "\\", "#", "[", "]", "=", "x"),
      maxLength: 12,
    })
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: nasty, list: fc.array(nasty, { maxLength: 3 }) }), { minLength: 1, maxLength: 8 }),
        (tables) => {
          const text = stringify({ before: tables[0]!.name, package: tables })
          const lineAt = createTableLines(text, "package")
          const lines = text.split("\n")
          const found = tables.map((_, index) => lineAt(index))
          expect(new Set(found).size).toBe(tables.length)
          for (const line of found) expect(lines[line - 1]).toBe("[[package]]")
        },
      ),
    )
  })

  it("counts lines inside long texts", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("\n", "[[package]]", "\\\\", '""', "x"), { maxLength: 20 }), (parts) => {
        const text = `a = """\n${parts.join(" ")} """\n[[package]]\nname = "a"\n`
        expect(parse(text)).toHaveProperty("package")
        expect(createTableLines(text, "package")(0)).toBe(text.split("\n").length - 2)
      }),
    )
  })
})
