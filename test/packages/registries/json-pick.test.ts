import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { JsonError, pickJson, type Shape } from "../../../src/packages/registries/json-pick.ts"

const pick = (text: string, shape: Shape) => pickJson(Buffer.from(text), shape)

describe("pickJson", () => {
  it("takes what is asked for and skips the rest", () => {
    const text = '{"a":{"x":[1,{"y":"}"}],"keep":"\\u0041\\"]"},"b":[{"n":1,"o":{}},{"n":2},7],"c":{"1.0":{"k":true}}}'
    const shape: Shape = {
      fields: { a: { fields: { keep: "value" } }, b: { items: { fields: { n: "value" } } }, c: { entries: "value" } },
    }
    expect(pick(text, shape)).toEqual({
      a: { keep: 'A"]' },
      b: [{ n: 1 }, { n: 2 }],
      c: new Map([["1.0", { k: true }]]),
    })
  })

  it("maps members as they are read, and leaves out what maps to nothing", () => {
    const length = (value: unknown) => (typeof value === "string" ? value.length : undefined)
    expect(pick('{"a":"xx","b":1,"a":2}', { entries: "value", map: length })).toEqual(new Map())
    expect(pick('{"a":"xx","b":1}', { entries: "value", map: length })).toEqual(new Map([["a", 2]]))
    expect(pick('["x",1,"yyy"]', { items: "value", map: length })).toEqual([1, 3])
  })

  it("agrees with JSON.parse on any document", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (value, pretty) => {
        const text = JSON.stringify(value, null, pretty ? 2 : 0)
        const oracle = JSON.parse(text) as Record<string, unknown>
        expect(pick(text, "value")).toEqual(oracle)
        expect(pick(text, { entries: "value" })).toEqual(new Map(Object.entries(oracle)))
        const wanted = Object.keys(oracle)[0]
        if (wanted === undefined) return
        const fields = Object.fromEntries([[wanted, "value" as const]])
        if (!Object.hasOwn(fields, wanted)) return
        expect({ ...(pick(text, { fields }) as object) }).toEqual({ [wanted]: oracle[wanted] })
      }),
    )
  })

  it("throws nothing but JsonError on bytes that are not JSON", () => {
    const shapes: Shape[] = [
      "value",
      { entries: "value" },
      { items: { entries: "value" } },
      { fields: { a: { items: "value" } } },
    ]
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]",:\\a1 -tn\u00e9'), maxLength: 60 }),
        fc.constantFrom(...shapes),
        (text, shape) => {
          try {
            pick(text, shape)
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it("accepts no document that JSON.parse refuses, where it takes the whole", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:a1 e.-'), maxLength: 12 }), (text) => {
        let ours = true
        let theirs = true
        try {
          pick(text, "value")
        } catch {
          ours = false
        }
        try {
          JSON.parse(text)
        } catch {
          theirs = false
        }
        expect(ours).toBe(theirs)
      }),
      { numRuns: 2000 },
    )
  })

  it("keeps keys like __proto__ as data", () => {
    const picked = pick('{"__proto__":{"x":1},"constructor":2}', { entries: "value" })
    expect(picked).toEqual(
      new Map<string, unknown>([
        ["__proto__", { x: 1 }],
        ["constructor", 2],
      ]),
    )
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  it("refuses deep nesting, taken or skipped", () => {
    const deep = `{"a":${"[".repeat(100)}${"]".repeat(100)}}`
    expect(() => pick(deep, { fields: { a: "value" } })).toThrow("nests deeper than 64")
    expect(() => pick(deep, { fields: { b: "value" } })).toThrow("nests deeper than 64")
  })

  it("refuses a value that is too large, and text after the end", () => {
    expect(() => pick(`{"a":"${"x".repeat(1100000)}"}`, { fields: { a: "value" } })).toThrow(
      "larger than 1048576 bytes",
    )
    expect(() => pick('{"a":1}{', { fields: { a: "value" } })).toThrow("not JSON")
    expect(() => pick('{"a":"never ends', { fields: {} })).toThrow("ends too early")
  })

  it("reads over long strings with escapes at every place", () => {
    for (let length = 40; length < 60; length++) {
      const value = `${"x".repeat(length)}\\"\\\\`
      expect(pick(`{"long":"${value}","b":"${value}"}`, { fields: { b: "value" } })).toEqual({
        b: `${"x".repeat(length)}"\\`,
      })
    }
  })
})
