import { describe, expect, it } from "vitest"
import { parsePnpmKey } from "../../../src/packages/lockfiles/pnpmKeys.ts"
import { parse, SAMPLES, sha512 } from "./samples.ts"

const HASH = sha512("x")

/** A version 9 lockfile of one package that the project wants directly. */
function nine(key: string, resolution: string, more = "") {
  const [name, version] = [key.slice(0, key.indexOf("@", 1)), key.slice(key.indexOf("@", 1) + 1)]
  return `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      '${name}':
        specifier: '*'
        version: '${version}'
packages:
  '${key}':
    resolution: ${resolution}
${more}snapshots:
  '${key}': {}
`
}

describe("keys", () => {
  it.each([
    [5, "/a/1.0.0", { name: "a", version: "1.0.0" }],
    [5, "/@s/a/1.0.0-rc.1_react@18.0.0+b@1.0.0", { name: "@s/a", version: "1.0.0-rc.1" }],
    [5, "registry.example/@s/a/1.0.0", { name: "@s/a", version: "1.0.0", registry: "registry.example" }],
    [5, "registry.example/npm/a/1.0.0", { name: "a", version: "1.0.0", registry: "registry.example/npm" }],
    [5, "github.com/o/r/0123456789abcdef", {}],
    [6, "/a@1.0.0(react@18.0.0)(b@1.0.0(c@2.0.0))", { name: "a", version: "1.0.0" }],
    [6, "/@s/a@1.0.0", { name: "@s/a", version: "1.0.0" }],
    [6, "registry.example/a@1.0.0", { name: "a", version: "1.0.0", registry: "registry.example" }],
    [6, "file:libs/a(b@1.0.0)", {}],
    [9, "@s/a@1.0.0", { name: "@s/a", version: "1.0.0" }],
    [9, "a@file:libs/a", { name: "a" }],
    [9, "a@https://files.example/a.tgz", { name: "a" }],
  ] as const)("%i %s", (family, key, parts) => {
    expect(parsePnpmKey(key, family)).toEqual(parts)
  })
})

describe("sources", () => {
  it.each([
    ["a@1.0.0", `{integrity: ${HASH}}`, { kind: "registry", origin: "default" }],
    [
      "a@1.0.0",
      `{integrity: ${HASH}, tarball: https://registry.example/a/-/a-1.0.0.tgz}`,
      { kind: "registry", origin: "https://registry.example/" },
    ],
    [
      "a@1.0.0",
      `{integrity: ${HASH}, tarball: https://registry.example/evil/-/evil-1.0.0.tgz}`,
      { kind: "url", url: "https://registry.example/evil/-/evil-1.0.0.tgz" },
    ],
    ["a@1.0.0", `{integrity: ${HASH}, tarball: a/-/a-1.0.0.tgz}`, { kind: "registry", origin: "default" }],
    ["a@1.0.0", `{integrity: ${HASH}, tarball: evil/-/evil-1.0.0.tgz}`, { kind: "url", url: "evil/-/evil-1.0.0.tgz" }],
    [
      "a@https://files.example/a.tgz",
      "{tarball: https://files.example/a.tgz}",
      { kind: "url", url: "https://files.example/a.tgz" },
    ],
    ["a@file:a.tgz", `{integrity: ${HASH}, tarball: 'file:a.tgz'}`, { kind: "file", path: "a.tgz" }],
    ["a@file:libs/a", "{directory: libs/a, type: directory}", { kind: "file", path: "libs/a" }],
    [
      "a@https://codeload.github.com/o/a/tar.gz/abc",
      "{tarball: https://codeload.github.com/o/a/tar.gz/abc}",
      { kind: "git", url: "https://codeload.github.com/o/a/tar.gz/abc" },
    ],
    [
      "node@runtime:22.0.0",
      `{type: variations, variants: [{resolution: {archive: tarball, type: binary, url: https://files.example/node.tgz, integrity: ${HASH}}}]}`,
      { kind: "url", url: "https://files.example/node.tgz" },
    ],
  ])("%s %s", async (key, resolution, source) => {
    const { dependencies } = await parse("pnpm-lock.yaml", nine(key, resolution))
    expect(dependencies).toHaveLength(1)
    expect(dependencies[0]!.source).toEqual(source)
  })

  it("takes the registry in a key of version 6", async () => {
    const text = `lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: '*'\n    version: registry.example/npm/a@1.0.0\npackages:\n  registry.example/npm/a@1.0.0:\n    resolution: {integrity: ${HASH}}\n`
    const { dependencies } = await parse("pnpm-lock.yaml", text)
    expect(dependencies[0]).toMatchObject({
      name: "a",
      version: "1.0.0",
      direct: true,
      source: { kind: "registry", origin: "https://registry.example/npm/" },
    })
  })
})

describe("workspaces", () => {
  const text = `lockfileVersion: '9.0'
importers:
  .: {}
  packages/a:
    dependencies:
      b:
        specifier: workspace:*
        version: link:../b
      out:
        specifier: link:../../../out
        version: link:../../../out
  packages/b:
    devDependencies:
      x:
        specifier: ^1.0.0
        version: 1.2.0
packages:
  x@1.2.0:
    resolution: {integrity: ${HASH}}
snapshots:
  x@1.2.0: {}
`
  it("links importers to each other and keeps directories outside of the workspace as dependencies", async () => {
    const { roots, dependencies, edges } = await parse("pnpm-lock.yaml", text)
    expect(roots.map((root) => root.name)).toEqual([".", "packages/a", "packages/b"])
    expect(dependencies.map(({ name, source, dev }) => [name, source.kind, dev])).toEqual([
      ["x", "registry", true],
      ["out", "file", false],
    ])
    expect(edges.map(({ from, to, range }) => `${from} ${to} ${range}`)).toEqual([
      "importer:packages/a importer:packages/b workspace:*",
      "importer:packages/a link:../out link:../../../out",
      "importer:packages/b x@1.2.0 ^1.0.0",
    ])
  })
})

it("looks catalog ranges up", async () => {
  const [file, text] = SAMPLES["pnpm 9.0"]!
  const { edges } = await parse(file, text)
  expect(edges.find((edge) => edge.to === "d@3.0.1")?.range).toBe("~3.0.0")
})

it("reads the document that pnpm 11 and later keep for themselves, under keys of its own", async () => {
  const own = `---
lockfileVersion: '9.0'
importers:
  .:
    configDependencies:
      a:
        specifier: 1.0.0
        version: 1.0.0
    packageManagerDependencies:
      pnpm:
        specifier: 12.0.0
        version: 12.0.0
packages:
  a@1.0.0:
    resolution: {integrity: ${HASH}}
  pnpm@12.0.0:
    resolution: {integrity: ${HASH}}
snapshots:
  a@1.0.0: {}
  pnpm@12.0.0: {}
---
`
  const text = own + nine("a@1.0.0", `{integrity: ${HASH}}`)
  const lockfile = await parse("pnpm-lock.yaml", text)
  expect(lockfile.dependencies.map(({ key, dev, direct }) => [key, dev, direct, lockfile.lineOf(key)])).toEqual([
    ["pnpm:a@1.0.0", false, true, 14],
    ["pnpm:pnpm@12.0.0", false, true, 16],
    ["a@1.0.0", false, true, 30],
  ])
  expect(lockfile.roots.map((root) => root.name)).toEqual(["pnpm itself", "."])
  await expect(parse("pnpm-lock.yaml", `${text}---\n${nine("b@1.0.0", `{integrity: ${HASH}}`)}`)).rejects.toThrow(
    "several documents",
  )
})

describe("what does not hold together", () => {
  const good = nine("a@1.0.0", `{integrity: ${HASH}}`)
  it.each([
    ["a reference to nothing", good.replace("version: '1.0.0'", "version: '2.0.0'"), "which is not in the file"],
    ["a package without a snapshot", good.replace(/snapshots:[\s\S]*/, "snapshots: {}\n"), "has no snapshot"],
    ["a snapshot without a package", `${good}  b@1.0.0: {}\n`, "a snapshot of no package"],
    ["no resolution", good.replace(/resolution: .*/, "engines: {node: '1'}"), "where it comes from"],
    [
      "a resolution of an unknown type",
      good.replace(/resolution: .*/, "resolution: {type: torrent}"),
      "where it comes from",
    ],
    ["a tag", good.replace("resolution: {", "resolution: !!js/function {"), "a tag"],
  ])("%s is refused", async (_, text, message) => {
    await expect(parse("pnpm-lock.yaml", text)).rejects.toThrow(message)
  })
})

it.each(["<<", "'<<'", '"<<"', '"\\x3c<"'])("refuses the merge key %s, which pnpm merges", async (key) => {
  const variants = "[{resolution: {tarball: 'https://evil.example/x.tgz'}}]"
  const resolution = `{integrity: ${HASH}, ${key}: {type: variations, variants: ${variants}}}`
  await expect(parse("pnpm-lock.yaml", nine("a@1.0.0", resolution))).rejects.toThrow("a merge key")
})

describe("variants", () => {
  const release = `{resolution: {integrity: ${HASH}}}`
  const at = (host: string) => `{resolution: {integrity: ${HASH}, registry: 'https://${host}.registry.example/'}}`
  it.each<[string, object, number]>([
    [release, { kind: "registry", origin: "default" }, 1],
    [
      `${release}, {resolution: {integrity: ${HASH}, tarball: 'https://evil.example/x.tgz'}}`,
      { kind: "url", url: "https://evil.example/x.tgz" },
      1,
    ],
    [
      `${release}, {resolution: {type: directory, directory: x}}, {resolution: {tarball: 'https://evil.example/x.tgz'}}`,
      { kind: "url", url: "https://evil.example/x.tgz" },
      0,
    ],
    [`${release}, {resolution: {type: directory, directory: x}}`, { kind: "file", path: "x" }, 0],
    [`${release}, ${at("a")}, ${at("a")}`, { kind: "registry", origin: "https://a.registry.example/" }, 1],
    // What one registry is allowed for is not what the other one is.
    [`${at("a")}, ${release}, ${at("b")}`, { kind: "url", url: "https://b.registry.example/" }, 1],
    [`${at("b")}, ${at("a")}`, { kind: "url", url: "https://a.registry.example/" }, 1],
  ])("%s have the worst source and hashes only where all have one", async (variants, source, hashes) => {
    const text = nine("a@1.0.0", `{type: variations, variants: [${variants}]}`)
    const { dependencies } = await parse("pnpm-lock.yaml", text)
    expect(dependencies[0]).toMatchObject({ source })
    expect(dependencies[0]!.integrity).toHaveLength(hashes)
  })

  it("count only where the resolution is of their type, and each has to say where it comes from", async () => {
    const other = nine("a@1.0.0", `{tarball: 'https://evil.example/x.tgz', variants: [${release}]}`)
    expect((await parse("pnpm-lock.yaml", other)).dependencies[0]!.integrity).toEqual([])
    for (const variants of ["x", `[${release}, x]`, `[${release}, {resolution: x}]`, "[]"])
      await expect(
        parse("pnpm-lock.yaml", nine("a@1.0.0", `{type: variations, variants: ${variants}}`)),
      ).rejects.toThrow("where it comes from")
  })
})
