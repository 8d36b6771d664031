import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { npmProtocol } from "../../../../src/gateway/protocols/npm/index.ts"
import { ListingError } from "../../../../src/gateway/types.ts"
import { reducePackument } from "../../../../src/packages/registries/npm-document.ts"
import { manifestOf, packumentOf, parse, planOf, rendered } from "./packuments.ts"

const filesOf = (dist: Record<string, unknown>) => {
  const document = packumentOf("foo", [], { versions: { "1.0.0": { ...manifestOf("foo", "1.0.0"), dist } } })
  return npmProtocol.files(parse(document), "1.0.0", "https://registry.example")
}

describe("a packument", () => {
  it("has its versions in order, its tags, and one archive a version", () => {
    const document = parse(packumentOf("foo", ["1.0.0", "2.0.0", "1.5.0"]))
    expect(npmProtocol.versions(document)).toEqual(["1.0.0", "2.0.0", "1.5.0"])
    expect(npmProtocol.tags(document)).toEqual({ latest: "1.5.0" })
    expect(npmProtocol.files(document, "2.0.0", "")).toEqual([
      {
        file: "foo-2.0.0.tgz",
        url: "https://registry.example/foo/-/foo-2.0.0.tgz",
        integrity: [manifestOf("foo", "2.0.0").dist.integrity],
        contentType: "application/octet-stream",
      },
    ])
    expect(npmProtocol.files(document, "3.0.0", "")).toEqual([])
    expect(npmProtocol.files(document, "__proto__", "")).toEqual([])
  })

  it("is asked for where the registry has it", () => {
    expect(npmProtocol.source("@scope/name", "https://registry.example/npm").url).toBe(
      "https://registry.example/npm/@scope%2fname",
    )
  })

  it.each([
    [{ tarball: "../-/foo.tgz" }, "https://registry.example/-/foo.tgz"],
    [{ tarball: "/files/foo.tgz" }, "https://registry.example/files/foo.tgz"],
    [{ tarball: "https://cdn.example/a.tgz" }, "https://cdn.example/a.tgz"],
  ])("takes %j for %s", (dist, url) => expect(filesOf(dist)).toMatchObject([{ url, file: "foo-1.0.0.tgz" }]))

  it.each([
    "file:///etc/passwd",
    "data:,x",
    "https://user:pw@registry.example/x.tgz",
    "https://[::",
    7,
    "",
    null,
    "x".repeat(3000),
  ])("takes no archive from %j", (tarball) => expect(filesOf({ tarball })).toEqual([]))

  it.each([
    [{ integrity: "sha512-AAAA sha1-BBBB" }, ["sha512-AAAA", "sha1-BBBB"]],
    [{ integrity: "sha512-AAAA", shasum: "0".repeat(40) }, ["sha512-AAAA"]],
    [{ shasum: "00".repeat(20) }, ["sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="]],
    [{ integrity: "md4-AAAA", shasum: "00".repeat(20) }, ["sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="]],
    [{ integrity: {}, shasum: "xyz" }, []],
  ])("promises of %j: %j", (dist, integrity) => {
    expect(filesOf({ tarball: "https://registry.example/a.tgz", ...dist })).toMatchObject([{ integrity }])
  })
})

describe("a document that is none", () => {
  it.each([
    "",
    "[]",
    "null",
    "{}",
    '"foo"',
    "not json",
    '{"name":"bar","versions":{}}',
    '{"name":["foo"]}',
    '{"name":"foo","versions":{"1.0.0":{',
    `{"name":"foo","versions":${'{"a":'.repeat(200)}1${"}".repeat(200)}}`,
    `{"name":"foo","versions":{"1.0.0":{"x":${"[".repeat(100_000)}`,
    '{"name":"foo"}{"name":"foo"}',
  ])("%.40j", (text) => expect(() => parse(text)).toThrow(ListingError))

  it("has more versions than any package", () => {
    const versions = Array.from({ length: 50_001 }, (_, index) => `"1.0.${index}":{"dist":{"tarball":"x"}}`)
    expect(() => parse(`{"name":"foo","versions":{${versions.join(",")}}}`)).toThrow("more than 50000 versions")
  })
})

describe("hostile members", () => {
  it("are passed over, one by one", () => {
    const text = `{"name":"foo","__proto__":{"polluted":1},"constructor":7,"dist-tags":{"__proto__":"1.0.0","latest":"1.0.0",
      "sp ace":"1.0.0","bad":"not a version","list":[1],"constructor":"1.0.0"},
      "time":{"1.0.0":7,"created":"yesterday","__proto__":"2026-01-01T00:00:00.000Z"},
      "versions":{"__proto__":{"dist":{"tarball":"https://registry.example/x"}},"constructor":{},"1.0":{"dist":{"tarball":"x"}},
      "v1.0.0":{"dist":{"tarball":"x"}},"1.1.0":null,"1.2.0":[],"1.3.0":"text","1.4.0":{"dist":7},"1.5.0":{},
      "1.0.0":{"__proto__":{"polluted":1},"name":["bar"],"version":"9.9.9","scripts":7,"deprecated":{"a":1},"bin":"x",
      "dist":{"__proto__":{"tarball":"y"},"tarball":"https://registry.example/x","integrity":["sha512-AAAA"]}}}}`
    const document = parse(text)
    expect(npmProtocol.versions(document)).toEqual(["1.0.0"])
    const shown = rendered(document, planOf(document, "npm", []))
    expect(Object.keys(shown.document.versions)).toEqual(["1.0.0"])
    expect(shown.document.versions["1.0.0"]).toMatchObject({ name: "foo", version: "1.0.0" })
    expect(shown.document.versions["1.0.0"].deprecated).toBeUndefined()
    expect(shown.document["dist-tags"].latest).toBe("1.0.0")
    expect(shown.document["dist-tags"]["sp ace"]).toBeUndefined()
    expect(JSON.stringify(shown.document.time)).toBe("{}")
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined()
  })

  it("of a version that is stated twice: the last one counts, and no other address stays", () => {
    const one = '{"dist":{"tarball":"https://evil.example/a.tgz"},"dist":{"tarball":"https://registry.example/b.tgz"}}'
    const document = parse(
      `{"name":"foo","versions":{"1.0.0":{"dist":{"tarball":"https://evil.example/c.tgz"}},"1.0.0":${one}}}`,
    )
    expect(npmProtocol.files(document, "1.0.0", "")).toMatchObject([{ url: "https://registry.example/b.tgz" }])
    const { body } = npmProtocol.render(
      document,
      { kind: "listing", name: "foo", form: "full" },
      planOf(document, "npm", []),
    )
    expect(body.toString()).not.toContain("example/")
  })
})

describe("facts", () => {
  it("are those that the registry's reader finds in the same bytes", () => {
    const versions = fc.dictionary(
      fc.constantFrom("1.0.0", "1.0.1", "2.0.0-rc.1", "2.0.0", "not-a-version"),
      fc.record(
        {
          name: fc.constant("foo"),
          license: fc.oneof(fc.constantFrom("MIT", ""), fc.jsonValue()),
          scripts: fc.oneof(fc.constant({ install: "x" }), fc.jsonValue()),
          deprecated: fc.oneof(fc.constantFrom("", "old", true), fc.jsonValue()),
          _npmUser: fc.oneof(fc.constant({ name: "ana" }), fc.jsonValue()),
          engines: fc.oneof(fc.constant({ node: ">=18" }), fc.jsonValue()),
          dist: fc.oneof(
            fc.constantFrom(
              { tarball: "x", integrity: "sha512-AAAA", signatures: [{ keyid: "a", sig: "b" }] },
              { tarball: "x", shasum: "0".repeat(40), attestations: { url: "x", provenance: {} } },
            ),
            fc.jsonValue(),
          ),
        },
        { requiredKeys: [] },
      ),
    )
    const documents = fc.record(
      {
        versions,
        _rev: fc.constant("1-a"),
        maintainers: fc.oneof(fc.constant([{ name: "ana" }]), fc.jsonValue()),
        "dist-tags": fc.oneof(fc.constant({ latest: "1.0.0", odd: "x" }), fc.jsonValue()),
        time: fc.oneof(
          fc.constant({ "1.0.0": "2026-01-01T00:00:00.000Z", "1.0.1": "2026-01-01", "2.0.0": "soon" }),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(documents, (members) => {
        const body = Buffer.from(JSON.stringify({ name: "foo", ...members }))
        expect(npmProtocol.facts!(npmProtocol.parse(body, "foo", "https://registry.example/foo"), 5)).toEqual(
          reducePackument(body, "foo", 5),
        )
      }),
      { numRuns: 300 },
    )
  })
})
