import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parseForeignJson } from "../src/foreign-json.ts"

const keysOf = (text: string) => Object.keys(parseForeignJson(text) as object)

/** Every character of a name as it is, or as one of its escapes. */
const written = (name: string) =>
  fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((escaped) =>
    [...name]
      .map((char, index) => {
        if (char === "/" && escaped[index]) return "\\/"
        return escaped[index] ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char
      })
      .join(""),
  )

describe("keys with escapes", () => {
  // Each of these was hidden by JSON.parse of Node.js 24.21.
  test.each([
    ['{"x":"","resolve\\\\":""}', '{"x":"","resolve\\u0064":""}', ["x", "resolved"]],
    ['{"x":"","resolve\\\\":1}', '{"x":"","resolve\\u0064":1}', ["x", "resolved"]],
    ['{"postinstal\\\\":""}', '{"postinstal\\u006C":""}', ["postinstall"]],
    ['{"@scope\\\\":""}', '{"@scope\\/":""}', ["@scope/"]],
    ['{"h\\\\":""}', '{"h\\u00e9":""}', ["hé"]],
  ])("%s hides nothing of %s", (before, text, keys) => {
    for (let times = 0; times < 3; times++) {
      JSON.parse(before)
      expect(keysOf(text)).toEqual(keys)
    }
  })

  test("hide nothing in one document either", () => {
    const text = '{"a":{"version":"1","resolve\\\\":"x"},"b":{"version":"1","resolve\\u0064":"y"}}'
    expect(parseForeignJson(text)).toEqual({
      a: { version: "1", "resolve\\": "x" },
      b: { version: "1", resolved: "y" },
    })
  })

  test("are the names they are, however they are written, whatever was read before", () => {
    const names = ["resolved", "scripts", "postinstall", "@scope/name", "a", "é"]
    const name = fc.constantFrom(...names).chain((name) => fc.tuple(fc.constant(name), written(name)))
    fc.assert(
      fc.property(fc.uniqueArray(name, { selector: ([name]) => name, maxLength: 4 }), fc.nat(8), (members, cut) => {
        // What V8 takes for the key that it expects: as long as the name, up to an escape.
        for (const [name, text] of members) {
          const raw = text.slice(0, Math.min(name.length, cut))
          if (raw.endsWith("\\")) JSON.parse(`{"${raw}\\":0}`)
        }
        expect(keysOf(`{${members.map(([, text]) => `"${text}":0`).join()}}`)).toEqual(members.map(([name]) => name))
      }),
      { numRuns: 2000 },
    )
  })
})

describe("values", () => {
  test("are those of JSON.parse", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (text) => {
        const escaped = text.replace(
          /[^\x00-\x7f]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
        )
        for (const one of [text, escaped])
          expect(JSON.stringify(parseForeignJson(one))).toBe(JSON.stringify(JSON.parse(one)))
      }),
    )
  })

  test.each([
    ['["\\\\u0041"]', ["\\u0041"]],
    ['["\\u005cu0041", "\\u0022", "\\u000a", "\\ud83d\\ude00", "\\ud83d"]', ["\\u0041", '"', "\n", "😀", "\ud83d"]],
    ['["\\/\\\\/\\b"]', ["/\\/\b"]],
  ])("keep what an escape stands for: %s", (text, value) => {
    expect(parseForeignJson(text)).toEqual(value)
  })

  test.each([
    '{"a\\u00zz":1}',
    '["\\u12"]',
    '["\\q\\u0061"]',
    '{"\\u0061":1,}',
    "\\u0041",
    '"\\u0022',
    '["\\U0041", "\\u0041"]',
    '{\\u0020"a":1}',
    '["a"\\u002c"b"]',
    '\\u007b"a":1}',
  ])("%s is no JSON, and the error has its place in the text", (text) => {
    const messageOf = (parse: (text: string) => unknown) => {
      try {
        return `no error: ${JSON.stringify(parse(text))}`
      } catch (error) {
        return String(error)
      }
    }
    expect(messageOf(parseForeignJson)).toBe(messageOf(JSON.parse))
    expect(messageOf(parseForeignJson)).toContain("SyntaxError")
  })
})
