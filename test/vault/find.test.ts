import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createPlaceholderFinder, findIn } from "../../src/vault/find.ts"
import { countStates } from "../../src/vault/find-scan.ts"
import { makePlaceholder, readPlaceholder } from "../../src/vault/placeholder.ts"
import { SHAPES } from "../../src/vault/shapes.ts"

const key = Buffer.alloc(32, 7)
const all = [{ name: "github" }, { name: "models" }]
const shapes = Object.keys(SHAPES)
const make = (shape: string, run = "run-1") => makePlaceholder(key, "models", run, shape)
const names = (bytes: Uint8Array) =>
  findIn(bytes, "body").map(({ text }) => readPlaceholder(key, text, all)?.credential)

const each = (text: string, write: (code: number, char: string) => string) =>
  [...text].map((char) => write(char.charCodeAt(0), char)).join("")
const hex = (code: number) => code.toString(16).padStart(2, "0")
const base64 = (text: string | Buffer) => Buffer.from(text as string).toString("base64")
const wrap = (text: string, width: number, by: string) => text.match(new RegExp(`.{1,${width}}`, "g"))!.join(by)

/** Ways to write a text, each with the name that is reported for it. */
const WAYS: Record<string, [(text: string) => string | Buffer, string]> = {
  plain: [(text) => text, "plain"],
  percent: [(text) => each(text, (code) => `%${hex(code)}`), "percent"],
  "percent, upper case": [(text) => each(text, (code) => `%${hex(code).toUpperCase()}`), "percent"],
  "percent, every third": [(text) => each(text, (code, char) => (code % 3 === 0 ? `%${hex(code)}` : char)), "percent"],
  "percent twice": [(text) => each(text, (code) => `%25${hex(code)}`), "percent"],
  "percent thrice": [(text) => each(text, (code) => `%2525${hex(code)}`), "percent"],
  json: [(text) => each(text, (code) => `\\u00${hex(code)}`), "json"],
  "json, odd ones": [(text) => each(text, (code, char) => (code % 2 === 1 ? `\\u00${hex(code)}` : char)), "json"],
  "json in json": [(text) => each(text, (code) => `\\\\u00${hex(code)}`), "json"],
  "a string of a program": [(text) => each(text, (code) => `\\x${hex(code)}`), "json"],
  html: [(text) => each(text, (code) => `&#${code};`), "html"],
  "html, zeros before": [(text) => each(text, (code) => `&#000${code};`), "html"],
  "html, hexadecimal": [(text) => each(text, (code) => `&#x${hex(code)};`), "html"],
  "html in html": [(text) => each(text, (code) => `&amp;#${code};`), "html"],
  "quoted-printable": [(text) => each(text, (code) => `=${hex(code).toUpperCase()}`), "quoted-printable"],
  "quoted-printable, wrapped": [(text) => wrap(text, 5, "=\r\n"), "quoted-printable"],
  base64: [base64, "base64"],
  "base64, one byte before": [(text) => base64(`x${text}`), "base64"],
  "base64, two bytes before": [(text) => base64(`xy${text}`), "base64"],
  "base64, wrapped": [(text) => wrap(base64(`x${text}`), 4, "\r\n"), "base64"],
  "base64, wrapped in JSON": [(text) => wrap(base64(`xy${text}`), 6, "\\n"), "base64"],
  "base64, wrapped in a form": [(text) => wrap(base64(text), 7, "%0D%0A"), "base64"],
  base64url: [(text) => Buffer.from(`{"k":"${text}"}`).toString("base64url"), "base64"],
  "base64 in base64": [(text) => base64(`{"auth":"${base64(`user:${text}`)}"}`), "base64+base64"],
  "base64 of UTF-16": [(text) => base64(Buffer.from(`$k="${text}"`, "utf16le")), "base64+utf-16"],
  hex: [(text) => Buffer.from(text).toString("hex"), "hex"],
  "hex, upper case": [(text) => Buffer.from(text).toString("hex").toUpperCase(), "hex"],
  "hex, wrapped": [(text) => wrap(Buffer.from(text).toString("hex"), 30, "\n"), "hex"],
  "UTF-16LE": [(text) => Buffer.from(text, "utf16le"), "utf-16"],
  "UTF-16BE": [(text) => Buffer.from(text, "utf16le").swap16(), "utf-16"],
}

describe("findIn", () => {
  test.each(Object.entries(WAYS))("%s: every shape", (_, [write, encoding]) => {
    for (const shape of shapes) {
      const written = write(make(shape))
      const bytes = Buffer.concat([Buffer.from("before "), Buffer.from(written as string), Buffer.from(" behind")])
      const found = findIn(bytes, "body")
      const own = found.filter(({ text }) => readPlaceholder(key, text, all)?.credential === "models")
      expect([shape, own.length]).not.toEqual([shape, 0])
      expect(own[0]).toMatchObject({ where: "body", encoding })
    }
  })

  test("each different one once, however often it comes", () => {
    const [one, two] = [make("github"), make("github", "run-2")]
    const found = findIn(Buffer.from(`${one} ${two} ${one} ${base64(one)} ${one}`), "body")
    expect(found.map(({ encoding }) => encoding).sort()).toEqual(["base64", "plain", "plain"])
  })

  test("nothing in what looks like one and is none", () => {
    const other = makePlaceholder(Buffer.alloc(32, 9), "models", "run-1", "github")
    expect(names(Buffer.from(`57362742 ${other} 5736274257362742`)).every((name) => name === undefined)).toBe(true)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(findIn(bytes, "body")).toEqual([])
      }),
    )
  })

  test("any way, in any place, split into any chunks", () => {
    const way = fc.constantFrom(...Object.values(WAYS).map(([write]) => write))
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(fc.constantFrom("5", "57", "%3", "%25", "\\", "\\u003", "&#", "=", "\r\n", "5736", "NTcz", "3537"), {
          maxLength: 12,
        })
        .map((parts) => Buffer.from(parts.join(""))),
    )
    fc.assert(
      fc.property(
        way,
        fc.constantFrom(...shapes),
        noise,
        noise,
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30 }),
        (write, shape, before, after, sizes) => {
          // A space ends what would otherwise run on into it.
          const bytes = Buffer.concat([
            before,
            Buffer.from(" \0"),
            Buffer.from(write(make(shape)) as string),
            Buffer.from(" "),
            after,
          ])
          const finder = createPlaceholderFinder("body")
          const found = []
          let at = 0
          for (const size of [...sizes, bytes.length]) {
            const chunk = Buffer.from(bytes.subarray(at, at + size))
            found.push(...finder.push(chunk))
            chunk.fill(0)
            at += size
          }
          found.push(...finder.end())
          expect(found.map(({ text }) => readPlaceholder(key, text, all)?.credential)).toContain("models")
          expect(finder.unread).toBeUndefined()
        },
      ),
      { numRuns: 400 },
    )
  })

  test("finds the same whatever the chunks", () => {
    const parts = fc.constantFrom(
      make("github"),
      base64(make("gitlab")),
      "57362742",
      "%35",
      "\\u0035",
      "7362742a",
      "5",
      "\n",
      "x",
      "3537333632373432",
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (texts, size) => {
        const bytes = Buffer.from(texts.join(""))
        const finder = createPlaceholderFinder("body")
        const found = []
        for (let at = 0; at < bytes.length; at += size) found.push(...finder.push(bytes.subarray(at, at + size)))
        found.push(...finder.end())
        const sort = (list: readonly { text: string }[]) => [...new Set(list.map(({ text }) => text))].sort()
        expect(sort(found)).toEqual(sort(findIn(bytes, "body")))
      }),
    )
  })

  test("more markers than anyone has: says that it stopped", () => {
    const finder = createPlaceholderFinder("body")
    const many = Array.from({ length: 100 }, (_, index) => `57362742${String(index).padStart(28, "x")}`).join(" ")
    finder.push(Buffer.from(many.repeat(2)))
    finder.end()
    expect(finder.unread).toBe("ambiguous")
    const often = createPlaceholderFinder("body")
    for (let index = 0; index < 40; index++) often.push(Buffer.from(`57362742${"x".repeat(40)}`.repeat(500)))
    expect(often.unread).toBe("ambiguous")
  })

  test("the automaton is small", () => {
    expect(countStates()).toBeLessThan(1000)
  })
})
