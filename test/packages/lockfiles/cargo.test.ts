import { describe, expect, it } from "vitest"
import { parseCargoLock } from "../../../src/packages/lockfiles/cargo.ts"
import {
  ALONE,
  CARGO_GIT_INDEX,
  CARGO_SPARSE_INDEX,
  edgesOf,
  entryOf,
  failureOf,
  HEX,
  SRI,
  siblings,
} from "./python-helpers.ts"

const crate = (name: string, version: string, dependencies: string[] = [], source = CARGO_GIT_INDEX) => `
[[package]]
name = "${name}"
version = "${version}"
source = "${source}"
checksum = "${HEX}"
dependencies = ${JSON.stringify(dependencies)}
`
const own = (name: string, dependencies: string[]) => `
[[package]]
name = "${name}"
version = "0.1.0"
dependencies = ${JSON.stringify(dependencies)}
`

const TEXT = `# made by Cargo
version = 4
${own("app", ["criterion", "lib", "rand 0.7.3", "rand 0.8.5"])}${own("lib", ["serde"])}${crate("criterion", "0.5.1", ["serde", "walkdir"])}${crate("rand", "0.7.3")}${crate("rand", "0.8.5", ["serde"])}${crate("serde", "1.0.200")}${crate("walkdir", "2.5.0")}`

const MANIFEST = `[package]
name = "app"
version = "0.1.0"
[workspace]
members = ["crates/lib"]
[workspace.dependencies]
serde = { version = "1", features = ["derive"] }
[dependencies]
rand_old = { package = "rand", version = "0.7" }
rand = "0.8"
lib = { path = "crates/lib" }
[dev-dependencies]
criterion = "0.5"
`
const MEMBER = `[package]\nname = "lib"\n[dependencies]\nserde = { workspace = true }\n`

describe("parseCargoLock", () => {
  it("reads a workspace, with ranges and development dependencies from its manifests", async () => {
    const files = siblings({ "Cargo.toml": MANIFEST, "crates/lib/Cargo.toml": MEMBER })
    const lockfile = await parseCargoLock(TEXT, "Cargo.lock", files)
    expect(lockfile.formatVersion).toBe("4")
    expect(lockfile.roots.map((root) => root.name)).toEqual(["app", "lib"])
    expect(edgesOf(lockfile)).toEqual([
      "app@0.1.0 -> criterion@0.5.1 0.5",
      "app@0.1.0 -> lib@0.1.0",
      "app@0.1.0 -> rand@0.7.3 0.7",
      "app@0.1.0 -> rand@0.8.5 0.8",
      "lib@0.1.0 -> serde@1.0.200 1",
      "criterion@0.5.1 -> serde@1.0.200",
      "criterion@0.5.1 -> walkdir@2.5.0",
      "rand@0.8.5 -> serde@1.0.200",
    ])
    expect(lockfile.dependencies.filter((one) => one.dev).map((one) => one.name)).toEqual(["criterion", "walkdir"])
    expect(lockfile.dependencies.filter((one) => !one.direct).map((one) => one.name)).toEqual(["walkdir"])
    expect(entryOf(lockfile, "serde")).toMatchObject({
      purl: "pkg:cargo/serde@1.0.200",
      integrity: [SRI],
      source: { kind: "registry", origin: "default" },
    })
    expect(TEXT.split("\n")[lockfile.lineOf("rand@0.8.5") + 1]).toBe('version = "0.8.5"')
    expect(lockfile.warnings).toEqual([])
  })

  it("reads tables that are spelled with an underscore", async () => {
    const text = `version = 4\n${own("app", ["rand", "serde"])}${crate("rand", "0.8.5")}${crate("serde", "1.0.200")}`
    const tables =
      '[build_dependencies]\nrand = "0.8"\n[dev-dependencies]\nrand = "0.8"\n[dev_dependencies]\nserde = "1"\n'
    const files = siblings({ "Cargo.toml": `[package]\nname = "app"\n${tables}` })
    const { dependencies } = await parseCargoLock(text, "Cargo.lock", files)
    expect(dependencies.map(({ name, dev }) => [name, dev])).toEqual([
      ["rand", false],
      ["serde", true],
    ])
  })

  it("says that it cannot tell development dependencies without the manifests", async () => {
    const lockfile = await parseCargoLock(TEXT, "Cargo.lock", siblings({ "Cargo.toml": MANIFEST }))
    expect(lockfile.dependencies.some((one) => one.dev)).toBe(false)
    expect(lockfile.warnings).toEqual([expect.stringMatching(/^development dependencies cannot be told apart/)])
  })

  it("marks nothing for development that no root leads to", async () => {
    const orphans = `version = 4\n${crate("a", "1.0.0", ["b"])}${crate("b", "1.0.0")}`
    const rootless = await parseCargoLock(orphans, "Cargo.lock", siblings({ "Cargo.toml": MANIFEST }))
    expect(rootless.dependencies.some((one) => one.dev)).toBe(false)
    expect(rootless.warnings).toHaveLength(1)
    const files = siblings({ "Cargo.toml": MANIFEST, "crates/lib/Cargo.toml": MEMBER })
    const beside = await parseCargoLock(`${TEXT}${crate("orphan", "1.0.0")}`, "Cargo.lock", files)
    expect(entryOf(beside, "orphan").dev).toBe(false)
  })

  it("names a broken manifest by its own place", async () => {
    const files = siblings({ "Cargo.toml": MANIFEST, "crates/lib/Cargo.toml": "[package]\nname = 1\n" })
    const failure = await failureOf(() => parseCargoLock(TEXT, "app/Cargo.lock", files))
    expect(failure).toMatchObject({ file: "app/crates/lib/Cargo.toml" })
  })

  it("reads versions 1 and 2: whole identities, and checksums in a table of their own", async () => {
    const second = TEXT.replace("version = 4\n", "")
    expect((await parseCargoLock(second, "Cargo.lock", ALONE)).formatVersion).toBe("2")
    const first = `[root]
name = "app"
version = "0.1.0"
dependencies = ["a 1.0.0 (${CARGO_GIT_INDEX})"]
[[package]]
name = "a"
version = "1.0.0"
source = "${CARGO_GIT_INDEX}"
[metadata]
"checksum a 1.0.0 (${CARGO_GIT_INDEX})" = "${HEX}"
`
    const lockfile = await parseCargoLock(first, "Cargo.lock", ALONE)
    expect(lockfile.formatVersion).toBe("1")
    expect(lockfile.dependencies[0]).toMatchObject({ key: "a@1.0.0", integrity: [SRI], direct: true })
  })

  it.each([
    ["the sparse index", CARGO_SPARSE_INDEX, { kind: "registry", origin: "default" }],
    [
      "another registry",
      "sparse+https://registry.example/index/",
      { kind: "registry", origin: "https://registry.example/index" },
    ],
    [
      "another git index",
      "registry+https://me:pw@registry.example/index",
      { kind: "registry", origin: "https://registry.example/index" },
    ],
    [
      "a copy of the default index",
      CARGO_GIT_INDEX.replace("rust-lang", "evil"),
      { kind: "registry", origin: CARGO_GIT_INDEX.replace("rust-lang", "evil").slice("registry+".length) },
    ],
    ["git", "git+https://git.example/a?branch=main#abc", { kind: "git", url: "https://git.example/a?branch=main#abc" }],
  ])("tells the source: %s", async (_what, source, expected) => {
    expect(
      (await parseCargoLock(`version = 3\n${crate("a", "1.0.0", [], source)}`, "Cargo.lock", ALONE)).dependencies[0]
        ?.source,
    ).toEqual(expected)
  })

  it("tells one version from two sources apart", async () => {
    const git = "git+https://git.example/a#abc"
    const both = `${own("app", [`a 1.0.0 (${git})`])}${crate("a", "1.0.0")}${crate("a", "1.0.0", [], git)}`
    const lockfile = await parseCargoLock(`version = 4\n${both}`, "Cargo.lock", ALONE)
    expect(lockfile.dependencies.map(({ key, direct }) => [key, direct])).toEqual([
      ["a@1.0.0", false],
      ["a@1.0.0#2", true],
    ])
  })

  it.each([
    ["an unknown version", "version = 5\n", 1, /version that nanoguard does not know/],
    ["a package twice", `version = 4\n${crate("a", "1.0.0")}${crate("a", "1.0.0")}`, 10, /stands twice/],
    ["a dependency that is not there", `version = 4\n${crate("a", "1.0.0", ["b"])}`, 3, /"a" depends on "b"/],
    [
      "a dependency that may be either of two",
      `version = 4\n${crate("a", "1.0.0", ["b"])}${crate("b", "1.0.0")}${crate("b", "2.0.0")}`,
      3,
      /exactly once/,
    ],
    ["a checksum that is none", `version = 4\n${crate("a", "1.0.0").replace(HEX, "zz")}`, 3, /"zz" is not a SHA-256/],
    [
      "a name with line breaks",
      'version = 4\n[[package]]\nname = "a\\nb"\nversion = "1.0.0"\n',
      2,
      /"a\\nb" is not a crate name/,
    ],
    ["a version that is none", 'version = 4\n[[package]]\nname = "a"\nversion = "1.0"\n', 2, /"1\.0" is not a version/],
    [
      "a source of unknown kind",
      'version = 4\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "ipfs+x"\n',
      2,
      /a source that nanoguard does not know/,
    ],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parseCargoLock(text, "app/Cargo.lock", ALONE))
    expect(failure).toMatchObject({ file: "app/Cargo.lock", line })
    expect(failure.message).toMatch(message)
  })
})
