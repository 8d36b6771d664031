import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import { parseJson, visitKeys } from "../../../src/packages/lockfiles/json.ts"
import { blankComments } from "../../../src/packages/lockfiles/jsonc.ts"

async function failure(text: string): Promise<NanoguardError> {
  const error = await parseJson(text, "package-lock.json").catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(NanoguardError)
  return error as NanoguardError
}

describe("parseJson", () => {
  it("reads what JSON.parse reads, with keys that look like values and values that look like keys", async () => {
    const value = { a: '":', 'b"  :': { '\\":': [1, "x\\", '"a":1'] }, "": { a: null } }
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      expect(await parseJson(text, "f")).toEqual(value)
    }
  })

  it("leaves prototypes alone", async () => {
    const value = (await parseJson(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      "f",
    )) as object
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined()
    expect((value as Record<string, unknown>)["polluted"]).toBeUndefined()
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"])
  })

  it.each([
    ['{"a":1,\n "a":2}', 2, 2],
    ['{"a":1,\n\n "\\u0061" :2}', 3, 2],
    ['{"x":{"k":[{"z":1},{"z":1,\n"z":3}]}}', 2, 1],
    ['{"__proto__":1,"__proto__":2}', 1, 16],
    ['{"v":"\\":","b":1,\n"b":1}', 2, 1],
  ])("names the place of a key that stands twice: %j", async (text, line, column) => {
    const error = await failure(text)
    expect(error.message).toContain("twice")
    expect(error.where).toEqual({ file: "package-lock.json", line, column })
  })

  it.each([
    ['{"a": 1,\n  b: 2}', "not valid JSON", 2],
    ['{\n"a": [1,\n2,]\n}', "not valid JSON", 3],
    ['{"a": 1}\n}', "not valid JSON", 2],
    ['{"a": 1,\n"b": tru', "cut off", 2],
    ['{"a": 1,\n"b": "tex', "cut off", 2],
    ['{"a": {\n', "cut off", 1],
    ["", "empty", 1],
    [" \n", "empty", 1],
  ])("names the place where %j breaks", async (text, message, line) => {
    const error = await failure(text)
    expect(error.message).toContain(message)
    expect(error.where?.line).toBe(line)
  })

  it("refuses nesting that would overflow whoever walks it", async () => {
    expect((await failure(`${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`)).message).toContain("nested")
    expect((await failure(`${"[".repeat(1e6)}${"]".repeat(1e6)}`)).message).toContain("nested")
  })

  it("finds a duplicate exactly where there is one", async () => {
    const key = fc.constantFrom("a", "b", "__proto__", '":', "\\", "\u202e")
    const node: fc.Memo<string> = fc.memo((depth) =>
      depth <= 1 ? fc.constantFrom("1", '"x\\":"', "null", '"\\\\"') : fc.oneof(node(1), object(depth - 1)),
    )
    const object = (depth: number): fc.Arbitrary<string> =>
      fc
        .array(fc.tuple(key, node(depth), fc.constantFrom("", " ", "\n\t")), { maxLength: 4 })
        .map(
          (pairs) => `{${pairs.map(([name, value, gap]) => `${JSON.stringify(name)}${gap}:${gap}${value}`).join(",")}}`,
        )
    await fc.assert(
      fc.asyncProperty(object(3), async (text) => {
        let twice = false
        const seen = new Map<number, Set<string>>()
        visitKeys(text, {
          key: (name, _offset, _trail, serial) => {
            const names = seen.get(serial) ?? new Set()
            twice ||= names.has(name)
            seen.set(serial, names.add(name))
          },
        })
        const result = await parseJson(text, "f").then(JSON.stringify, () => "refused")
        expect(result).toBe(twice ? "refused" : JSON.stringify(JSON.parse(text)))
      }),
    )
  })
})

describe("visitKeys", () => {
  it("gives each key with its place and what is above it, undisturbed by strings", () => {
    const text = '{"a": "{\\"x\\":", "b": [{"c": {}}, {"d": ["e"]}], "f": {"g\\n": 1}}'
    const keys: string[] = []
    visitKeys(text, { key: (key, offset, trail) => keys.push([...trail, key, text[offset]].join("/")) })
    expect(keys).toEqual(['a/"', 'b/"', 'b//c/"', 'b//d/"', 'f/"', 'f/g\n/"'])
  })
})

describe("blankComments", () => {
  it("makes JSON of it and moves nothing", () => {
    const text = '// x, }\n{"a": [1, 2, /* ,] */ ], // "\n "b": "// no, }",\n}\n'
    const plain = blankComments(text, "bun.lock")
    expect(JSON.parse(plain)).toEqual({ a: [1, 2], b: "// no, }" })
    expect(plain).toHaveLength(text.length)
    expect(plain.split("\n")).toHaveLength(text.split("\n").length)
  })

  it.each(["[,]", "{,}", "[1,,]", "[1 2]", "/* open", '{"a": 1,, }'])("does not mend %s", (text) => {
    expect(() => JSON.parse(blankComments(text, "bun.lock"))).toThrow()
  })

  it("leaves plain JSON as it is", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(blankComments(text, "bun.lock")).toBe(text)
      }),
    )
  })
})
