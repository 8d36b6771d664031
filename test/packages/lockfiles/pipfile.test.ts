import { describe, expect, it } from "vitest"
import { parsePipfileLock } from "../../../src/packages/lockfiles/pipfile.ts"
import { ALONE, edgesOf, entryOf, failureOf, HEX, PYTHON_INDEX, SRI, siblings } from "./python-helpers.ts"

const lock = (sections: object, sources: object[] = [{ name: "main", url: PYTHON_INDEX, verify_ssl: true }]) =>
  JSON.stringify({ _meta: { hash: { sha256: HEX }, "pipfile-spec": 6, requires: {}, sources }, ...sections }, null, 4)

const pin = (version: string, more: object = {}) => ({ hashes: [`sha256:${HEX}`], version: `==${version}`, ...more })

describe("parsePipfileLock", () => {
  it("reads categories, indexes and hashes, and from the Pipfile what is direct", async () => {
    const text = lock(
      {
        default: {
          flask: pin("3.0.0", { index: "main" }),
          click: pin("8.1.7"),
          Private_Lib: pin("1.0", { index: "acme" }),
        },
        develop: {
          click: pin("8.1.7"),
          pytest: pin("8.0.0"),
          colorama: { ...pin("0.4.6"), markers: "sys_platform == 'win32'", hashes: [] },
        },
      },
      [
        { name: "main", url: PYTHON_INDEX },
        { name: "acme", url: "https://me:pw@registry.example/simple" },
      ],
    )
    const pipfile =
      '[[source]]\nurl = "x"\n[packages]\nflask = ">=2"\nprivate-lib = "*"\n[dev-packages]\npytest = {version = "*", extras = ["x"]}\n'
    const lockfile = await parsePipfileLock(text, "Pipfile.lock", siblings({ Pipfile: pipfile }))
    expect(lockfile.dependencies.map(({ name, version, dev, direct }) => [name, version, dev, direct])).toEqual([
      ["flask", "3.0.0", false, true],
      ["click", "8.1.7", false, false],
      ["private-lib", "1.0", false, true],
      ["pytest", "8.0.0", true, true],
      ["colorama", "0.4.6", true, false],
    ])
    expect(edgesOf(lockfile)).toEqual([". -> flask@3.0.0 >=2", ". -> private-lib@1.0", ". -> pytest@8.0.0"])
    expect(entryOf(lockfile, "private-lib").source).toEqual({
      kind: "registry",
      origin: "https://registry.example/simple",
    })
    expect(entryOf(lockfile, "flask")).toMatchObject({
      integrity: [SRI],
      source: { kind: "registry", origin: "default" },
    })
    expect(entryOf(lockfile, "colorama").integrity).toEqual([])
    const lines = text.split("\n")
    expect(lines[lockfile.lineOf("private-lib@1.0") - 1]).toContain('"Private_Lib"')
    expect(lines[lockfile.lineOf("pytest@8.0.0") - 1]).toContain('"pytest"')
  })

  it("keeps two versions of one package, and takes everything for direct without a Pipfile", async () => {
    const lockfile = await parsePipfileLock(
      lock({ default: { a: pin("1") }, develop: { a: pin("2") } }),
      "Pipfile.lock",
      ALONE,
    )
    expect(lockfile.dependencies.map(({ key, dev, direct }) => [key, dev, direct])).toEqual([
      ["a@1", false, true],
      ["a@2", true, true],
    ])
  })

  it.each([
    ["git", { git: "https://git.example/a.git", ref: "abc" }, { kind: "git", url: "https://git.example/a.git" }],
    ["url", { file: "https://files.example/a.zip" }, { kind: "url", url: "https://files.example/a.zip" }],
    ["file", { file: "vendor/a.whl" }, { kind: "file", path: "vendor/a.whl" }],
    ["directory", { path: "./libs/a", editable: true }, { kind: "workspace", path: "libs/a" }],
  ])("tells the source: %s", async (_what, entry, expected) => {
    const lockfile = await parsePipfileLock(lock({ default: { a: entry }, develop: {} }), "Pipfile.lock", ALONE)
    expect(lockfile.dependencies[0]).toMatchObject({ version: "", source: expected })
  })

  it.each([
    ["another specification", '{"_meta": {"pipfile-spec": 7}}', 1, /pipfile-spec 6/],
    [
      "a key twice",
      '{"_meta": {"pipfile-spec": 6},\n"default": {"a": {"version": "==1"},\n"a": {"version": "==2"}}}',
      3,
      /"a" stands twice/,
    ],
    [
      // Pipenv takes the first of them.
      "a source twice",
      '{"_meta": {"pipfile-spec": 6, "sources": [{"name": "x", "url": "https://a.example"}, {"name": "x", "url": "https://b.example"}]}}',
      1,
      /"x" stands twice/,
    ],
    [
      "an index that is no source",
      '{"_meta": {"pipfile-spec": 6},\n"default": {\n"a": {"version": "==1", "index": "x"}}}',
      3,
      /"x" is not one of the sources/,
    ],
    [
      "a name that is none",
      '{"_meta": {"pipfile-spec": 6},\n"default": {\n"a\\r\\nb": {"version": "==1"}}}',
      3,
      /is not a package name/,
    ],
    ["a file that is cut off", '{"_meta": {"pipfile-spec": 6},\n"default": {', 2, /cut off/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parsePipfileLock(text, "Pipfile.lock", ALONE))
    expect(failure).toMatchObject({ file: "Pipfile.lock", line })
    expect(failure.message).toMatch(message)
  })

  it("never takes an entry without an exact version for fine", async () => {
    const text = lock({
      default: { a: { version: ">=1", markers: "sys_platform == 'win32'" }, b: { version: "*" }, c: {} },
      develop: {},
    })
    const lockfile = await parsePipfileLock(text, "Pipfile.lock", ALONE)
    expect(lockfile.dependencies.map(({ key, version }) => [key, version])).toEqual([
      ["a", ""],
      ["b", ""],
      ["c", ""],
    ])
    expect(lockfile.warnings).toEqual(["3 entries without an exact version: which one is installed is not known"])
  })

  it("is not reached by __proto__", async () => {
    const text =
      '{"_meta": {"pipfile-spec": 6}, "__proto__": {"a": {"version": "==1"}}, "default": {"constructor": {"version": "==2"}}}'
    const lockfile = await parsePipfileLock(text, "Pipfile.lock", ALONE)
    expect(lockfile.dependencies.map((one) => one.key)).toEqual(["a@1", "constructor@2"])
  })
})
