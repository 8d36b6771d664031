import { describe, expect, it } from "vitest"
import { parsePdmLock } from "../../../src/packages/lockfiles/pdm.ts"
import { ALONE, edgesOf, entryOf, failureOf, HEX, pinsOf, SRI, siblings } from "./python-helpers.ts"

const head = `[metadata]
groups = ["default", "db", "test"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
`
const entry = (name: string, version: string, groups: string[], more = "", hash = HEX) => `
[[package]]
name = "${name}"
version = "${version}"
groups = ${JSON.stringify(groups)}
${more}
files = [{file = "${name}.whl", hash = "sha256:${hash}"}]
`

describe("parsePdmLock", () => {
  it("reads groups and edges, and makes an entry with extras one with its package", async () => {
    const text = `${head}${entry("httpx", "0.28.1", ["default"], 'dependencies = ["idna", "h11<1,>=0.13; python_version > \\"3\\""]')}${entry(
      "httpx",
      "0.28.1",
      ["default"],
      'extras = ["http2"]\ndependencies = ["h2<5,>=3", "httpx==0.28.1"]',
      "cd".repeat(32),
    )}${entry("h2", "4.3.0", ["default"])}${entry("h11", "0.16.0", ["default"])}${entry("idna", "3.20", ["default", "test"])}${entry("pytest", "9.2.0", ["test"])}${entry("sqlalchemy", "2.1.9", ["db"])}`
    const pyproject = `[project]\nname = "app"\ndependencies = ["httpx[http2]>=0.28"]\n[project.optional-dependencies]\ndb = ["sqlalchemy"]\n[tool.pdm.dev-dependencies]\ntest = ["pytest>=9"]\n`
    const lockfile = await parsePdmLock(text, "pdm.lock", siblings({ "pyproject.toml": pyproject }))
    expect(pinsOf(lockfile)).toEqual([
      "httpx@0.28.1",
      "h2@4.3.0",
      "h11@0.16.0",
      "idna@3.20",
      "pytest@9.2.0",
      "sqlalchemy@2.1.9",
    ])
    expect(edgesOf(lockfile)).toEqual([
      "httpx@0.28.1 -> idna@3.20",
      "httpx@0.28.1 -> h11@0.16.0 <1,>=0.13",
      "httpx@0.28.1 -> h2@4.3.0 <5,>=3",
      ". -> httpx@0.28.1 >=0.28",
      ". -> sqlalchemy@2.1.9",
      ". -> pytest@9.2.0 >=9",
    ])
    expect(entryOf(lockfile, "httpx").integrity).toHaveLength(2)
    expect(lockfile.dependencies.filter((one) => one.dev).map((one) => one.name)).toEqual(["pytest"])
    expect(lockfile.lineOf("h11@0.16.0")).toBe(text.split("\n").indexOf('name = "h11"'))
  })

  it("reads hashes from one table, as before lock 4.4", async () => {
    const text = `[[package]]\nname = "a"\nversion = "1.0"\n[metadata]\nlock_version = "4.2"\n[metadata.files]\n"a 1.0" = [{url = "https://files.example/a.whl", hash = "sha256:${HEX}"}]\n`
    expect(entryOf(await parsePdmLock(text, "pdm.lock", ALONE), "a").integrity).toEqual([SRI])
  })

  it.each([
    [
      "git",
      'git = "https://git.example/a.git"\nref = "main"\nrevision = "abc"',
      { kind: "git", url: "https://git.example/a.git" },
    ],
    ["url", 'url = "https://files.example/a.whl"', { kind: "url", url: "https://files.example/a.whl" }],
    ["directory", 'path = "./libs/a"\neditable = true', { kind: "workspace", path: "libs/a" }],
    ["archive", 'path = "./a-1.0.tar.gz"', { kind: "file", path: "./a-1.0.tar.gz" }],
    ["index", "", { kind: "registry", origin: "default" }],
  ])("tells the source: %s", async (_what, more, expected) => {
    const lockfile = await parsePdmLock(`${head}${entry("a", "1.0", ["default"], more)}`, "pdm.lock", ALONE)
    expect(lockfile.dependencies[0]?.source).toEqual(expected)
  })

  it.each([
    ["an unknown lock version", head.replace("4.5.0", "9.0"), 1, /pdm\.lock of version "9\.0"/],
    [
      "a requirement that is none",
      `${head}${entry("a", "1.0", ["default"], 'dependencies = ["=="]')}`,
      6,
      /"==" is not a requirement/,
    ],
    ["a version that is none", `${head}${entry("a", "one", ["default"])}`, 6, /"one" is not a version/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parsePdmLock(text, "pdm.lock", ALONE))
    expect(failure).toMatchObject({ file: "pdm.lock", line })
    expect(failure.message).toMatch(message)
  })
})
