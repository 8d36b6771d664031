import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parentsOf, pathsTo, reachableFrom } from "../../src/packages/graph.ts"
import type { Edge, Lockfile } from "../../src/packages/types.ts"

function lockfileOf(edges: Edge[], roots = [""]): Lockfile {
  return {
    path: "package-lock.json",
    format: "package-lock.json",
    formatVersion: "3",
    dependencies: [],
    edges,
    roots: roots.map((key) => ({ key, name: key })),
    warnings: [],
    lineOf: () => 1,
  }
}

const edge = (from: string, to: string, range = "*"): Edge => ({ from, to, range })

describe("pathsTo", () => {
  it("gives the shortest ways first and counts the others", () => {
    const lockfile = lockfileOf([
      edge("", "a"),
      edge("", "b"),
      edge("a", "x"),
      edge("b", "c"),
      edge("c", "x"),
      edge("", "x"),
    ])
    expect(pathsTo(lockfile, "x", 2)).toEqual({
      paths: [
        ["", "x"],
        ["", "a", "x"],
      ],
      more: 1,
    })
    expect(pathsTo(lockfile, "x", 9)).toEqual({
      paths: [
        ["", "x"],
        ["", "a", "x"],
        ["", "b", "c", "x"],
      ],
      more: 0,
    })
  })

  it("starts at every root, and a root that wants another one is not passed through", () => {
    const lockfile = lockfileOf([edge("", "w"), edge("w", "x"), edge("", "x")], ["", "w"])
    expect(pathsTo(lockfile, "x", 5).paths).toEqual([
      ["w", "x"],
      ["", "x"],
    ])
  })

  it("has no way to what no root wants", () => {
    expect(pathsTo(lockfileOf([edge("a", "x")]), "x", 3)).toEqual({ paths: [], more: 0 })
  })

  it("survives cycles, also through the package itself", () => {
    const lockfile = lockfileOf([
      edge("", "a"),
      edge("a", "b"),
      edge("b", "a"),
      edge("b", "x"),
      edge("x", "b"),
      edge("x", "x"),
    ])
    expect(pathsTo(lockfile, "x", 5)).toEqual({ paths: [["", "a", "b", "x"]], more: 0 })
  })

  it("stops counting where there are too many ways", () => {
    // 40 diamonds in a row: 2 to the 40th ways.
    const edges: Edge[] = [edge("", "n0")]
    for (let level = 0; level < 40; level++) {
      for (const side of ["l", "r"])
        edges.push(edge(`n${level}`, `${side}${level}`), edge(`${side}${level}`, `n${level + 1}`))
    }
    const { paths, more } = pathsTo(lockfileOf(edges), "n40", 3)
    expect(more).toBe(-1)
    expect(paths.every((path) => path.length === 82)).toBe(true)
  })

  it("agrees with a plain search on small graphs", () => {
    const node = fc.constantFrom("", "a", "b", "c", "d", "e")
    fc.assert(
      fc.property(fc.array(fc.tuple(node, node), { maxLength: 14 }), (pairs) => {
        const edges = pairs.map(([from, to]) => edge(from, to))
        const all: string[] = []
        const walk = (path: string[]) => {
          if (path.at(-1) === "e") return void all.push(path.join(">"))
          for (const [from, to] of new Map(pairs.map((pair) => [pair.join("\0"), pair])).values()) {
            if (from === path.at(-1) && to !== "" && !path.includes(to)) walk([...path, to])
          }
        }
        walk([""])
        const { paths, more } = pathsTo(lockfileOf(edges), "e", 100)
        expect(more).toBe(0)
        expect(paths.map((path) => path.join(">")).sort()).toEqual(all.sort())
        const lengths = paths.map((path) => path.length)
        expect(lengths).toEqual(lengths.toSorted((a, b) => a - b))
      }),
    )
  })
})

it("parentsOf names who wants a package and within which range", () => {
  const lockfile = lockfileOf([edge("", "x", "^1.0.0"), edge("a", "x", "~1.2.0"), edge("x", "a")])
  expect(parentsOf(lockfile, "x")).toEqual([
    { key: "", range: "^1.0.0" },
    { key: "a", range: "~1.2.0" },
  ])
  expect(parentsOf(lockfile, "nobody")).toEqual([])
})

it("reachableFrom follows edges from all starts, through cycles", () => {
  const edges = [edge("", "a"), edge("a", "b"), edge("b", "a"), edge("w", "c"), edge("d", "e")]
  expect(reachableFrom(edges, ["", "w"])).toEqual(new Set(["", "w", "a", "b", "c"]))
})
