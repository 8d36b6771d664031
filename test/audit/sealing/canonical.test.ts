import { execFileSync } from "node:child_process"
import canonicalize from "canonicalize"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { canonicalText } from "../../../src/audit/sealing/canonical.ts"
import { NanoguardError } from "../../../src/errors.ts"

/** The number whose IEEE 754 bits are given in hex. */
function numberOf(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE()
}

describe("canonicalText", () => {
  // RFC 8785, appendix B.
  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the number %s as %s", (bits, text) => {
    expect(canonicalText(numberOf(bits))).toBe(text)
  })

  it("writes the example of RFC 8785, section 3.2.2, as section 3.2.3 has it", () => {
    const example =
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
    expect(canonicalText(JSON.parse(example))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it("sorts names by their UTF-16 code units, as the example of section 3.2.3", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"]
    const object = Object.fromEntries(names.map((name) => [name, name]))
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]
    expect(canonicalText(object)).toBe(`{${sorted.map((n) => `${JSON.stringify(n)}:${JSON.stringify(n)}`).join(",")}}`)
  })

  it("orders names that look like array indexes as text", () => {
    expect(canonicalText({ b: 1, 10: 1, 9: { 2: 1, 11: 1 }, a: 1 })).toBe('{"10":1,"9":{"11":1,"2":1},"a":1,"b":1}')
  })

  it("keeps __proto__ as the name that it is", () => {
    const hostile = JSON.parse('{"z":1,"__proto__":{"toJSON":"x","b":1,"a":2},"constructor":3}')
    expect(canonicalText(hostile)).toBe('{"__proto__":{"a":2,"b":1,"toJSON":"x"},"constructor":3,"z":1}')
    expect(({} as { b?: number }).b).toBeUndefined()
  })

  it("leaves out undefined members and keeps what shares an object", () => {
    const shared = { b: 1, a: undefined }
    expect(canonicalText({ y: shared, x: [shared, shared], n: undefined })).toBe('{"x":[{"b":1},{"b":1}],"y":{"b":1}}')
  })

  it("replaces surrogates without a partner, and keeps both of two names that become one", () => {
    expect(canonicalText({ "a\ud800": "\udc00x", "a\udbff": 2 })).toBe('{"a\ufffd":"\ufffdx","a\ufffd~2":2}')
  })

  it("asks nobody else how to write a value", () => {
    const list: unknown[] & { toJSON?: unknown } = [1, 2]
    list.toJSON = () => "hidden"
    const hidden = Object.defineProperty({ a: 1 }, "toJSON", { value: () => "hidden", enumerable: false })
    expect(canonicalText([list, hidden])).toBe('[[1,2],{"a":1}]')
    class Loud extends Array {
      toJSON() {
        return "hidden"
      }
    }
    expect(canonicalText(Loud.of(3, 4))).toBe("[3,4]")
  })

  it("does not change what it reads", () => {
    const value = { b: { d: "\ud800", c: undefined }, a: [3, { z: 1, y: 2 }] }
    const before = structuredClone(value)
    canonicalText(value)
    expect(value).toStrictEqual(before)
    expect(Object.keys(value)).toEqual(["b", "a"])
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  let deep: unknown = 1
  for (let i = 0; i < 33; i++) deep = [deep]
  it.each<[string, unknown, RegExp]>([
    ["NaN", { a: Number.NaN }, /NaN is no JSON number/],
    ["an infinite number", [Number.NEGATIVE_INFINITY], /-Infinity is no JSON number/],
    ["a function", { a: () => 1 }, /type function/],
    ["a symbol", { a: Symbol("a") }, /type symbol/],
    ["a bigint", { a: 1n }, /type bigint/],
    ["a date", { a: new Date(0) }, /instance of a class/],
    ["bytes", { a: new Uint8Array(3) }, /instance of a class/],
    ["a map", new Map([["a", 1]]), /instance of a class/],
    ["a boxed string", { a: new String("a") }, /instance of a class/],
    ["a hole", [1, undefined, 3], /type undefined/],
    ["nothing", undefined, /type undefined/],
    ["a member toJSON that is a function", { toJSON: () => "hidden" }, /type function/],
    ["a cycle", cycle, /nested more than 32/],
    ["too deep an array", deep, /nested more than 32/],
    ["too many values", Array.from({ length: 70_000 }, () => 1), /more than 65536 values/],
  ])("refuses %s", (_, value, message) => {
    expect(() => canonicalText(value)).toThrow(NanoguardError)
    expect(() => canonicalText(value)).toThrow(message)
  })

  const names = fc.oneof(
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom("__proto__", "10", "9", "0", "01", "4294967295", "toJSON", "constructor", "_a", "a"),
  )
  const { value: json } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false),
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(names, tie("value"), { maxKeys: 6 }),
    ),
  }))

  it("agrees with the library on every value, and reads back as the same data", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalText(value)
        expect(text).toBe(canonicalize(value))
        expect(canonicalText(JSON.parse(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 1000 },
    )
  })

  it("agrees with Python's serialiser, sorted by UTF-16", (ctx) => {
    const python = ["python3", "python"].find((name) => {
      try {
        return execFileSync(name, ["-c", "print(1)"], { stdio: ["ignore", "pipe", "ignore"] }).length > 0
      } catch {
        return false
      }
    })
    if (!python) return ctx.skip("python3 is missing: install Python 3")
    const values = fc.sample(
      json.map((value) =>
        JSON.parse(
          JSON.stringify(value, (_, inner) => (typeof inner === "number" ? Math.trunc(inner % 1e9) || 0 : inner)),
        ),
      ),
      500,
    )
    const script = `
import json, sys
def sort(v):
    if isinstance(v, list): return [sort(x) for x in v]
    if isinstance(v, dict): return {k: sort(v[k]) for k in sorted(v, key=lambda k: k.encode("utf-16-be"))}
    return v
for v in json.load(sys.stdin): print(json.dumps(json.dumps(sort(v), ensure_ascii=False, separators=(",", ":"))))
`
    const out = execFileSync(python, ["-c", script], { input: JSON.stringify(values), encoding: "utf8" })
    const theirs = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as string)
    expect(values.map(canonicalText)).toEqual(theirs)
  })
})
