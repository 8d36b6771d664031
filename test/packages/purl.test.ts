import { PackageURL } from "@socketregistry/packageurl-js"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parsePurl, purlOf } from "../../src/packages/purl.ts"

describe("purlOf", () => {
  it.each([
    ["npm", "lodash", "4.17.21", "pkg:npm/lodash@4.17.21"],
    ["npm", "@scope/name", "1.0.0-rc.1", "pkg:npm/%40scope/name@1.0.0-rc.1"],
    ["npm", "JSONStream", "1.3.5", "pkg:npm/JSONStream@1.3.5"],
    ["npm", "lodash", "", "pkg:npm/lodash"],
    ["npm", "a", "1.0.0+build.5", "pkg:npm/a@1.0.0%2Bbuild.5"],
    ["pypi", "Foo_Bar.baz", "1!2.0", "pkg:pypi/foo-bar-baz@1%212.0"],
    ["golang", "github.com/Foo/bar/v2", "v2.0.1", "pkg:golang/github.com/Foo/bar/v2@v2.0.1"],
    ["cargo", "serde_json", "1.0.1", "pkg:cargo/serde_json@1.0.1"],
  ])("%s %s %s", (ecosystem, name, version, purl) => {
    expect(purlOf(ecosystem, name, version)).toBe(purl)
  })

  it("keeps a hostile name on one line and in one word", () => {
    expect(purlOf("npm", "a\r\n::error::b\u202e\u0000 'x'", "1\n2")).toBe(
      "pkg:npm/a%0D%0A::error::b%E2%80%AE%00%20%27x%27@1%0A2",
    )
    expect(purlOf("npm", "\ud800")).toBe("pkg:npm/%EF%BF%BD")
  })
})

describe("parsePurl", () => {
  it("reads every part", () => {
    expect(parsePurl("pkg:NPM/%40scope/name@1.0.0?Arch=x64&empty=#src/main")).toEqual({
      ecosystem: "npm",
      name: "@scope/name",
      version: "1.0.0",
      qualifiers: new Map([["arch", "x64"]]),
      subpath: "src/main",
    })
  })

  it.each([
    ["pkg:npm/@scope/name", "@scope/name", ""],
    ["pkg:npm/@scope/name@2.0.0", "@scope/name", "2.0.0"],
    ["pkg://npm/name@2", "name", "2"],
    ["pkg:pypi/Foo.Bar@1.0", "foo-bar", "1.0"],
  ])("takes the spelling %s", (text, name, version) => {
    expect(parsePurl(text)).toMatchObject({ name, version })
  })

  it.each([
    "",
    "npm/a",
    "pkg:",
    "pkg:npm",
    "pkg:npm/",
    "pkg:/a",
    "pkg:1x/a",
    "pkg:npm/a@%zz",
    "pkg:npm/%",
    "pkg:npm/a?x",
  ])("refuses %j", (text) => {
    expect(parsePurl(text)).toBeUndefined()
  })

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parsePurl(`pkg:${text}`)))
  })
})

describe("against an independent implementation", () => {
  const word = fc.stringMatching(/^q[a-z0-9_-]{0,12}$/)
  const version = fc.stringMatching(/^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}([-+][0-9A-Za-z.+:-]{1,8})?$/)

  it.each(["npm", "cargo", "gem", "nuget"])("writes %s as it does", (ecosystem) => {
    fc.assert(
      fc.property(word, version, (name, release) => {
        const theirs = new PackageURL(ecosystem, undefined, name, release, undefined, undefined).toString()
        expect(purlOf(ecosystem, name, release)).toBe(theirs)
      }),
    )
  })

  it("writes npm scopes as it does, and is read by it as it was meant", () => {
    fc.assert(
      fc.property(word, word, version, (scope, name, release) => {
        const purl = purlOf("npm", `@${scope}/${name}`, release)
        expect(purl).toBe(new PackageURL("npm", `@${scope}`, name, release, undefined, undefined).toString())
        expect(PackageURL.fromString(purl)).toMatchObject({ namespace: `@${scope}`, name, version: release })
      }),
    )
  })

  it("reads back whatever it wrote", () => {
    const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) => !text.includes("/"))
    fc.assert(
      fc.property(segment, fc.string({ unit: "grapheme", maxLength: 20 }), (name, release) => {
        expect(parsePurl(purlOf("npm", name, release))).toMatchObject({ ecosystem: "npm", name, version: release })
      }),
    )
  })
})
