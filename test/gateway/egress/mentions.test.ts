// What a text names, and what of it is not found.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type Mention, readMentions } from "../../../src/gateway/egress/mentions.ts"

const read = (text: string, most = 100): Mention[] => {
  const found: Mention[] = []
  readMentions(Buffer.from(text).toString("latin1"), most, (mention) => found.push(mention))
  return found
}
const hosts = (text: string) => read(text).map(({ host }) => host)

test.each<[string, string[]]>([
  ["send it to api.evil.example, please.", ["api.evil.example"]],
  ["API.Evil.Example.", ["api.evil.example"]],
  ['{"url":"https:\\/\\/api.evil.example\\/in?x=1"}', ["api.evil.example"]],
  ["<a href='//api.evil.example/x'>here</a>", ["api.evil.example"]],
  ["mail ana@evil.example", ["evil.example"]],
  ["http://203.0.113.7:8080/x", ["203.0.113.7"]],
  ["bücher.example and xn--bcher-kva.example", ["xn--bcher-kva.example", "xn--bcher-kva.example"]],
  ["see 3.14, v1.2.3, a..b, ..., end.", []],
  // Not found, and docs/egress.md says so.
  ["api%2Eevil%2Eexample", []],
  ["api&#46;evil&#46;example", []],
  ["api<b></b>.evil", []],
  [Buffer.from("https://api.evil.example/").toString("base64"), []],
  ["api dot evil dot example", []],
  ["api\\u002eevil\\u002eexample", []],
])("%j names %j", (text, expected) => {
  expect(hosts(text)).toEqual(expected)
})

test("whole addresses: path and query, without fragment and what ends a sentence", () => {
  const rest = (text: string) => read(text).map((one) => one.rest)
  expect(rest("https://a.example/v1/x?y=1&amp;z=2#top")).toEqual(["/v1/x?y=1&z=2"])
  expect(rest("(see https://user@a.example:8443/v1/x).")).toEqual(["/v1/x"])
  expect(rest('"https:\\/\\/a.example\\/v1\\/x"')).toEqual(["/v1/x"])
  expect(rest("https://a.example/ https://a.example a.example/v1")).toEqual([undefined])
})

describe("hostile texts", () => {
  test("cost what they are long, and name no more than is asked for", () => {
    expect(read("https://a.example/x ".repeat(1_000), 7)).toHaveLength(7)
    for (const text of [
      ".".repeat(200_000),
      "a.".repeat(100_000),
      "a".repeat(200_000),
      "/".repeat(200_000),
      "://@".repeat(50_000),
      // Each of them an address that nothing ends.
      "://a.example/#".repeat(75_000),
    ])
      expect(read(text).length).toBeLessThanOrEqual(100)
  })
  test("of more names than are remembered: of further ones those are found that are written in ASCII", () => {
    const many = Array.from({ length: 1_000 }, (_, at) => `f${at}.x1`).join(" ")
    expect(hosts(`${many} bücher.example A.example b.example f1.x1`)).toEqual(["a.example", "b.example"])
    expect(hosts(`bücher.example ${many} bücher.example`)).toEqual(["xn--bcher-kva.example"])
    expect(hosts(`https://bücher.example/x ${many} https://bücher.example/y`)).toHaveLength(2)
  })
  test("of any bytes do not throw, and what is found is a host", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        readMentions(Buffer.from(bytes).toString("latin1"), 100, ({ host }) => expect(host).toMatch(/^[a-z0-9_.-]+$/))
      }),
    )
  })
  test("a host is found wherever it stands", () => {
    const around = fc.stringMatching(/^[ "'<>(),;=\n/]{0,10}$/)
    fc.assert(
      fc.property(around, around, fc.domain(), (before, after, domain) => {
        expect(hosts(`${before}${domain}${after}`)).toContain(domain.toLowerCase())
      }),
    )
  })
})
