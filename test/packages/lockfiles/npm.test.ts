import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pathsTo } from "../../../src/packages/graph.ts"
import type { Lockfile } from "../../../src/packages/types.ts"
import { parse, sha512 } from "./samples.ts"

const HASH = sha512("x")

function lock(packages: Record<string, unknown>, version = 3): Promise<Lockfile> {
  const text = JSON.stringify(
    { name: "app", lockfileVersion: version, packages: { "": { name: "app" }, ...packages } },
    null,
    2,
  )
  return parse("package-lock.json", text)
}

async function one(entry: Record<string, unknown>, key = "node_modules/a") {
  return (await lock({ [key]: { version: "1.0.0", ...entry } })).dependencies[0]!
}

describe("sources", () => {
  it.each([
    [undefined, { kind: "registry", origin: "default" }],
    ["https://registry.example/a/-/a-1.0.0.tgz", { kind: "registry", origin: "https://registry.example/" }],
    [
      "https://registry.example:8443/npm/local/a/-/a-1.0.0.tgz",
      { kind: "registry", origin: "https://registry.example:8443/npm/local/" },
    ],
    ["http://registry.example/a/-/a-1.0.0.tgz", { kind: "registry", origin: "http://registry.example/" }],
    ["https://user:secret@registry.example/a/-/a-1.0.0.tgz", { kind: "registry", origin: "https://registry.example/" }],
    [
      "https://registry.example/download/a/1.0.0/0123456789abcdef0123456789abcdef01234567",
      { kind: "registry", origin: "https://registry.example/" },
    ],
    // Lockfile poisoning: the address is not that of this package, or not only that.
    [
      "https://registry.example/evil/-/evil-1.0.0.tgz",
      { kind: "url", url: "https://registry.example/evil/-/evil-1.0.0.tgz" },
    ],
    ["https://registry.example/a/-/a-1.0.1.tgz", { kind: "url", url: "https://registry.example/a/-/a-1.0.1.tgz" }],
    ["https://registry.example/xa/-/a-1.0.0.tgz", { kind: "url", url: "https://registry.example/xa/-/a-1.0.0.tgz" }],
    [
      "https://registry.example/evil.tgz?x=/a/-/a-1.0.0.tgz",
      { kind: "url", url: "https://registry.example/evil.tgz?x=/a/-/a-1.0.0.tgz" },
    ],
    [
      "https://registry.example/evil.tgz#/a/-/a-1.0.0.tgz",
      { kind: "url", url: "https://registry.example/evil.tgz#/a/-/a-1.0.0.tgz" },
    ],
    [
      "https://registry.example/x/../a/-/a-1.0.0.tgz",
      { kind: "url", url: "https://registry.example/x/../a/-/a-1.0.0.tgz" },
    ],
    [
      "https://registry.example/%2e%2e/a/-/a-1.0.0.tgz",
      { kind: "url", url: "https://registry.example/%2e%2e/a/-/a-1.0.0.tgz" },
    ],
    ["https://registry.example\\@evil.example/a/-/a-1.0.0.tgz", expect.objectContaining({ kind: "url" })],
    ["javascript:/a/-/a-1.0.0.tgz", expect.objectContaining({ kind: "url" })],
    ["git+ssh://git@git.example/o/a.git#abc", { kind: "git", url: "git+ssh://git@git.example/o/a.git#abc" }],
    ["git+https://token@git.example/o/a.git#abc", { kind: "git", url: "git+https://git.example/o/a.git#abc" }],
    ["https://git.example/o/a.git#abc", { kind: "git", url: "https://git.example/o/a.git#abc" }],
    ["github:o/a#abc", { kind: "git", url: "github:o/a#abc" }],
    ["file:../a.tgz", { kind: "file", path: "../a.tgz" }],
    ["https://files.example/a.tgz", { kind: "url", url: "https://files.example/a.tgz" }],
  ])("%s", async (resolved, source) => {
    expect((await one(resolved === undefined ? {} : { resolved })).source).toEqual(source)
  })

  it.each([
    "https://registry.example/@s/a/-/a-1.0.0.tgz",
    "https://registry.example/@s%2fa/-/a-1.0.0.tgz",
    "https://registry.example/@s%2Fa/-/a-1.0.0.tgz",
    "https://registry.example/@s/a/-/@s/a-1.0.0.tgz",
    "https://registry.example/@s/a/-/a-1.0.0.tgz?token=x",
    "https://registry.example/download/@s/a/1.0.0/0123456789abcdef0123456789abcdef01234567",
  ])("a scope in %s", async (resolved) => {
    expect(await one({ resolved }, "node_modules/@s/a")).toMatchObject({
      name: "@s/a",
      purl: "pkg:npm/%40s/a@1.0.0",
      source: { kind: "registry", origin: "https://registry.example/" },
    })
  })

  it("goes by the real name under an alias", async () => {
    const resolved = "https://registry.example/real/-/real-1.0.0.tgz"
    expect(await one({ name: "real", resolved })).toMatchObject({
      name: "real",
      alias: "a",
      source: { kind: "registry" },
    })
    expect(await one({ resolved })).toMatchObject({ name: "a", source: { kind: "url" } })
  })
})

describe("hashes", () => {
  it.each([
    [HASH, [HASH]],
    [`sha1-0000000000000000000000000000000000000000000= ${HASH}`, [HASH]],
    [`${HASH}?opts  sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=`, [HASH, "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="]],
    ["", []],
  ])("%s", async (integrity, hashes) => {
    expect((await one({ integrity })).integrity).toEqual(hashes)
  })

  it.each(["sha512-short==", "md4-AAAA", "nonsense", 42, ["sha512-x"]])(
    "a malformed one counts as none and is said: %j",
    async (integrity) => {
      const lockfile = await lock({ "node_modules/a": { version: "1.0.0", integrity } })
      expect(lockfile.dependencies[0]!.integrity).toEqual([])
      expect(lockfile.warnings).toEqual(['1 entry with a malformed hash, which protects nothing: "node_modules/a"'])
    },
  )
})

it("reads flags and claims", async () => {
  expect(await one({ devOptional: true, peer: true })).toMatchObject({ dev: false, optional: true, peer: true })
  expect((await one({ hasInstallScript: true, deprecated: "use b", license: "MIT" })).claims).toEqual({
    installScripts: true,
    deprecated: true,
    license: "MIT",
  })
})

describe("workspaces and local directories", () => {
  const packages = {
    "": { name: "app", workspaces: ["packages/*"], dependencies: { local: "file:libs/local" } },
    "packages/w": { name: "@app/w", version: "2.0.0", dependencies: { a: "^1.0.0", b: "1" } },
    "packages/w/node_modules/b": { version: "1.9.0" },
    "libs/local": { version: "0.1.0", dependencies: { b: "2" } },
    "node_modules/@app/w": { resolved: "packages/w", link: true },
    "node_modules/local": { resolved: "libs/local", link: true },
    "node_modules/outside": { resolved: "../outside", link: true },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/b": { version: "2.0.0" },
  }

  it("makes workspaces roots and other directories file dependencies", async () => {
    const lockfile = await lock(packages)
    expect(lockfile.roots).toEqual([
      { key: "", name: "app" },
      { key: "packages/w", name: "@app/w" },
    ])
    const shown = lockfile.dependencies.map(({ key, name, source, direct }) => [key, name, source.kind, direct])
    expect(shown).toEqual([
      ["packages/w/node_modules/b", "b", "registry", true],
      ["libs/local", "local", "file", true],
      ["node_modules/a", "a", "registry", true],
      ["node_modules/b", "b", "registry", false],
      ["node_modules/outside", "outside", "file", false],
    ])
  })

  it("finds what each of them means by a name, as Node does", async () => {
    const lockfile = await lock(packages)
    expect(lockfile.edges).toEqual([
      { from: "", to: "libs/local", range: "file:libs/local" },
      { from: "packages/w", to: "node_modules/a", range: "^1.0.0" },
      { from: "packages/w", to: "packages/w/node_modules/b", range: "1" },
      { from: "libs/local", to: "node_modules/b", range: "2" },
    ])
    expect(pathsTo(lockfile, "node_modules/b", 2).paths).toEqual([["", "libs/local", "node_modules/b"]])
  })

  it("does not take a directory for a workspace where there are none", async () => {
    const lockfile = await lock({ ...packages, "": { name: "app" } })
    expect(lockfile.roots).toEqual([{ key: "", name: "app" }])
    expect(lockfile.dependencies.find((item) => item.key === "packages/w")?.source).toEqual({
      kind: "file",
      path: "packages/w",
    })
  })
})

describe("bundled packages", () => {
  const inner = { version: "1.0.0", inBundle: true }
  it("are those that a package above says it bundles", async () => {
    const lockfile = await lock({
      "node_modules/a": { version: "1.0.0", bundleDependencies: ["b"] },
      "node_modules/a/node_modules/b": inner,
      "node_modules/c": { version: "1.0.0" },
      "node_modules/c/node_modules/b": inner,
      "node_modules/d": inner,
    })
    expect(lockfile.dependencies.filter((item) => item.bundled).map((item) => item.key)).toEqual([
      "node_modules/a/node_modules/b",
    ])
  })
})

describe("version 1", () => {
  it("resolves requires through nested dependencies, and takes package.json's word for what is direct", async () => {
    const text = JSON.stringify({
      name: "app",
      lockfileVersion: 1,
      dependencies: {
        a: {
          version: "1.0.0",
          requires: { b: "^1.0.0", c: "*" },
          dependencies: { b: { version: "1.1.0", requires: { c: "*" } } },
        },
        b: { version: "2.0.0" },
        c: { version: "3.0.0", bundled: true },
        t: { version: "https://files.example/t.tgz" },
        f: { version: "file:../f" },
      },
    })
    const lockfile = await parse("package-lock.json", text, {
      "package.json": '{"name":"own","dependencies":{"a":"1"},"devDependencies":{"b":"2"}}',
    })
    expect(lockfile.formatVersion).toBe("1")
    expect(lockfile.roots).toEqual([{ key: "", name: "own" }])
    expect(lockfile.edges).toEqual([
      { from: "", to: "node_modules/a", range: "1" },
      { from: "", to: "node_modules/b", range: "2" },
      { from: "node_modules/a", to: "node_modules/a/node_modules/b", range: "^1.0.0" },
      { from: "node_modules/a", to: "node_modules/c", range: "*" },
      { from: "node_modules/a/node_modules/b", to: "node_modules/c", range: "*" },
    ])
    expect(lockfile.dependencies.filter((item) => item.direct).map((item) => item.key)).toEqual([
      "node_modules/a",
      "node_modules/b",
    ])
    expect(lockfile.dependencies.map((item) => item.source.kind)).toEqual([
      "registry",
      "registry",
      "registry",
      "registry",
      "url",
      "file",
    ])
  })

  it("takes what nobody wants for direct where there is no package.json", async () => {
    const text = JSON.stringify({
      lockfileVersion: 1,
      dependencies: { a: { version: "1.0.0", requires: { b: "*" } }, b: { version: "1.0.0" } },
    })
    const lockfile = await parse("npm-shrinkwrap.json", text)
    expect(lockfile.format).toBe("npm-shrinkwrap.json")
    expect(lockfile.dependencies.filter((item) => item.direct).map((item) => item.name)).toEqual(["a"])
  })
})

it("says where the half of a version 2 file that npm 6 reads has other addresses", async () => {
  const text = JSON.stringify({
    lockfileVersion: 2,
    packages: { "": {}, "node_modules/a": { version: "1.0.0", resolved: "https://registry.example/a/-/a-1.0.0.tgz" } },
    dependencies: { a: { version: "1.0.0", resolved: "https://evil.example/a/-/a-1.0.0.tgz" } },
  })
  const { warnings } = await parse("package-lock.json", text)
  expect(warnings).toEqual([
    '1 entry only in the part for npm 6 and older ("dependencies"), which were not vetted: "https://evil.example/a/-/a-1.0.0.tgz"',
  ])
})

describe("lines", () => {
  it("cannot be led astray by text inside of strings or by the same key elsewhere", async () => {
    const key = "node_modules/a"
    const text = `{
  "lockfileVersion": 3,
  "description": "\\"${key}\\": {",
  "other": { "${key}": {} },
  "packages": {
    "": { "dependencies": { "${key}": "1" } },
    "node_modules/b": { "version": "1.0.0", "packages": { "${key}": {} } },
    "node_modules\\/a": { "version": "1.0.0" }
  }
}`
    expect((await parse("package-lock.json", text)).lineOf(key)).toBe(8)
  })

  it.each(["node_modules\\/a", "\\u006eode_modules/a"])(
    "knows an entry that is spelt %s from its plain double",
    async (spelling) => {
      const text = `{
  "lockfileVersion": 3,
  "other": { "node_modules/a": {} },
  "packages": {
    "": {},
    "${spelling}": { "version": "1.0.0" }
  }
}`
      expect((await parse("package-lock.json", text)).lineOf("node_modules/a")).toBe(6)
    },
  )
})

describe("what is not a lockfile", () => {
  const LONG = "1".repeat(2000)
  it.each([
    [{ "node_modules/a": 1 }, "an entry has to be an object", 8],
    [{ "node_modules/a": { version: 1 } }, '"version" has to be a text', 8],
    [{ "node_modules/a": { version: "1.0.0", resolved: {} } }, '"resolved" has to be an address', 8],
    [{ "node_modules/a": { link: true } }, "where it leads", 8],
    [{ "node_modules/": { version: "1.0.0" } }, "has no name", 8],
    [{ "node_modules/a": { version: LONG } }, "2000 characters", 8],
  ])("%#", async (packages, message, line) => {
    const error = (await lock(packages).catch((caught: unknown) => caught)) as { message: string; where: object }
    expect(error.message).toContain(message)
    expect(error.where).toEqual({ file: "package-lock.json", line })
  })
})

it("keeps every entry, whatever its name", async () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
    fc.constantFrom("__proto__", "constructor", "toString", "a\r\nb", "\u202egpj", "@s/a", "a:b", '"'),
  )
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 12 }), async (names) => {
      const usable = names.filter((item) => /^(@[^@/\\]+\/)?[^@/\\]+$/.test(item) && !/^\.{1,2}$/.test(item))
      const packages = JSON.stringify(
        Object.fromEntries(usable.map((item) => [`node_modules/${item}`, { version: "1.0.0" }])),
      )
      const lockfile = await parse("package-lock.json", `{"lockfileVersion":3,"packages":${packages}}`)
      expect(lockfile.dependencies.map((item) => item.name).sort()).toEqual(usable.sort())
      expect(lockfile.edges).toEqual([])
    }),
  )
})

it("says which packages bring a tree of their own, and takes none for a registry's where nothing of it is in the file", async () => {
  const entry = { version: "1.0.0", integrity: HASH, hasShrinkwrap: true }
  const below = { "node_modules/b": entry, "node_modules/b/node_modules/c": { version: "1.0.0", integrity: HASH } }
  const { dependencies, warnings } = await lock({ "node_modules/a": entry, ...below })
  expect(dependencies.map(({ name, source }) => [name, source.kind])).toEqual([
    ["a", "url"],
    ["b", "registry"],
    ["c", "registry"],
  ])
  expect(warnings).toEqual([expect.stringContaining("2 entries with a shrinkwrap in the archive")])
})
