import { describe, expect, it } from "vitest"
import { parseCycloneDx } from "../../../src/packages/lockfiles/cyclonedx.ts"
import { parseSpdx } from "../../../src/packages/lockfiles/spdx.ts"
import { edgesOf, failureOf, HEX, PYTHON_INDEX, SRI } from "./python-helpers.ts"

const cyclonedx = (more: object) =>
  JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1, ...more }, null, 1)

describe("parseCycloneDx", () => {
  it("reads components, nested ones too, and the graph across those without a purl", async () => {
    const text = cyclonedx({
      metadata: { component: { type: "application", name: "app", "bom-ref": "app" } },
      components: [
        {
          type: "library",
          name: "a",
          "bom-ref": "ref-a",
          purl: "pkg:npm/%40scope/a@1.0.0",
          hashes: [{ alg: "SHA-256", content: HEX }],
        },
        {
          type: "library",
          name: "bundle",
          "bom-ref": "bundle",
          components: [{ type: "library", name: "b", purl: "pkg:pypi/B_b@2.0" }],
        },
        { type: "library", name: "c", "bom-ref": "c", purl: "pkg:cargo/c@3.0.0", scope: "optional" },
        {
          type: "library",
          name: "d",
          purl: "pkg:golang/example.com/d@1.2.3",
          properties: [{ name: "cdx:npm:package:development", value: "true" }],
        },
        { type: "library", name: "e", purl: "pkg:maven/org.example/e@4.0" },
        { type: "library", name: "f", purl: "pkg:npm/f@latest" },
        { type: "library", name: "g", purl: "pkg:npm/%0Ag@1.0.0" },
      ],
      dependencies: [
        { ref: "app", dependsOn: ["ref-a", "bundle"] },
        { ref: "bundle", dependsOn: ["c"] },
        { ref: "ref-a", dependsOn: ["pkg:pypi/B_b@2.0", "bundle"] },
      ],
    })
    const lockfile = await parseCycloneDx(text, "bom.json")
    expect(lockfile.dependencies.map(({ purl, dev, optional, direct }) => [purl, dev, optional, direct])).toEqual([
      ["pkg:npm/%40scope/a@1.0.0", false, false, true],
      ["pkg:pypi/b-b@2.0", false, false, false],
      ["pkg:cargo/c@3.0.0", false, true, true],
      ["pkg:golang/example.com/d@v1.2.3", true, false, true],
      ["pkg:maven/org.example/e@4.0", false, false, true],
      ["pkg:npm/f", false, false, true],
    ])
    expect(edgesOf(lockfile).slice(0, 4)).toEqual([
      ". -> npm:@scope/a@1.0.0",
      ". -> cargo:c@3.0.0",
      "npm:@scope/a@1.0.0 -> pypi:b-b@2.0",
      "npm:@scope/a@1.0.0 -> cargo:c@3.0.0",
    ])
    expect(lockfile.dependencies[0]?.integrity).toEqual([SRI])
    expect(lockfile.roots).toEqual([{ key: ".", name: "app" }])
    expect(lockfile.warnings).toEqual([
      "2 components without a readable purl: not vetted",
      "1 component without an exact version",
    ])
    expect(text.split("\n")[lockfile.lineOf("pypi:b-b@2.0") - 1]).toContain("B_b")
  })

  it.each([
    ["nothing", "", { kind: "registry", origin: "default" }],
    [
      "another registry",
      "?repository_url=https://registry.example/simple",
      { kind: "registry", origin: "https://registry.example/simple" },
    ],
    [
      "a registry without a scheme",
      "?repository_url=registry.example",
      { kind: "registry", origin: "https://registry.example" },
    ],
    ["the default one", `?repository_url=${PYTHON_INDEX}`, { kind: "registry", origin: "default" }],
    ["a file", "?download_url=https://files.example/a.whl", { kind: "url", url: "https://files.example/a.whl" }],
    [
      "a repository",
      "?vcs_url=git%2Bhttps://me:pw@git.example/a.git",
      { kind: "git", url: "git+https://git.example/a.git" },
    ],
  ])("tells the source from the qualifiers: %s", async (_what, qualifiers, expected) => {
    const text = cyclonedx({ components: [{ name: "a", purl: `pkg:pypi/a@1.0${qualifiers}` }] })
    expect((await parseCycloneDx(text, "bom.json")).dependencies[0]?.source).toEqual(expected)
  })

  it.each([
    [
      "another version",
      '{"bomFormat": "CycloneDX", "specVersion": "2.0"}',
      1,
      /version "2\.0"; nanoguard reads 1\.2 to 1\.7/,
    ],
    ["another document", "{}", 1, /no CycloneDX BOM/],
    [
      "a reference twice",
      cyclonedx({
        components: [
          { "bom-ref": "x", purl: "pkg:npm/a@1.0.0" },
          { "bom-ref": "x", purl: "pkg:npm/b@1.0.0" },
        ],
      }),
      12,
      /"x" stands twice/,
    ],
    ["a component that is none", cyclonedx({ components: ["a"] }), 1, /is not a table/],
    ["a purl that is a number", cyclonedx({ components: [{ purl: 1 }] }), 1, /"purl" is not a text/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parseCycloneDx(text, "bom.json"))
    expect(failure).toMatchObject({ file: "bom.json", line })
    expect(failure.message).toMatch(message)
  })

  it("refuses components nested without end, and a graph without end", async () => {
    let component: object = { purl: "pkg:npm/a@1.0.0" }
    for (let level = 0; level < 60; level++) component = { components: [component] }
    expect((await failureOf(() => parseCycloneDx(cyclonedx({ components: [component] }), "bom.json"))).message).toMatch(
      /50 levels/,
    )
    const chain = Array.from({ length: 5000 }, (_, index) => ({ ref: `x${index}`, dependsOn: [`x${index + 1}`] }))
    const components = Array.from({ length: 5000 }, (_, index) => ({
      "bom-ref": `c${index}`,
      purl: `pkg:npm/c${index}@1.0.0`,
    }))
    const wants = components.map((one) => ({ ref: one["bom-ref"], dependsOn: ["x0"] }))
    const failure = await failureOf(() =>
      parseCycloneDx(cyclonedx({ components, dependencies: [...chain, ...wants] }), "bom.json"),
    )
    expect(failure.message).toMatch(/larger than any real one/)
  })
})

const spdx = (more: object, spdxVersion = "SPDX-2.3") =>
  JSON.stringify({ spdxVersion, SPDXID: "SPDXRef-DOCUMENT", name: "doc", ...more }, null, 1)
const packageOf = (id: string, purl?: string, more: object = {}) => ({
  name: id,
  SPDXID: `SPDXRef-${id}`,
  ...(purl !== undefined && {
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
  }),
  ...more,
})
const relation = (from: string, type: string, to: string) => ({
  spdxElementId: `SPDXRef-${from}`,
  relationshipType: type,
  relatedSpdxElement: `SPDXRef-${to}`,
})

describe("parseSpdx", () => {
  it("reads packages and relationships in both directions", async () => {
    const text = spdx({
      packages: [
        packageOf("app", "pkg:github/acme/app@main"),
        packageOf("a", "pkg:npm/a@1.0.0", { checksums: [{ algorithm: "SHA256", checksumValue: HEX }] }),
        packageOf("b", "pkg:pypi/b@2.0"),
        packageOf("c", "pkg:cargo/c@3.0.0"),
        packageOf("d"),
        packageOf("e", "pkg:npm/e@5.0.0"),
      ],
      relationships: [
        relation("DOCUMENT", "DESCRIBES", "app"),
        relation("app", "DEPENDS_ON", "a"),
        relation("b", "DEPENDENCY_OF", "a"),
        relation("c", "DEV_DEPENDENCY_OF", "app"),
        relation("a", "GENERATED_FROM", "e"),
      ],
    })
    const lockfile = await parseSpdx(text, "app.spdx.json")
    expect(lockfile.roots).toEqual([{ key: "SPDXRef-app", name: "app" }])
    expect(lockfile.dependencies.map(({ purl, dev, direct, integrity }) => [purl, dev, direct, integrity])).toEqual([
      ["pkg:npm/a@1.0.0", false, true, [SRI]],
      ["pkg:pypi/b@2.0", false, false, []],
      ["pkg:cargo/c@3.0.0", true, true, []],
      ["pkg:npm/e@5.0.0", false, true, []],
    ])
    expect(edgesOf(lockfile)).toEqual([
      "SPDXRef-app -> npm:a@1.0.0",
      "npm:a@1.0.0 -> pypi:b@2.0",
      "SPDXRef-app -> cargo:c@3.0.0",
      "SPDXRef-app -> npm:e@5.0.0",
    ])
    expect(lockfile.warnings).toEqual(["1 component without a readable purl: not vetted"])
    expect(text.split("\n")[lockfile.lineOf("cargo:c@3.0.0") - 1]).toContain("SPDXRef-c")
  })

  it("takes described packages without relationships for what they are: packages", async () => {
    const text = spdx({ documentDescribes: ["SPDXRef-a"], packages: [packageOf("a", "pkg:npm/a@1.0.0")] }, "SPDX-2.2")
    const lockfile = await parseSpdx(text, "x.spdx.json")
    expect(lockfile.dependencies.map(({ key, direct }) => [key, direct])).toEqual([["npm:a@1.0.0", true]])
  })

  it.each([
    ["SPDX 3", '{"@context": "https://spdx.example/3.0.1", "@graph": []}', /an SPDX 3 document; nanoguard reads/],
    ["another version", spdx({}, "SPDX-2.1"), /version "SPDX-2\.1"/],
    ["another document", "{}", /no SPDX document/],
    [
      "an id twice",
      spdx({ packages: [packageOf("a", "pkg:npm/a@1.0.0"), packageOf("a", "pkg:npm/b@1.0.0")] }),
      /"SPDXRef-a" stands twice/,
    ],
    ["a package without an id", spdx({ packages: [{ name: "a" }] }), /without "SPDXID"/],
  ])("refuses %s", async (_what, text, message) => {
    const failure = await failureOf(() => parseSpdx(text, "x.spdx.json"))
    expect(failure.file).toBe("x.spdx.json")
    expect(failure.message).toMatch(message)
  })
})
