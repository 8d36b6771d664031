import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { golangProtocol as go } from "../../../../src/gateway/protocols/golang/index.ts"
import { directSumdb, parseSumdb, proxiedSumdb, readSumdbPath } from "../../../../src/gateway/protocols/golang/sumdb.ts"
import { ListingError } from "../../../../src/gateway/types.ts"
import { planWith } from "../plan.ts"

const base = "https://proxy.registry.example"
const name = "mod.example/Big/a"
const parse = (text: string) => go.parse(Buffer.from(text), name, "")
const listing = { kind: "listing", name, form: "" } as const

describe("a module's list of versions", () => {
  it("lies where go looks for it", () => {
    expect(go.source(name, base).url).toBe(`${base}/mod.example/!big/a/@v/list`)
  })

  it("names versions, in the upstream's order, and the latest by go's rule", () => {
    const document = parse("v1.10.0\nv1.9.0\nv1.11.0-rc.1\nv2.0.0+incompatible 2020-01-01T00:00:00Z\nv3.0.0\n")
    expect(go.versions(document)).toEqual(["v1.10.0", "v1.9.0", "v1.11.0-rc.1", "v2.0.0+incompatible"])
    expect(go.tags(document)).toEqual({ latest: "v2.0.0+incompatible" })
    expect(go.tags(parse("v1.0.0-a\nv1.0.0-b\n"))).toEqual({ latest: "v1.0.0-b" })
    expect(go.tags(parse("v9.0.0\nv1.0.0\n"))).toEqual({ latest: "v1.0.0" })
  })

  it("leaves out whatever is not served", () => {
    const document = parse("v1.0.0\nv1.1.0\nv1.2.0")
    const shown = go.render(document, listing, planWith({ "v1.1.0": "listed", "v1.2.0": "withheld" }))
    expect(shown).toEqual({ contentType: "text/plain; charset=utf-8", body: "v1.0.0\n" })
  })

  it("may be empty: nothing is tagged", () => {
    const document = parse("")
    expect(go.versions(document)).toEqual([])
    expect(go.tags(document)).toEqual({})
    expect(go.render(document, listing, planWith({})).body).toBe("")
  })

  it.each(["<html>", "v1.0.0\nnot found: x", "v1.0.0\u0000", "v1.0.0\u202e", `v1.0.0-${"a".repeat(200)}`])(
    "is not %j",
    (text) => {
      expect(() => parse(text)).toThrow(ListingError)
    },
  )

  it("never shows a version that is held back, nor anything that is no version", () => {
    const line = fc.oneof(
      fc.constantFrom("v1.0.0", "v1.1.0", "v0.1.0-x", ""),
      fc.stringMatching(/^v[0-9A-Za-z.+-]{0,10}$/),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        let document: ReturnType<typeof parse>
        try {
          document = parse(lines.join("\n"))
        } catch (error) {
          expect(error).toBeInstanceOf(ListingError)
          return
        }
        const shown = String(go.render(document, listing, planWith({ "v1.1.0": "withheld" })).body)
        expect(shown).toMatch(
          /^(?:v[01]\.[0-9.]+(?:-[0-9A-Za-z.-]+)?\n|v[0-9.]+(?:-[0-9A-Za-z.-]+)?\+incompatible\n)*$/,
        )
        expect(shown.split("\n")).not.toContain("v1.1.0")
      }),
      { numRuns: 1000 },
    )
  })
})

describe("a version's files", () => {
  it("are three, without a promised hash, and what holds no code is served in any case", () => {
    const root = `${base}/mod.example/!big/a/@v/v1.0.0-!r!c1`
    expect(go.files(parse(""), "v1.0.0-RC1", base)).toEqual([
      { file: "v1.0.0-RC1.info", url: `${root}.info`, integrity: [], contentType: "application/json", metadata: true },
      {
        file: "v1.0.0-RC1.mod",
        url: `${root}.mod`,
        integrity: [],
        contentType: "text/plain; charset=utf-8",
        metadata: true,
      },
      { file: "v1.0.0-RC1.zip", url: `${root}.zip`, integrity: [], contentType: "application/zip" },
    ])
    expect(go.releaseFile?.("v1.0.0-RC1")).toBe("v1.0.0-RC1.info")
  })

  it("are none of what is no version of the module", () => {
    for (const version of ["v2.0.0", "1.0.0", "latest", "v1", "../x"])
      expect(go.files(parse(""), version, base)).toEqual([])
  })
})

describe("a release that no list names", () => {
  const release = (version: string, form: string) => ({ kind: "release", name, version, form }) as const

  it("is the upstream's to make a version of", () => {
    expect(go.resolve?.(release("latest", "latest"), base).url).toBe(`${base}/mod.example/!big/a/@latest`)
    expect(go.resolve?.(release("Main", "revision"), base).url).toBe(`${base}/mod.example/!big/a/@v/!main.info`)
    const info = Buffer.from('{"Version":"v0.0.0-20191109021931-daa7c04131f5","Time":"2019-11-09T02:19:31Z"}')
    expect(go.resolved?.(info, name)).toBe("v0.0.0-20191109021931-daa7c04131f5")
  })

  it.each([
    "",
    "null",
    "[]",
    "{}",
    '{"Version":"master"}',
    '{"Version":"v2.0.0"}',
    '{"Version":5}',
    '{"Version":"v1.0.0',
  ])("is nothing by an answer of %j", (text) => {
    expect(() => go.resolved?.(Buffer.from(text), name)).toThrow(ListingError)
  })
})

describe("the checksum database", () => {
  it("is the one that GOSUMDB names", () => {
    expect(parseSumdb("sum.example.org")).toEqual({ name: "sum.example.org", url: "https://sum.example.org" })
    expect(parseSumdb("sum.example.org+033de0ae+Ac4z https://mirror.example/sumdb/")).toEqual({
      name: "sum.example.org",
      url: "https://mirror.example/sumdb",
      key: "sum.example.org+033de0ae+Ac4z",
    })
    for (const none of [
      undefined,
      "",
      "off",
      "a b c d",
      "sum.example.org file:///etc",
      "sum.example.org https://u:p@x.example",
    ]) {
      expect(parseSumdb(none)).toBeUndefined()
    }
  })

  it("answers at its own address, or through a proxy", () => {
    const database = parseSumdb("sum.example.org")!
    const lookup = readSumdbPath("sum.example.org/lookup/github.com/!azure/a@v1.0.0-!r!c1")!
    expect(lookup.module).toEqual({ name: "github.com/Azure/a", version: "v1.0.0-RC1" })
    expect(proxiedSumdb(lookup, base)).toBe(`${base}/sumdb/sum.example.org/lookup/github.com/!azure/a@v1.0.0-!r!c1`)
    expect(directSumdb(lookup, database)).toBe("https://sum.example.org/lookup/github.com/!azure/a@v1.0.0-!r!c1")
    expect(directSumdb(readSumdbPath("sum.example.org/supported")!, database)).toBeUndefined()
  })
})
