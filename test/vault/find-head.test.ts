import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { findInHead } from "../../src/vault/find-head.ts"
import { makePlaceholder } from "../../src/vault/placeholder.ts"

const key = Buffer.alloc(32, 7)
const token = makePlaceholder(key, "models", "run-1", "github")
const percent = [...token].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("")
const base64 = (text: string) => Buffer.from(text).toString("base64")

const places = (url: string, headers: Record<string, string | string[] | undefined> = {}) =>
  findInHead(url, headers).map(({ where, encoding }) => `${where} ${encoding}`)

describe("findInHead", () => {
  test.each<[string, string, Record<string, string | string[]>, string[]]>([
    ["nothing", "/v1/items?page=2", { authorization: "Bearer abc", "x-n": "57362742" }, ["header:x-n plain"]],
    ["path", `/bot/${token}/send`, {}, ["path plain"]],
    ["path, percent-encoded", `/bot${percent}/send`, {}, ["path percent"]],
    ["query", `/v1?a=1&key=${token}&b=2`, {}, ["query:key plain"]],
    ["query, percent-encoded twice", `/v1?key=${percent.replaceAll("%", "%25")}`, {}, ["query:key percent"]],
    ["query, no name", `/v1?${token}`, {}, ["query plain"]],
    ["query, as its name", `/v1?${token}=1`, {}, ["query plain"]],
    ["query, a name that is not told", `/v1?%1b%5B=${token}`, {}, ["query plain"]],
    ["bearer", "/", { authorization: `Bearer ${token}` }, ["authorization plain"]],
    ["basic", "/", { Authorization: `Basic ${base64(`user:${token}`)}` }, ["authorization base64"]],
    ["cookie", "/", { cookie: `a=b; session=${token}` }, ["cookie:session plain"]],
    ["header", "/", { "x-api-key": token, accept: "*/*" }, ["header:x-api-key plain"]],
    [
      "one of several",
      "/",
      { "x-forwarded-for": ["10.0.0.1", base64(`k=${token}`)] },
      ["header:x-forwarded-for base64"],
    ],
    ["a header's name", "/", { [`x-${token}`]: "1" }, ["header-name plain"]],
    ["in a JWT's claims", "/", { "x-a": `e30.${base64(JSON.stringify({ k: token }))}.c2ln` }, ["header:x-a base64"]],
    ["everywhere", `/${token}?a=${token}`, { cookie: token }, ["path plain", "query:a plain", "cookie plain"]],
  ])("%s", (_, url, headers, expected) => {
    expect(places(url, headers)).toEqual(expected)
  })

  test("nothing in what ends in one value and goes on in the next", () => {
    expect(places(`/${token.slice(0, 10)}`, { "x-a": token.slice(10) })).toEqual([])
  })

  test("any head", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string()))),
        (url, headers) => {
          expect(places(url, headers)).toEqual([])
          expect(places(`${url}&k=${token}`, headers).length).toBeGreaterThan(0)
        },
      ),
    )
  })
})
