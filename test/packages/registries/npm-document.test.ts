import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { JsonError } from "../../../src/packages/registries/json-pick.ts"
import { reducePackument } from "../../../src/packages/registries/npm-document.ts"

const reduce = (packument: unknown, name = "left") => reducePackument(Buffer.from(JSON.stringify(packument)), name, 5)
const releaseOf = (manifest: object, more: object = {}) =>
  reduce({ name: "left", versions: { "1.0.0": manifest }, ...more })!.releases.get("1.0.0")!

describe("reducePackument", () => {
  it("keeps what decisions need", () => {
    const document = reduce({
      name: "left",
      readme: "x".repeat(100_000),
      "dist-tags": { latest: "1.0.0", __proto__: "2" },
      maintainers: [{ name: "ana", email: "ana@acme.example" }, "ben", { name: "evil\u202e" }],
      time: { created: "2020-01-01T00:00:00.000Z", "1.0.0": "2021-02-03T04:05:06.789Z" },
      versions: {
        "1.0.0": {
          license: "MIT",
          scripts: { postinstall: "node x", test: "y", preinstall: "z" },
          engines: { node: ">=20" },
          _npmUser: { name: "ana" },
          dependencies: { a: "^1" },
          dist: {
            integrity: "sha512-aGVsbG8=",
            shasum: "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
            attestations: { url: "https://registry.example/x", provenance: { predicateType: "p" } },
            signatures: [{ keyid: "k", sig: "s" }],
          },
        },
      },
    })!
    expect(document).toMatchObject({ ecosystem: "npm", name: "left", maintainers: ["ana", "ben"], fetchedAt: 5 })
    expect(document.tags.latest).toBe("1.0.0")
    expect(document.releases.get("1.0.0")).toEqual({
      version: "1.0.0",
      published: Date.UTC(2021, 1, 3, 4, 5, 6, 789),
      license: "MIT",
      installScripts: ["preinstall", "postinstall"],
      deprecated: false,
      integrity: ["sha512-aGVsbG8=", "sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00="],
      provenance: "attested",
      publisher: "ana",
      engine: ">=20",
    })
  })

  it.each<[string, object, string | undefined]>([
    ["a name", { license: "MIT" }, "MIT"],
    ["an expression", { license: "(MIT OR Apache-2.0)" }, "(MIT OR Apache-2.0)"],
    ["the old object", { license: { type: "BSD-3-Clause", url: "https://acme.example" } }, "BSD-3-Clause"],
    ["the old list", { licenses: [{ type: "MIT" }, { type: "GPL-2.0" }] }, "(MIT OR GPL-2.0)"],
    ["a list of one", { licenses: ["ISC"] }, "ISC"],
    ["none", {}, ""],
    ["an empty text", { license: "" }, ""],
    ["an empty list", { licenses: [] }, ""],
    ["null", { license: null }, ""],
    ["a number", { license: 7 }, undefined],
    ["an object without a name", { license: { file: "LICENSE" } }, undefined],
    ["a text with a line break", { license: "MIT\nX-Header: 1" }, undefined],
    ["a text without end", { license: "M".repeat(5000) }, undefined],
  ])("reads a licence: %s", (_, manifest, license) => {
    expect(releaseOf(manifest).license).toBe(license)
  })

  it.each<[string, object, string[]]>([
    ["no scripts", {}, []],
    ["scripts that no install runs", { scripts: { test: "x", prepare: "y" } }, []],
    ["an install script", { scripts: { install: "node-gyp rebuild" } }, ["install"]],
    ["binding.gyp", { gypfile: true }, ["install"]],
    ["hasInstallScript", { hasInstallScript: true }, ["install"]],
    ["scripts of another type", { scripts: ["postinstall"] }, []],
  ])("reads install scripts: %s", (_, manifest, scripts) => {
    expect(releaseOf(manifest).installScripts).toEqual(scripts)
  })

  it("reads deprecation, and an undone one", () => {
    expect(releaseOf({ deprecated: "use other" }).deprecated).toBe(true)
    expect(releaseOf({ deprecated: true }).deprecated).toBe(true)
    expect(releaseOf({ deprecated: "" }).deprecated).toBe(false)
    expect(releaseOf({ deprecated: false }).deprecated).toBe(false)
  })

  it("does not call a version current where a mirror left out all that a registry adds", () => {
    expect(releaseOf({ license: "MIT" })).not.toHaveProperty("deprecated")
    expect(releaseOf({ _npmVersion: "11.0.0" }).deprecated).toBe(false)
    expect(releaseOf({}, { _rev: "3-a" }).deprecated).toBe(false)
    expect(releaseOf({}, { maintainers: [] }).deprecated).toBe(false)
  })

  it("does not call a version unsigned where its registry states no provenance at all", () => {
    expect(releaseOf({ dist: {} })).not.toHaveProperty("provenance")
    const signed = { "2.0.0": { dist: { signatures: [{ keyid: "k", sig: "s" }] } }, "1.0.0": { dist: {} } }
    const releases = reduce({ name: "left", versions: signed })!.releases
    expect(releases.get("1.0.0")!.provenance).toBe("none")
    expect(releases.get("2.0.0")!.provenance).toBe("signed")
  })

  it("is not fooled by a document of another package, or of none", () => {
    expect(reduce({ name: "right", versions: {} })).toBeUndefined()
    expect(reduce([])).toBeUndefined()
    expect(reduce("left")).toBeUndefined()
    expect(reduce({ name: "left", versions: [], time: 5 })!.releases.size).toBe(0)
  })

  it("keeps requirements and signatures where they are asked for", () => {
    const manifest = {
      dependencies: { a: "^1", "b\n": 1 },
      optionalDependencies: { c: "2" },
      dist: { signatures: [{ keyid: "k", sig: "s" }, 5] },
    }
    const packument = Buffer.from(JSON.stringify({ name: "left", versions: { "1.0.0": manifest } }))
    const release = reducePackument(packument, "left", 5, { requires: true, signatures: true })!.releases.get("1.0.0")!
    expect({ ...release.requires }).toEqual({ a: "^1", c: "2" })
    expect(release.signatures).toEqual([{ key: "k", signature: "s" }])
  })

  it("throws nothing but JsonError on any packument", () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const manifest = fc.record(
      {
        license: value,
        licenses: value,
        scripts: value,
        dist: fc.oneof(value, fc.record({ integrity: value, signatures: value, attestations: value })),
        engines: value,
        _npmUser: value,
        deprecated: value,
        dependencies: value,
      },
      { requiredKeys: [] },
    )
    const packument = fc.record(
      {
        name: fc.constant("left"),
        versions: fc.oneof(value, fc.dictionary(fc.string(), fc.oneof(value, manifest))),
        time: fc.oneof(value, fc.dictionary(fc.string(), value)),
        "dist-tags": value,
        maintainers: value,
      },
      { requiredKeys: ["name"] },
    )
    fc.assert(
      fc.property(packument, (document) => {
        try {
          const bytes = Buffer.from(JSON.stringify(document))
          const reduced = reducePackument(bytes, "left", 5, { requires: true, signatures: true })!
          for (const release of reduced.releases.values()) expect(release.license ?? "").not.toMatch(/[\u0000-\u001f]/)
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError)
        }
      }),
    )
  })
})
