import { parseSyml } from "@yarnpkg/parsers"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readClassicText } from "../../../src/packages/lockfiles/yarnClassicText.ts"
import { parse, SAMPLES, sha512 } from "./samples.ts"

const HASH = sha512("x")

describe("yarn 1", () => {
  const head = "# yarn lockfile v1\n\n\n"
  const one = async (pattern: string, resolved?: string, more = "") => {
    const text = `${head}"${pattern}":\n  version "1.0.0"\n${resolved === undefined ? "" : `  resolved "${resolved}"\n`}${more}`
    return (await parse("yarn.lock", text)).dependencies[0]!
  }

  it.each([
    [
      "a@^1.0.0",
      "https://registry.example/a/-/a-1.0.0.tgz#0000000000000000000000000000000000000001",
      { kind: "registry", origin: "https://registry.example/" },
    ],
    [
      "a@^1.0.0",
      "https://registry.example/evil/-/evil-1.0.0.tgz#0000000000000000000000000000000000000001",
      expect.objectContaining({ kind: "url" }),
    ],
    [
      "a@o/a",
      "https://codeload.github.com/o/a/tar.gz/0000000000000000000000000000000000000001",
      expect.objectContaining({ kind: "git" }),
    ],
    [
      "a@git+https://git.example/o/a.git",
      "git+https://git.example/o/a.git#0000000000000000000000000000000000000001",
      expect.objectContaining({ kind: "git" }),
    ],
    ["a@file:libs/a", undefined, { kind: "file", path: "libs/a" }],
    ["a@file:a.tgz", "file:a.tgz#0000000000000000000000000000000000000001", { kind: "file", path: "a.tgz" }],
    ["a@^1.0.0", "a-1.0.0.tgz#0000000000000000000000000000000000000001", { kind: "file", path: "a-1.0.0.tgz" }],
  ])("%s from %s", async (pattern, resolved, source) => {
    expect((await one(pattern, resolved)).source).toEqual(source)
  })

  it("takes the hash in the address where there is no other, but not a commit", async () => {
    const tail = "#00000000000000000000000000000000000000ff"
    expect((await one("a@1", `https://registry.example/a/-/a-1.0.0.tgz${tail}`)).integrity).toEqual([
      "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAP8=",
    ])
    expect(
      (await one("a@1", `https://registry.example/a/-/a-1.0.0.tgz${tail}`, `  integrity ${HASH}\n`)).integrity,
    ).toEqual([HASH])
    expect((await one("a@1", `git+https://git.example/o/a.git${tail}`)).integrity).toEqual([])
  })

  it("joins an alias and the package itself in one entry", async () => {
    const text = `${head}"alias@npm:real@^1.0.0", real@^1.0.0:\n  version "1.0.0"\n`
    expect((await parse("yarn.lock", text)).dependencies[0]).toMatchObject({ name: "real", alias: "alias" })
    await expect(parse("yarn.lock", `${head}a@1, b@1:\n  version "1.0.0"\n`)).rejects.toThrow("several names")
  })

  it("follows package.json's resolutions, and takes what nobody wants for a workspace's", async () => {
    const text = `${head}a@1:\n  version "1.0.0"\n  dependencies:\n    b "^1.0.0"\n\nb@2.0.0:\n  version "2.0.0"\n\nw@1:\n  version "1.0.0"\n`
    const manifest = { name: "app", workspaces: ["x/*"], devDependencies: { a: "1" }, resolutions: { b: "2.0.0" } }
    const { dependencies, edges } = await parse("yarn.lock", text, { "package.json": JSON.stringify(manifest) })
    expect(edges).toContainEqual({ from: "a@1", to: "b@2.0.0", range: "^1.0.0", kind: "prod" })
    expect(dependencies.map(({ name, direct, dev }) => [name, direct, dev])).toEqual([
      ["a", true, true],
      ["b", true, false],
      ["w", true, false],
    ])
  })

  it("says what cannot be told without package.json", async () => {
    const { warnings } = await parse("yarn.lock", SAMPLES["yarn 1"]![1])
    expect(warnings).toEqual(["there is no package.json beside it: what is for development only cannot be told"])
  })

  it.each([
    ["a@1:\n  version", 5],
    ["a@1:\n  version 1 2", 5],
    ["a@1:\n    version 1", 5],
    ["a@1", 4],
    ["  version 1", 4],
    ['"a@1:\n  version 1', 4],
    ['"a\\x@1":\n  version 1', 4],
    ["a@1:\n  dependencies:\n    b 1\n    b 2", 7],
    ["a@1:\n  integrity x", 4],
    // What yarn reads and does not write.
    ['a@1:\n  version "1"\n  integrity x\n  integrity: ""', 7],
    ['a@1:\n  version "1"\n  x:1integrity ""', 6],
    ['a@1:\n  version "1"\n  x:"1"integrity ""', 6],
    ['a@1:\n  version "1"\n  integrity, ""', 6],
    ['a@1:\n  version "1"\n  integrity x\n  integrity:', 7],
    ['a@1:\n  version "1"\n  integrity:\n    x y\n  integrity x', 8],
    ['a@1:\n  version "1"\n\n\n  integrity x', 8],
    ['a@1:\n  version "1"\n# x\n  integrity x', 7],
    ['a@1:\n  version "1"\n    \n  integrity x', 6],
    ['a@1:\n  version "1"\n\r\rintegrity x', 6],
    ['a@1:\n  version "1"\n\t\tintegrity x', 6],
    ['a@1:\n  resolved:\n    !!str "x"', 6],
    ["a@1:\n  x:\n    'x y", 6],
    ["a@1:\n  1 x", 5],
    ["a@1 b@1:\n  version 1", 4],
    ["a@npm:b@1:\n  version 1", 4],
  ])("names the line of %j", async (text, line) => {
    await expect(parse("yarn.lock", head + text)).rejects.toMatchObject({ where: { file: "yarn.lock", line } })
  })

  it("reads texts as yarn's own parser does", () => {
    const word = fc.oneof(
      fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/),
      fc.constantFrom("a b", "x:y", "true", "^1.0.0 || >2", "é\u202e"),
    )
    const quoted = (text: string) =>
      /^[a-z][a-z0-9.-]*$/.test(text) && !/^(true|false)/.test(text) ? text : JSON.stringify(text)
    const entry = fc.record({
      name: word,
      version: word,
      wants: fc.uniqueArray(fc.tuple(word, word), { selector: ([name]) => name, maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 5 }), (entries) => {
        const text = entries
          .map(({ name, version, wants }) => {
            const block =
              wants.length === 0
                ? ""
                : `\n  dependencies:${wants.map(([to, range]) => `\n    ${quoted(to)} ${quoted(range)}`).join("")}`
            return `${quoted(name)}:\n  version ${JSON.stringify(version)}${block}\n`
          })
          .join("\n")
        const theirs = parseSyml(`# yarn lockfile v1\n\n${text}`)
        const ours = readClassicText(`# yarn lockfile v1\n\n${text}`, "yarn.lock")
        expect(
          ours.map((item) => [
            item.patterns[0],
            item.fields.get("version"),
            Object.fromEntries(item.blocks.get("dependencies") ?? []),
          ]),
        ).toEqual(Object.entries(theirs).map(([name, item]) => [name, item.version, item.dependencies ?? {}]))
      }),
    )
  })
})

describe("berry", () => {
  const lock = (...entries: string[]) =>
    `__metadata:\n  version: 8\n\n"app@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "app@workspace:."\n  linkType: soft\n${entries.map((entry) => `\n${entry}`).join("")}`
  const entry = (descriptor: string, resolution: string, version = "1.0.0", more = "") =>
    `"${descriptor}":\n  version: ${version}\n  resolution: "${resolution}"\n${more}`

  it.each([
    ["a@npm:1.0.0", { kind: "registry", origin: "default" }],
    [
      `a@npm:1.0.0::__archiveUrl=${encodeURIComponent("https://registry.example/a/-/a-1.0.0.tgz")}`,
      { kind: "registry", origin: "https://registry.example/" },
    ],
    [
      `a@npm:1.0.0::__archiveUrl=${encodeURIComponent("https://registry.example/evil/-/evil-1.0.0.tgz")}`,
      { kind: "url", url: "https://registry.example/evil/-/evil-1.0.0.tgz" },
    ],
    ["a@npm:1.0.0::a=b::c&__archiveUrl=https%3A%2F%2Fevil.example%2Fx.tgz", expect.objectContaining({ kind: "url" })],
    ["a@npm:1.0.0::__%61rchiveUrl=https%3A%2F%2Fevil.example%2Fx.tgz", expect.objectContaining({ kind: "url" })],
    [
      "a@https://registry.example/a/-/a-1.0.0.tgz::/../../../evil/-/evil-1.0.0.tgz",
      expect.objectContaining({ kind: "url" }),
    ],
    ["a@npm:1.0.0::other=1", expect.objectContaining({ kind: "url" })],
    [
      "a@patch:a@npm%3A1.0.0#optional!builtin<compat/a>::version=1.0.0&hash=abc",
      { kind: "registry", origin: "default" },
    ],
    [
      "a@patch:a@https%3A//files.example/a.tgz#~/.yarn/patches/a.patch::version=1.0.0&hash=abc",
      { kind: "url", url: "https://files.example/a.tgz" },
    ],
    ["a@file:./libs/a#./libs/a::hash=abc&locator=app%40workspace%3A.", { kind: "file", path: "./libs/a" }],
    ["a@portal:../a::locator=app%40workspace%3A.", { kind: "file", path: "../a" }],
    ["a@link:../a::locator=app%40workspace%3A.", { kind: "file", path: "../a" }],
    ["a@exec:./make.js#./make.js::hash=abc&locator=app%40workspace%3A.", { kind: "file", path: "./make.js" }],
    ["a@https://git.example/o/a.git#commit=abc", { kind: "git", url: "https://git.example/o/a.git#commit=abc" }],
    ["a@git@git.example:o/a.git#commit=abc", { kind: "git", url: "git@git.example:o/a.git#commit=abc" }],
    ["a@https://files.example/a.tgz", { kind: "url", url: "https://files.example/a.tgz" }],
  ])("%s", async (resolution, source) => {
    const { dependencies } = await parse("yarn.lock", lock(entry("a@npm:*", resolution)))
    expect(dependencies).toHaveLength(1)
    expect(dependencies[0]).toMatchObject({ name: "a", version: "1.0.0", source })
  })

  it("finds what yarn 2 and 3 wrote without `npm:`, what a patch stands on, and what resolutions replace", async () => {
    const text = lock(
      entry("a@^1.0.0, a@npm:^1.0.0", "a@npm:1.0.0", "1.0.0", '  dependencies:\n    b: ^2.0.0\n    c: "npm:^9.0.0"\n'),
      entry("b@npm:^2.0.0", "b@npm:2.0.0", "2.0.0"),
      entry(
        "b@patch:b@npm%3A^2.0.0#optional!builtin<compat/b>",
        "b@patch:b@npm%3A2.0.0#optional!builtin<compat/b>::version=2.0.0&hash=abc",
        "2.0.0",
      ),
      entry("c@npm:1.0.0", "c@npm:1.0.0"),
    )
    const { edges } = await parse("yarn.lock", text)
    expect(edges.map((item) => item.to)).toEqual([
      "b@npm:^2.0.0",
      "b@patch:b@npm%3A^2.0.0#optional!builtin<compat/b>",
      "c@npm:1.0.0",
    ])
  })

  it("asks each workspace's package.json what is for development", async () => {
    const text = `${lock().replace("  linkType: soft\n", '  dependencies:\n    a: "npm:*"\n    w: "workspace:w"\n  linkType: soft\n')}
"w@workspace:w":
  version: 0.0.0-use.local
  resolution: "w@workspace:w"
  dependencies:
    b: "npm:*"
  linkType: soft

${entry("a@npm:*", "a@npm:1.0.0")}
${entry("b@npm:*", "b@npm:1.0.0")}`
    const { roots, dependencies } = await parse("yarn.lock", text, {
      "package.json": '{"dependencies":{"a":"*","w":"workspace:w"}}',
      "w/package.json": '{"devDependencies":{"b":"*"}}',
    })
    expect(roots.map((root) => root.name)).toEqual(["app", "w"])
    expect(dependencies.map(({ name, dev, direct }) => [name, dev, direct])).toEqual([
      ["a", false, true],
      ["b", true, true],
    ])
  })

  it.each([
    ["no project", "__metadata:\n  version: 8\n", "no workspace"],
    ["a descriptor twice", lock(entry("a@npm:1, a@npm:2", "a@npm:1.0.0"), entry("a@npm:2", "a@npm:2.0.0")), "twice"],
    ["no resolution", lock('"a@npm:1":\n  version: 1.0.0\n'), "no resolution"],
    [
      "a want of nothing",
      lock(entry("a@npm:1", "a@npm:1.0.0", "1.0.0", '  dependencies:\n    b: "npm:1"\n')),
      "not in the file",
    ],
  ])("%s is refused", async (_, text, message) => {
    await expect(parse("yarn.lock", text)).rejects.toThrow(message)
  })
})
