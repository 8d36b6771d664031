import { describe, expect, it } from "vitest"
import { pathsTo } from "../../../src/packages/graph.ts"
import { parse, sha512 } from "./samples.ts"

const HASH = sha512("x")
const lock = (packages: object, workspaces: object = { "": { name: "app" } }) =>
  parse("bun.lock", JSON.stringify({ lockfileVersion: 1, workspaces, packages }, null, 2))

describe("entries", () => {
  it.each([
    [["a@1.0.0", "", {}, HASH], "1.0.0", { kind: "registry", origin: "default" }],
    [
      ["a@1.0.0", "https://registry.example/npm/", {}, HASH],
      "1.0.0",
      { kind: "registry", origin: "https://registry.example/npm/" },
    ],
    [
      ["a@1.0.0", "https://registry.example/a/-/a-1.0.0.tgz", {}, HASH],
      "1.0.0",
      { kind: "registry", origin: "https://registry.example/" },
    ],
    [
      ["a@1.0.0", "https://registry.example/evil/-/evil-1.0.0.tgz", {}, HASH],
      "1.0.0",
      { kind: "url", url: "https://registry.example/evil/-/evil-1.0.0.tgz" },
    ],
    [
      ["a@https://registry.example/a/-/a-1.0.0.tgz", {}, HASH],
      "1.0.0",
      { kind: "registry", origin: "https://registry.example/" },
    ],
    [["a@https://files.example/a.tgz", {}, HASH], "", { kind: "url", url: "https://files.example/a.tgz" }],
    [["a@./a.tgz", {}, HASH], "", { kind: "file", path: "./a.tgz" }],
    [["a@file:libs/a", {}], "", { kind: "file", path: "libs/a" }],
    [["a@link:../a", {}], "", { kind: "file", path: "../a" }],
    [["a@github:o/a#abc", {}, "o-a-abc", HASH], "", { kind: "git", url: "github:o/a#abc" }],
    [
      ["a@git+https://git.example/o/a.git#abc", {}, "abc"],
      "",
      { kind: "git", url: "git+https://git.example/o/a.git#abc" },
    ],
  ])("%j", async (item, version, source) => {
    const { dependencies, warnings } = await lock({ a: item })
    expect(dependencies).toEqual([
      expect.objectContaining({ name: "a", version, source, integrity: item.includes(HASH) ? [HASH] : [] }),
    ])
    expect(warnings).toEqual([])
  })

  it("takes `bundled` only for what has no hash", async () => {
    const { dependencies } = await lock({
      a: ["a@1.0.0", "", { bundled: true }, HASH],
      b: ["b@1.0.0", "", { bundled: true }],
    })
    expect(dependencies.map((item) => item.bundled)).toEqual([undefined, true])
  })

  it.each([[["a", {}]], [[1]], ["a@1.0.0"], [[]], [{}]])("refuses %j with its line", async (item) => {
    await expect(lock({ a: item })).rejects.toMatchObject({ where: { file: "bun.lock", line: 9 } })
  })
})

describe("a comment", () => {
  const hidden = (end: string) =>
    `{"lockfileVersion":1,"workspaces":{"":{"name":"app"}},\n"packages":{"a":["a@1.0.0", //${end} "https://evil.example/a-1.0.0.tgz", {}, ""], /*\n "", {}, "${HASH}"], /**/ }}`

  it.each(["\r", "\u2028", "\u2029"])("that ends for bun and not for others is refused: %j", async (end) => {
    const error = { message: expect.stringContaining("a comment with a line end in it"), where: { line: 2 } }
    await expect(parse("bun.lock", hidden(end))).rejects.toMatchObject(error)
  })

  it.each(["\n", "\r\n"])("ends at the line's end: %j", async (end) => {
    const { dependencies } = await parse("bun.lock", hidden(end))
    expect(dependencies[0]!.source).toEqual({ kind: "url", url: "https://evil.example/a-1.0.0.tgz" })
  })
})

it("finds what a name means at each place, in workspaces too", async () => {
  const lockfile = await lock(
    {
      w: ["@app/w@workspace:packages/w"],
      "@app/w": ["@app/w@workspace:packages/w"],
      a: ["a@1.0.0", "", { dependencies: { "@s/b": "1", c: "*" }, peerDependencies: { p: "*", absent: "*" } }, HASH],
      "@s/b": ["@s/b@2.0.0", "", {}, HASH],
      c: ["c@1.0.0", "", {}, HASH],
      p: ["p@1.0.0", "", {}, HASH],
      "a/@s/b": ["@s/b@1.0.0", "", { dependencies: { c: "*", d: "*" } }, HASH],
      "a/@s/b/d": ["d@1.0.0", "", {}, HASH],
      "@app/w/c": ["c@3.0.0", "", {}, HASH],
    },
    {
      "": { name: "app", dependencies: { a: "^1.0.0", "@app/w": "workspace:*" } },
      "packages/w": { name: "@app/w", devDependencies: { c: "3", "@s/b": "2" } },
    },
  )
  expect(lockfile.roots.map((root) => root.name)).toEqual(["app", "@app/w"])
  expect(lockfile.edges.map(({ from, to }) => `${from} > ${to}`)).toEqual([
    "workspace: > a",
    "workspace: > workspace:packages/w",
    "workspace:packages/w > @app/w/c",
    "workspace:packages/w > @s/b",
    "a > a/@s/b",
    "a > c",
    "a > p",
    "a/@s/b > c",
    "a/@s/b > a/@s/b/d",
  ])
  const flags = lockfile.dependencies.map(({ key, dev, peer, direct }) =>
    [key, dev ? "dev" : "", peer ? "peer" : "", direct ? "direct" : ""].join(" ").trim(),
  )
  expect(flags).toEqual([
    "a   direct",
    "@s/b dev  direct",
    "c",
    "p  peer",
    "a/@s/b",
    "a/@s/b/d",
    "@app/w/c dev  direct",
  ])
  expect(pathsTo(lockfile, "a/@s/b/d", 3).paths).toEqual([["workspace:", "a", "a/@s/b", "a/@s/b/d"]])
})

it("does not let an entry pass for a workspace that is none", async () => {
  const { dependencies } = await lock({ evil: ["evil@workspace:nowhere"] })
  expect(dependencies).toMatchObject([{ name: "evil", source: { kind: "file", path: "nowhere" } }])
})
