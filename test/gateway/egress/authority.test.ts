import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  isHostOf,
  readAbsolute,
  readAuthority,
  readConnectTarget,
  spellHost,
} from "../../../src/gateway/egress/authority.ts"
import { normalPath } from "../../../src/gateway/egress/path.ts"
import { isNormalPath } from "../../../src/policy/glob.ts"

describe("an authority", () => {
  test.each([
    ["api.example.com:443", "api.example.com", 443],
    ["API.Example.COM:8443", "api.example.com", 8443],
    ["api.example.com.:1", "api.example.com", 1],
    ["xn--mnchen-3ya.example:443", "xn--mnchen-3ya.example", 443],
    ["192.0.2.1:65535", "192.0.2.1", 65535],
    ["[2001:DB8::0:1]:443", "2001:db8::1", 443],
    ["[::1]:443", "::1", 443],
    ["a_b.example:443", "a_b.example", 443],
  ])("%s", (text, host, port) => {
    expect(readConnectTarget(text)).toEqual({ host, port })
  })

  test("is read as the URL Standard's parser reads it, or not at all", () => {
    const part = fc.constantFrom(
      "a",
      "Z",
      "0x7f",
      "127",
      "1",
      "0177",
      "-",
      "_",
      ".",
      "..",
      "xn--a",
      "::",
      "[",
      "]",
      "@",
      "%2e",
      ":",
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const text = `${parts.join("")}:8443`
        const read = readConnectTarget(text)
        if (read === undefined) return
        const url = URL.parse(`https://${text}/`)
        expect(url?.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "")).toBe(read.host)
        expect(url?.port).toBe("8443")
        expect(url?.username).toBe("")
      }),
      { numRuns: 5_000 },
    )
  })

  test("is spelt in a way that reads as itself", () => {
    for (const host of ["api.example.com", "192.0.2.1", "2001:db8::1"])
      for (const port of [443, 80, 8443])
        for (const scheme of ["https", "http"] as const) {
          const target = { scheme, host, port }
          expect(isHostOf([spellHost(target)], target)).toBe(true)
          expect(readAuthority(spellHost(target), scheme === "https" ? 443 : 80)).toEqual({ host, port })
        }
  })

  test("of a Host header is one, and the target's", () => {
    const target = { scheme: "https", host: "api.example.com", port: 443 } as const
    for (const value of ["api.example.com", "api.example.com:443", "API.example.com", "api.example.com."])
      expect(isHostOf([value], target)).toBe(true)
    for (const values of [
      undefined,
      [],
      ["b.example"],
      ["api.example.com:80"],
      ["api.example.com", "api.example.com"],
      [""],
    ])
      expect(isHostOf(values, target)).toBe(false)
  })
})

describe("an absolute address", () => {
  test("is taken apart", () => {
    const target = { scheme: "http", host: "a.example", port: 80 }
    expect(readAbsolute("http://A.example/b?c")).toEqual({ target, url: "/b?c" })
    expect(readAbsolute("HTTP://a.example?c")).toEqual({ target, url: "/?c" })
    expect(readAbsolute("http://a.example:8080")?.target.port).toBe(8080)
  })

  test.each([
    ...[
      "http://u@a.example/",
      "http://u:p@a.example/",
      "http:///a",
      "http:/a.example/",
      "http://a.example#x",
      "ftp://a.example/",
    ],
    ...["http://a.example\\@b.example/", "http://127.1/", "http://[::1%251]/", "http://a b/", "http://%61.example/"],
  ])("%s is refused", (text) => {
    expect(readAbsolute(text)).toBeUndefined()
  })
})

describe("a path", () => {
  test.each([
    ["/", "/", true],
    ["/a/b.c", "/a/b.c", true],
    ["/%61%2Dx/%7e", "/a-x/~", true],
    ["/%c3%a9", "/%C3%A9", true],
    ["/a//b", "/a//b", false],
    ["/group%2fproject", "/group%2Fproject", false],
    ["/a;b=c", "/a;b=c", false],
    ["/a%5cb", "/a%5Cb", false],
    ["/...", "/...", true],
    ["/.well-known/x", "/.well-known/x", true],
  ])("%s", (text, path, normal) => {
    expect(normalPath(text)).toEqual({ path, query: "", hasQuery: false, normal })
  })

  test.each([
    ...[
      "",
      "a",
      "//../x",
      "/a/./b",
      "/..",
      "/a/%2e%2e/b",
      "/a/.%2E",
      "/a%2f..%2fb",
      "/a/..%5cb",
      "/..;/a",
      "/..%3bx/a",
    ],
    ...[
      "/%252e%252e/a",
      "/a%252f..%252fb",
      "/a\\b",
      "/a b",
      "/a\tb",
      "/a%00",
      "/a%0d%0a",
      "/a%7F",
      "/a%2",
      "/a%zz",
      "/a#b",
      "/\x80",
    ],
  ])("%j is refused", (text) => {
    expect(normalPath(text)).toBeUndefined()
  })

  test("is matched in the form that is sent, and that form is its own normal form", () => {
    const part = fc.constantFrom("/", ".", "a", "%2e", "%2f", "%61", "%25", "%C3%a9", ";", "~", "?", "%5c", "\\", "-")
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const read = normalPath(`/${parts.join("")}`)
        if (read === undefined) return
        expect(normalPath(read.path)?.path).toBe(read.path)
        expect(read.normal).toBe(isNormalPath(read.path))
        // No reader that decodes it once, or twice, finds a way up.
        const once = decodeURIComponent(read.path.replace(/%C3%A9/g, "x"))
        expect(URL.parse(`https://a.example${once.replace(/[?#]/g, "")}`)?.pathname.split("/").length).toBe(
          once.replace(/[?#]/g, "").replaceAll("\\", "/").split("/").length,
        )
      }),
      { numRuns: 3_000 },
    )
  })
})
