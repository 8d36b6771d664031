import { describe, expect, it } from "vitest"
import { parsePylock } from "../../../src/packages/lockfiles/pylock.ts"
import { ALONE, edgesOf, entryOf, failureOf, HEX, PYTHON_INDEX, SRI, siblings } from "./python-helpers.ts"

const TEXT = `lock-version = "1.0"
created-by = "test"
dependency-groups = ["dev", "docs"]
default-groups = ["docs"]

[[packages]]
name = "attrs"
version = "25.1.0"
index = "${PYTHON_INDEX}"
sdist = { url = "https://files.example/attrs.tar.gz", hashes = { sha256 = "${HEX}" } }
wheels = [{ url = "https://files.example/attrs.whl", hashes = { md5 = "${"0".repeat(32)}", sha512 = "${"cd".repeat(64)}" } }]

[[packages]]
name = "cattrs"
version = "24.1.2"
index = "https://registry.example/simple"
dependencies = [{ name = "attrs", version = "25.1.0" }]
wheels = [{ path = "cattrs.whl", hashes = { sha256 = "${HEX}" } }]

[[packages]]
name = "pytest"
version = "9.2.0"
marker = "'dev' in dependency_groups"
wheels = []

[[packages]]
name = "sphinx"
version = "8.0"
marker = "'dev' in dependency_groups or 'docs' in dependency_groups"

[[packages]]
name = "tool"
vcs = { type = "git", url = "https://git.example/tool.git", commit-id = "abc" }

[[packages]]
name = "lib"
directory = { path = "libs/lib", editable = true }

[[packages]]
name = "zipped"
archive = { url = "https://files.example/zipped.zip", hashes = { sha256 = "${HEX}" } }
`

describe("parsePylock", () => {
  it("reads every kind of package", async () => {
    const lockfile = await parsePylock(TEXT, "pylock.toml", ALONE)
    expect(lockfile.dependencies.map(({ name, source }) => [name, source])).toEqual([
      ["attrs", { kind: "registry", origin: "default" }],
      ["cattrs", { kind: "registry", origin: "https://registry.example/simple" }],
      ["pytest", { kind: "registry", origin: "default" }],
      ["sphinx", { kind: "registry", origin: "default" }],
      ["tool", { kind: "git", url: "https://git.example/tool.git" }],
      ["lib", { kind: "workspace", path: "libs/lib" }],
      ["zipped", { kind: "url", url: "https://files.example/zipped.zip" }],
    ])
    // Each file is held to the strongest of its hashes.
    expect(entryOf(lockfile, "attrs").integrity).toEqual([
      SRI,
      `sha512-${Buffer.from("cd".repeat(64), "hex").toString("base64")}`,
    ])
    expect(entryOf(lockfile, "zipped").integrity).toEqual([SRI])
    expect(lockfile.dependencies.filter((one) => one.dev).map((one) => one.name)).toEqual(["pytest"])
    expect(edgesOf(lockfile)).toContain("cattrs@24.1.2 -> attrs@25.1.0 ==25.1.0")
    expect(entryOf(lockfile, "attrs").direct).toBe(false)
    expect(lockfile.lineOf("tool")).toBe(TEXT.split("\n").indexOf('name = "tool"'))
  })

  it("takes what is direct from the manifest", async () => {
    const pyproject = '[project]\nname = "app"\ndependencies = ["attrs>=25"]\n'
    const lockfile = await parsePylock(TEXT, "pylock.toml", siblings({ "pyproject.toml": pyproject }))
    expect(lockfile.dependencies.filter((one) => one.direct).map((one) => one.name)).toEqual(["attrs"])
  })

  it.each([
    ["an unknown version", 'lock-version = "2.0"\n', 1, /of version "2\.0"/],
    ["no version", "", 1, /the file is empty/],
    ["an entry without a version", 'lock-version = "1.0"\n[[packages]]\nname = "a"\n', 2, /without "version"/],
    [
      "hashes that are no table",
      'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1"\nsdist = { hashes = "x" }\n',
      2,
      /"hashes" is not a table/,
    ],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parsePylock(text, "pylock.toml", ALONE))
    expect(failure).toMatchObject({ file: "pylock.toml", line })
    expect(failure.message).toMatch(message)
  })
})
