import { describe, expect, it } from "vitest"
import { parsePoetryLock } from "../../../src/packages/lockfiles/poetry.ts"
import { ALONE, edgesOf, entryOf, failureOf, HEX, PYTHON_INDEX, SRI, siblings } from "./python-helpers.ts"

const files = `files = [{file = "x.whl", hash = "sha256:${HEX}"}]`
const locked = (body: string, version = "2.1") =>
  `${body}\n[metadata]\nlock-version = "${version}"\npython-versions = ">=3.9"\n`

const MODERN = locked(`# made by Poetry
[[package]]
name = "Flask"
version = "3.1.3"
optional = false
groups = ["main"]
${files}

[package.dependencies]
click = ">=8.1"
importlib_metadata = [{version = ">=3.6", markers = "python_version < \\"3.10\\""}, {version = ">=4", optional = true}]
asgiref = {version = ">=3.2", optional = true}

[[package]]
name = "click"
version = "8.2.0"
groups = ["main", "dev"]
${files}

[[package]]
name = "importlib-metadata"
version = "8.0"
optional = true
groups = ["main"]
${files}

[[package]]
name = "pytest"
version = "9.2.0"
groups = ["dev"]
files = []
`)

describe("parsePoetryLock", () => {
  it("reads groups, edges and, with the manifest, what is direct", async () => {
    const pyproject = `[project]
name = "app"
dependencies = ["flask >=3,<4"]
[tool.poetry.group.dev.dependencies]
pytest = "^9"
[tool.poetry.dependencies]
python = "^3.9"
`
    const lockfile = await parsePoetryLock(MODERN, "poetry.lock", siblings({ "pyproject.toml": pyproject }))
    expect(lockfile.roots).toEqual([{ key: ".", name: "app" }])
    expect(edgesOf(lockfile)).toEqual([
      "flask@3.1.3 -> click@8.2.0 >=8.1",
      "flask@3.1.3 -> importlib-metadata@8.0 >=3.6",
      ". -> flask@3.1.3 >=3,<4",
      ". -> pytest@9.2.0 ^9",
    ])
    expect(lockfile.dependencies.map(({ name, dev, optional, direct }) => [name, dev, optional, direct])).toEqual([
      ["flask", false, false, true],
      ["click", false, false, false],
      ["importlib-metadata", false, true, false],
      ["pytest", true, false, true],
    ])
    expect(entryOf(lockfile, "flask").integrity).toEqual([SRI])
    expect(entryOf(lockfile, "pytest").integrity).toEqual([])
    expect(lockfile.warnings).toEqual(["1 dependency link to packages that are not in the file were left out"])
    expect(MODERN.split("\n")[lockfile.lineOf("click@8.2.0")]).toBe('name = "click"')
  })

  it("takes for direct what nothing else wants, where there is no manifest", async () => {
    const lockfile = await parsePoetryLock(MODERN, "poetry.lock", ALONE)
    expect(lockfile.dependencies.filter((one) => one.direct).map((one) => one.name)).toEqual(["flask", "pytest"])
    expect(lockfile.roots).toEqual([{ key: ".", name: "." }])
  })

  it("reads lock 1.1: categories, and hashes in one table", async () => {
    const text = `[[package]]
name = "attrs"
version = "21.4.0"
category = "main"
optional = false
[[package]]
name = "Py_Test"
version = "6.0"
category = "dev"
optional = false
[metadata]
lock-version = "1.1"
[metadata.files]
attrs = [{file = "attrs-21.4.0.tar.gz", hash = "sha256:${HEX}"}, {file = "attrs-20.0.tar.gz", hash = "sha256:${"00".repeat(32)}"}]
Py_Test = []
`
    const lockfile = await parsePoetryLock(text, "poetry.lock", ALONE)
    expect(entryOf(lockfile, "attrs")).toMatchObject({ dev: false, integrity: [SRI] })
    expect(entryOf(lockfile, "py-test")).toMatchObject({ dev: true, integrity: [] })
  })

  it("gives a version of lock 1.x its own files, not those of one that begins like it", async () => {
    const file = (name: string, digit: number) => `{file = "${name}", hash = "sha256:${String(digit).repeat(64)}"}`
    const files = ["a-1.0.tar.gz", "a-1.0-py3-none-any.whl", "a-1.0.1.tar.gz", "a-1.0.post1.tar.gz"].map(file)
    const entry = (version: string) => `[[package]]\nname = "a"\nversion = "${version}"\n`
    const text = `${entry("1.0")}${entry("1.0.1")}[metadata]\nlock-version = "1.1"\n[metadata.files]\na = [${files.join()}]\n`
    const { dependencies } = await parsePoetryLock(text, "poetry.lock", ALONE)
    const hashes = (...digits: number[]) =>
      digits.map((digit) => `sha256-${Buffer.alloc(32, digit * 17).toString("base64")}`)
    expect(dependencies.map(({ version, integrity }) => [version, integrity])).toEqual([
      ["1.0", hashes(0, 1)],
      ["1.0.1", hashes(2)],
    ])
  })

  it("tells development from the manifest where the lock version (1.5 to 2.0) does not", async () => {
    const text = locked(
      `[[package]]\nname = "a"\nversion = "1"\n[package.dependencies]\nshared = "*"\n[[package]]\nname = "b"\nversion = "1"\n[package.dependencies]\nshared = "*"\nonly = "*"\n[[package]]\nname = "shared"\nversion = "1"\n[[package]]\nname = "only"\nversion = "1"\n`,
      "2.0",
    )
    const pyproject = `[tool.poetry]\nname = "app"\n[tool.poetry.dependencies]\na = "^1"\n[tool.poetry.group.test.dependencies]\nb = "^1"\n`
    const lockfile = await parsePoetryLock(text, "poetry.lock", siblings({ "pyproject.toml": pyproject }))
    expect(lockfile.dependencies.filter((one) => one.dev).map((one) => one.name)).toEqual(["b", "only"])
  })

  it.each([
    [
      "git",
      `type = "git"\nurl = "https://git.example/a.git"\nreference = "main"`,
      { kind: "git", url: "https://git.example/a.git" },
    ],
    ["url", `type = "url"\nurl = "https://files.example/a.whl"`, { kind: "url", url: "https://files.example/a.whl" }],
    ["file", `type = "file"\nurl = "vendor/a.whl"`, { kind: "file", path: "vendor/a.whl" }],
    ["directory", `type = "directory"\nurl = "libs/a"`, { kind: "workspace", path: "libs/a" }],
    ["directory outside", `type = "directory"\nurl = "../a"`, { kind: "file", path: "../a" }],
    [
      "named index",
      `type = "legacy"\nurl = "https://registry.example/simple"`,
      { kind: "registry", origin: "https://registry.example/simple" },
    ],
    ["the default index by name", `type = "legacy"\nurl = "${PYTHON_INDEX}/"`, { kind: "registry", origin: "default" }],
  ])("tells the source: %s", async (_what, source, expected) => {
    const text = locked(`[[package]]\nname = "a"\nversion = "1"\n[package.source]\n${source}\n`)
    expect((await parsePoetryLock(text, "poetry.lock", ALONE)).dependencies[0]?.source).toEqual(expected)
  })

  it.each([
    ["an unknown lock version", locked("", "3.0"), 1, /poetry\.lock of version "3\.0"/],
    ["no lock version", '[[package]]\nname = "a"\n', 1, /without a lock version/],
    [
      "an unknown kind of source",
      locked('\n[[package]]\nname = "a"\nversion = "1"\n[package.source]\ntype = "ipfs"\nurl = "x"\n'),
      2,
      /type "ipfs"/,
    ],
    [
      "a name with bidi characters",
      locked('[[package]]\nname = "a\u202eb"\nversion = "1"\n'),
      1,
      /"a\\u\{202e\}b" is not a package name/,
    ],
    ["an entry cut off", '[[package]]\nname = "a"\nversion = "1', 3, /not valid TOML/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parsePoetryLock(text, "poetry.lock", ALONE))
    expect(failure).toMatchObject({ file: "poetry.lock", line })
    expect(failure.message).toMatch(message)
  })

  it("names a broken manifest by its own place", async () => {
    const failure = await failureOf(() =>
      parsePoetryLock(MODERN, "app/poetry.lock", siblings({ "pyproject.toml": "[project]\nname = \n" })),
    )
    expect(failure).toMatchObject({ file: "app/pyproject.toml", line: 2 })
  })
})
