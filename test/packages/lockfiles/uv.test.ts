import { describe, expect, it } from "vitest"
import { parseUvLock } from "../../../src/packages/lockfiles/uv.ts"
import { edgesOf, entryOf, failureOf, HEX, PYTHON_INDEX, pinsOf, SRI } from "./python-helpers.ts"

const FILES = "https://files.example/packages"

function uvPackage(name: string, version: string, more = ""): string {
  return `[[package]]
name = "${name}"
version = "${version}"
source = { registry = "${PYTHON_INDEX}" }
${more}
wheels = [
    { url = "${FILES}/${name}-${version}-py3-none-any.whl", hash = "sha256:${HEX}", size = 1 },
]
`
}

const WORKSPACE = `version = 1
revision = 3
requires-python = ">=3.9"

[manifest]
members = ["app", "lib"]

${uvPackage("anyio", "4.12.1", `resolution-markers = ["python_full_version < '3.10'"]`)}
${uvPackage("anyio", "4.16.0")}
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "anyio", version = "4.12.1", source = { registry = "${PYTHON_INDEX}" }, marker = "python_full_version < '3.10'" },
    { name = "lib" },
]

[package.optional-dependencies]
db = [{ name = "sqlalchemy" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]

[package.metadata]
requires-dist = [{ name = "anyio", specifier = ">=4" }, { name = "lib", editable = "lib" }]

[package.metadata.requires-dev]
dev = [{ name = "pytest", specifier = ">=8" }]

[[package]]
name = "lib"
version = "0.2.0"
source = { editable = "lib" }
dependencies = [{ name = "anyio", version = "4.16.0", source = { registry = "${PYTHON_INDEX}" } }]

${uvPackage("pluggy", "1.6.0")}
${uvPackage("pytest", "9.2.0", 'dependencies = [{ name = "pluggy" }]')}
${uvPackage("sqlalchemy", "2.0.58")}
`

describe("parseUvLock", () => {
  it("reads a workspace: members are roots, forks are entries, groups are for development", async () => {
    const lockfile = await parseUvLock(WORKSPACE, "uv.lock")
    expect(lockfile.formatVersion).toBe("1.3")
    expect(lockfile.roots).toEqual([
      { key: "app@0.1.0", name: "app" },
      { key: "lib@0.2.0", name: "lib" },
    ])
    expect(pinsOf(lockfile)).toEqual([
      "anyio@4.12.1",
      "anyio@4.16.0",
      "pluggy@1.6.0",
      "pytest@9.2.0",
      "sqlalchemy@2.0.58",
    ])
    expect(edgesOf(lockfile)).toEqual([
      "app@0.1.0 -> anyio@4.12.1 >=4",
      "app@0.1.0 -> lib@0.2.0",
      "app@0.1.0 -> sqlalchemy@2.0.58",
      "lib@0.2.0 -> anyio@4.16.0",
      "pytest@9.2.0 -> pluggy@1.6.0",
      "app@0.1.0 -> pytest@9.2.0 >=8",
    ])
    expect(lockfile.dependencies.filter((one) => one.dev).map((one) => one.name)).toEqual(["pluggy", "pytest"])
    expect(lockfile.dependencies.filter((one) => one.direct).map((one) => one.name)).toEqual([
      "anyio",
      "anyio",
      "pytest",
      "sqlalchemy",
    ])
    expect(entryOf(lockfile, "pluggy")).toEqual({
      purl: "pkg:pypi/pluggy@1.6.0",
      ecosystem: "pypi",
      name: "pluggy",
      version: "1.6.0",
      source: { kind: "registry", origin: "default" },
      integrity: [SRI],
      dev: true,
      optional: false,
      peer: false,
      direct: false,
      key: "pluggy@1.6.0",
    })
    const lines = WORKSPACE.split("\n")
    expect(lines[lockfile.lineOf("pytest@9.2.0")]).toBe('name = "pytest"')
    expect(lines[lockfile.lineOf("anyio@4.16.0") + 1]).toBe('version = "4.16.0"')
    expect(lockfile.warnings).toEqual([])
  })

  it.each([
    [
      "git",
      `{ git = "https://user:secret@git.example/a.git?rev=main#abc" }`,
      { kind: "git", url: "https://git.example/a.git?rev=main#abc" },
    ],
    ["url", `{ url = "https://files.example/a.whl" }`, { kind: "url", url: "https://files.example/a.whl" }],
    ["path", `{ path = "../a.whl" }`, { kind: "file", path: "../a.whl" }],
    ["directory inside the repository", `{ directory = "libs/a" }`, { kind: "workspace", path: "app/libs/a" }],
    ["editable beside it, still inside", `{ editable = "../a" }`, { kind: "workspace", path: "a" }],
    ["editable outside", `{ editable = "../../a" }`, { kind: "file", path: "../../a" }],
    ["absolute directory", `{ directory = "/opt/a" }`, { kind: "file", path: "/opt/a" }],
    [
      "other registry",
      `{ registry = "https://me:pw@registry.example/simple/" }`,
      { kind: "registry", origin: "https://registry.example/simple" },
    ],
    [
      "default registry without TLS",
      `{ registry = "${PYTHON_INDEX.replace("https:", "http:")}" }`,
      { kind: "registry", origin: PYTHON_INDEX.replace("https:", "http:") },
    ],
    ["registry in a directory", `{ registry = "wheels" }`, { kind: "file", path: "wheels" }],
  ])("tells the source: %s", async (_what, source, expected) => {
    const text = `version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = ${source}\n`
    expect((await parseUvLock(text, "app/uv.lock")).dependencies[0]?.source).toEqual(expected)
  })

  it("holds an entry without a hash where one of its files has none", async () => {
    const text = `version = 1
[[package]]
name = "a"
version = "1"
source = { registry = "https://registry.example/simple" }
sdist = { url = "https://registry.example/a-1.tar.gz" }
wheels = [{ url = "https://registry.example/a-1-py3-none-any.whl", hash = "sha256:${HEX}" }]
`
    expect((await parseUvLock(text, "uv.lock")).dependencies[0]?.integrity).toEqual([])
  })

  it("shows a file that lies on another host than those of the same index", async () => {
    const moved = uvPackage("idna", "3.20").replace(FILES, "https://evil.example")
    const lockfile = await parseUvLock(
      `version = 1\n${uvPackage("anyio", "4.0.0")}${uvPackage("attrs", "1.0.0")}${moved}`,
      "uv.lock",
    )
    expect(entryOf(lockfile, "idna").source).toEqual({
      kind: "url",
      url: "https://evil.example/idna-3.20-py3-none-any.whl",
    })
    expect(entryOf(lockfile, "anyio").source).toEqual({ kind: "registry", origin: "default" })
    expect(lockfile.warnings).toEqual(["1 package with files from another host than the others of the same index"])
  })

  it("takes neither of two hosts for the usual one where both have as many files", async () => {
    const moved = uvPackage("idna", "3.20").replace(FILES, "https://evil.example")
    const lockfile = await parseUvLock(`version = 1\n${uvPackage("anyio", "4.0.0")}${moved}`, "uv.lock")
    expect(lockfile.dependencies.map((one) => one.source.kind)).toEqual(["url", "url"])
  })

  it.each([
    ["an unknown version", 'version = 2\n[[package]]\nname = "a"\n', 1, /uv\.lock of "2"/],
    ["no version", '[[package]]\nname = "a"\n', 1, /uv\.lock of no version/],
    [
      "a name that is none",
      'version = 1\n\n[[package]]\nname = "a\\nb"\nversion = "1"\nsource = {}\n',
      3,
      /"a\\nb" is not a package name/,
    ],
    ["a version that is none", `version = 1\n${uvPackage("a", "1.0; rm")}`, 2, /"1\.0; rm" is not a version/],
    ["no source", 'version = 1\n[[package]]\nname = "a"\nversion = "1"\n', 2, /source/],
    [
      "a registry entry without a version",
      'version = 1\n[[package]]\nname = "a"\nsource = { registry = "https://registry.example/simple" }\n',
      2,
      /without "version"/,
    ],
    [
      "a dependency that is not there",
      `version = 1\n${uvPackage("a", "1.0", 'dependencies = [{ name = "b" }]')}`,
      2,
      /"a" depends on "b" as/,
    ],
    ["packages that are no tables", "version = 1\npackage = [1]\n", 1, /is not a table/],
    [
      "a wheel that is a text",
      'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://registry.example/" }\nwheels = ["x"]\n',
      2,
      /is not a table/,
    ],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parseUvLock(text, "app/uv.lock"))
    expect(failure).toMatchObject({ file: "app/uv.lock", line })
    expect(failure.message).toMatch(message)
  })
})
