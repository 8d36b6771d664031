import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { hashNode, rootOf, verifyConsistency, verifyInclusion } from "../../../src/audit/tree/merkle.ts"
import {
  appendLeaves,
  type Edge,
  hashTile,
  MissingTile,
  openTree,
  readEdge,
  type TileSource,
  tilesOfConsistency,
  tilesOfEdge,
  tilesOfInclusion,
  tilesOfRoot,
  tileWidth,
} from "../../../src/audit/tree/tiles.ts"
import { leafHashes, mth } from "../oracle.ts"
import { consistencyProof, inclusionProof } from "./proofs.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const EMPTY: Edge = { size: 0, tiles: [] }

/** A store of tiles, filled by appending `leaves` in chunks of the given sizes, again and again. */
function storeOf(
  leaves: readonly Uint8Array[],
  chunks: readonly number[],
): { edge: Edge; tiles: Map<string, Uint8Array>; source: TileSource } {
  const tiles = new Map<string, Uint8Array>()
  let edge = EMPTY
  for (let n = 0; edge.size < leaves.length; n++) {
    const chunk = leaves.slice(edge.size, edge.size + chunks[n % chunks.length]!)
    const appended = appendLeaves(edge, Buffer.concat(chunk))
    edge = appended.edge
    for (const { level, position, hashes } of appended.changed)
      tiles.set(`${level}/${position}`, Uint8Array.from(hashes))
  }
  return { edge, tiles, source: (level, position) => tiles.get(`${level}/${position}`) }
}

describe("tile widths", () => {
  it("give the tree of 70,000 that the specification describes", () => {
    expect(tileWidth(70_000, 0, 272)).toBe(256)
    expect(tileWidth(70_000, 0, 273)).toBe(112)
    expect(tileWidth(70_000, 0, 274)).toBe(0)
    expect(tileWidth(70_000, 1, 0)).toBe(256)
    expect(tileWidth(70_000, 1, 1)).toBe(17)
    expect(tileWidth(70_000, 2, 0)).toBe(1)
    expect(tileWidth(70_000, 3, 0)).toBe(0)
    expect(tilesOfEdge(70_000)).toEqual([
      { level: 0, position: 273 },
      { level: 1, position: 1 },
      { level: 2, position: 0 },
    ])
    expect(tilesOfEdge(256)).toEqual([{ level: 1, position: 0 }])
  })
})

describe("appending", () => {
  it("leaves the same tiles however the leaves come, each as wide as it should be", () => {
    const leaves = leafHashes(66_000)
    const whole = storeOf(leaves, [66_000])
    for (const chunks of [[1000], [255, 1, 257], [4096]]) {
      const other = storeOf(leaves, chunks)
      expect(other.tiles.size).toBe(whole.tiles.size)
      for (const [key, hashes] of whole.tiles) expect(Buffer.compare(other.tiles.get(key)!, hashes), key).toBe(0)
    }
    for (const [key, hashes] of whole.tiles) {
      const [level, position] = key.split("/").map(Number) as [number, number]
      expect(hashes.length, key).toBe(32 * tileWidth(66_000, level, position))
    }
    expect(whole.tiles.size).toBe(258 + 2 + 1)
    const first = whole.tiles.get("0/0")!
    expect(hex(hashTile(first))).toBe(hex(mth(leaves.slice(0, 256))))
    expect(hex(whole.tiles.get("2/0")!)).toBe(hex(mth(leaves.slice(0, 65_536))))
  })

  it("goes on from an edge that was read back, also over tiles that were stored further", () => {
    const leaves = leafHashes(1400)
    const { source } = storeOf(leaves, [700])
    for (const size of [0, 1, 255, 256, 257, 512, 700, 1400]) {
      const edge = readEdge(size, source)
      const appended = appendLeaves(edge, Buffer.concat(leaves.slice(size)))
      const again = new Map(appended.changed.map((tile) => [`${tile.level}/${tile.position}`, tile.hashes]))
      for (const [key, hashes] of again) {
        const [level, position] = key.split("/").map(Number) as [number, number]
        expect(Buffer.compare(hashes, source(level, position)!), `${size}: ${key}`).toBe(0)
      }
      expect(appended.edge.size).toBe(1400)
    }
  })

  it("names only tiles that changed, and none where nothing came", () => {
    const leaves = leafHashes(600)
    const { edge } = storeOf(leaves, [600])
    expect(appendLeaves(edge, new Uint8Array())).toEqual({ edge, changed: [] })
    const one = appendLeaves(edge, leaves[0]!)
    expect(one.changed.map(({ level, position, hashes }) => [level, position, hashes.length / 32])).toEqual([
      [0, 2, 89],
    ])
  })

  it("refuses an edge that does not fit its size, and what is no hash", () => {
    expect(() => appendLeaves({ size: 5, tiles: [new Uint8Array(32)] }, new Uint8Array(32))).toThrow(RangeError)
    expect(() => appendLeaves({ size: 256, tiles: [] }, new Uint8Array(32))).toThrow(RangeError)
    expect(() => appendLeaves(EMPTY, new Uint8Array(31))).toThrow(RangeError)
    expect(() => hashTile(new Uint8Array(32 * 255))).toThrow(RangeError)
  })
})

describe("reading", () => {
  const leaves = leafHashes(1100)
  const { source } = storeOf(leaves, [300])

  it("gives the root of every size", () => {
    const tree = openTree(source)
    for (let size = 0; size <= 1100; size++) {
      expect(Buffer.compare(tree.rootAt(size), rootOf(leaves.slice(0, size))), String(size)).toBe(0)
    }
  })

  it("proves what the tree of all leaves proves, from no more tiles than it names", () => {
    const pair = fc.integer({ min: 1, max: 1100 }).chain((n) => fc.tuple(fc.nat(n - 1), fc.constant(n)))
    fc.assert(
      fc.property(pair, ([index, size]) => {
        const first = leaves.slice(0, size)
        const inclusion = openTree(only(tilesOfInclusion(index, size))).proveInclusion(index, size)
        expect(inclusion.map(hex)).toEqual(inclusionProof(first, index).map(hex))
        const consistency = openTree(only(tilesOfConsistency(index, size))).proveConsistency(index, size)
        expect(consistency.map(hex)).toEqual(consistencyProof(first, index).map(hex))
        expect(hex(openTree(only(tilesOfRoot(size))).rootAt(size))).toBe(hex(rootOf(first)))
      }),
      { numRuns: 200 },
    )
  })

  it("sees leaves that came after it was opened", () => {
    const tiles = new Map<string, Uint8Array>()
    const tree = openTree((level, position) => tiles.get(`${level}/${position}`))
    let edge = EMPTY
    for (let size = 1; size <= 600; size++) {
      const appended = appendLeaves(edge, leaves[size - 1]!)
      edge = appended.edge
      for (const { level, position, hashes } of appended.changed) tiles.set(`${level}/${position}`, hashes)
      expect(Buffer.compare(tree.rootAt(size), rootOf(leaves.slice(0, size)))).toBe(0)
    }
  })

  it("names a tile that is missing or too short", () => {
    const without =
      (key: string, hashes?: Uint8Array): TileSource =>
      (level, position) =>
        `${level}/${position}` === key ? hashes : source(level, position)
    const missing = { name: "MissingTile", level: 0, position: 1, exit: 5 }
    expect(() => openTree(without("0/1")).proveInclusion(300, 1100)).toThrow(expect.objectContaining(missing))
    expect(() => openTree(without("0/1", new Uint8Array(100))).proveInclusion(300, 1100)).toThrow(MissingTile)
    expect(() => readEdge(1100, without("0/4"))).toThrow(MissingTile)
    expect(() => readEdge(1100, without("1/0", new Uint8Array(32)))).toThrow(MissingTile)
    expect(() => openTree(source).rootAt(1101)).toThrow(MissingTile)
    expect(() => openTree(source).proveInclusion(1100, 1100)).toThrow(RangeError)
  })

  function only(addresses: readonly { level: number; position: number }[]): TileSource {
    const named = new Set(addresses.map(({ level, position }) => `${level}/${position}`))
    return (level, position) => (named.has(`${level}/${position}`) ? source(level, position) : undefined)
  }
})

describe("a tree of ten million and of 2^40 leaves", () => {
  // Every full tile of a level is the same, so that a source is as large as one likes and still made of real hashes.
  const full = [Buffer.concat(leafHashes(256))]
  for (let level = 1; level < 6; level++) full.push(Buffer.concat(Array(256).fill(hashTile(full[level - 1]!))))
  const source: TileSource = (level) => full[level]

  it("proves any leaf and any two sizes", () => {
    const tree = openTree(source)
    const sizes = fc.oneof(fc.constant(10_000_000), fc.integer({ min: 1, max: 2 ** 40 }))
    const pair = sizes.chain((n) => fc.tuple(fc.integer({ min: 0, max: n - 1 }), fc.constant(n)))
    fc.assert(
      fc.property(pair, ([index, size]) => {
        const head = { size, root: tree.rootAt(size) }
        const at = (index % 256) * 32
        const leaf = full[0]!.subarray(at, at + 32)
        const proof = tree.proveInclusion(index, size)
        expect(verifyInclusion(leaf, index, head, proof)).toBe(true)
        expect(verifyInclusion(hashNode(leaf, leaf), index, head, proof)).toBe(false)
        const older = { size: index, root: tree.rootAt(index) }
        expect(verifyConsistency(older, head, tree.proveConsistency(index, size))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
