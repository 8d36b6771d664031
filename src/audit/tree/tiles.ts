// The tree as it is stored: C2SP tlog-tiles, height 8. The tile (level, position) holds up to 256 concatenated hashes of
// complete subtrees of 256^level leaves; a partial tile grows at its right end, and no hash in it ever changes.
import { EXIT, NanoguardError } from "../../errors.ts"
import { consistencyRanges, foldRight, HASH_SIZE, hashPairs, inclusionRanges, type Range } from "./merkle.ts"

/** Hashes in a full tile. */
export const TILE_WIDTH = 256

const HEIGHT = 8

/** Trees of tiles that a reader keeps: 16 KiB each, enough for every tile above the leaves of 10 million records. */
const CACHED = 256

export interface TileAddress {
  level: number
  position: number
}

export interface Tile extends TileAddress {
  /** 1 to 256 concatenated hashes. */
  hashes: Uint8Array
}

/** Gives a tile's hashes, as many as are stored (more than a smaller tree has do no harm); undefined where there is none. */
export type TileSource = (level: number, position: number) => Uint8Array | undefined

/** The right edge of the stored tree: the partial tile of each level, from the leaves up; empty where a level has none. */
export interface Edge {
  /** Number of leaves. */
  size: number
  tiles: readonly Uint8Array[]
}

/** A tile that a proof needs and the source does not have, or not whole. */
export class MissingTile extends NanoguardError {
  readonly level: number
  readonly position: number

  constructor(level: number, position: number) {
    super(`the tree of the log has no whole tile ${level}/${position}`, {
      exit: EXIT.environment,
      hint: "the tree is derived from the records: run `nanoguard store derive`, with --archive where old ones were archived",
    })
    this.name = "MissingTile"
    this.level = level
    this.position = position
  }
}

/** How many hashes of a tile a tree of `size` leaves has: 0 to 256. */
export function tileWidth(size: number, level: number, position: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - position * TILE_WIDTH
  return Math.max(0, Math.min(TILE_WIDTH, hashes))
}

/** The tiles that hold the right edge of a tree: what `readEdge` asks for. */
export function tilesOfEdge(size: number): TileAddress[] {
  const tiles: TileAddress[] = []
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    if (count % TILE_WIDTH > 0) tiles.push({ level, position: Math.floor(count / TILE_WIDTH) })
  }
  return tiles
}

/** The right edge of a stored tree, to append to. Throws `MissingTile`. */
export function readEdge(size: number, source: TileSource): Edge {
  const tiles: Uint8Array[] = []
  for (const { level, position } of tilesOfEdge(size)) {
    while (tiles.length < level) tiles.push(new Uint8Array())
    tiles.push(tileOf(source, level, position, tileWidth(size, level, position)))
  }
  return { size, tiles }
}

/** Appends concatenated leaf hashes: the new edge, and each tile that is new or has grown, whole, to be stored over what is there. */
export function appendLeaves(edge: Edge, leaves: Uint8Array): { edge: Edge; changed: Tile[] } {
  if (leaves.length % HASH_SIZE !== 0) throw new RangeError("a hash has 32 bytes")
  const changed: Tile[] = []
  const tiles: Uint8Array[] = []
  let added: Uint8Array = leaves
  let before = edge.size
  for (let level = 0; before > 0 || added.length > 0; level++) {
    const partial = edge.tiles[level] ?? new Uint8Array()
    if (partial.length !== (before % TILE_WIDTH) * HASH_SIZE) throw new RangeError(`no edge of a tree of ${edge.size}`)
    before = Math.floor(before / TILE_WIDTH)
    if (added.length === 0) {
      tiles.push(partial)
      continue
    }
    const hashes = Buffer.concat([partial, added])
    const full = Math.floor(hashes.length / TILE_BYTES)
    const roots = Buffer.alloc(full * HASH_SIZE)
    for (let i = 0; i < full; i++) {
      const tile = hashes.subarray(i * TILE_BYTES, (i + 1) * TILE_BYTES)
      changed.push({ level, position: before + i, hashes: tile })
      roots.set(hashTile(tile), i * HASH_SIZE)
    }
    const rest = hashes.subarray(full * TILE_BYTES)
    if (rest.length > 0) changed.push({ level, position: before + full, hashes: rest })
    tiles.push(rest)
    added = roots
  }
  return { edge: { size: edge.size + leaves.length / HASH_SIZE, tiles }, changed }
}

const TILE_BYTES = TILE_WIDTH * HASH_SIZE
const SCRATCH = Buffer.alloc(TILE_BYTES / 2)

/** The root of a full tile: one hash of the level above. */
export function hashTile(hashes: Uint8Array): Uint8Array {
  if (hashes.length !== TILE_BYTES) throw new RangeError("a full tile has 256 hashes")
  hashPairs(asBuffer(hashes), TILE_WIDTH, SCRATCH)
  for (let count = TILE_WIDTH / 2; count > 1; count /= 2) hashPairs(SCRATCH, count, SCRATCH)
  return Uint8Array.from(SCRATCH.subarray(0, HASH_SIZE))
}

/** A complete subtree: 2^height leaves from `index * 2^height` on. */
interface Node {
  height: number
  index: number
}

/** The tiles from which the root of a tree is made. */
export function tilesOfRoot(size: number): TileAddress[] {
  return tilesOf([{ from: 0, to: size }])
}

/** The tiles that an inclusion proof needs; `index` counts from 0. */
export function tilesOfInclusion(index: number, size: number): TileAddress[] {
  return tilesOf(inclusionRanges(index, size))
}

/** The tiles that a consistency proof needs. */
export function tilesOfConsistency(older: number, newer: number): TileAddress[] {
  return tilesOf(consistencyRanges(older, newer))
}

function tilesOf(ranges: readonly Range[]): TileAddress[] {
  const tiles = new Map<string, TileAddress>()
  for (const { height, index } of ranges.flatMap(nodesOf)) {
    const level = Math.floor(height / HEIGHT)
    const position = Math.floor((index * 2 ** (height % HEIGHT)) / TILE_WIDTH)
    tiles.set(`${level}/${position}`, { level, position })
  }
  return [...tiles.values()]
}

/** The complete subtrees that make up a range, from left to right. A range of a proof begins where a subtree as large may. */
function nodesOf({ from, to }: Range): Node[] {
  const nodes: Node[] = []
  for (let start = from; start < to; ) {
    let height = 0
    while (start % 2 ** (height + 1) === 0 && start + 2 ** (height + 1) <= to) height++
    nodes.push({ height, index: start / 2 ** height })
    start += 2 ** height
  }
  return nodes
}

/** A stored tree to read. Every size up to the stored one can be asked for; each call throws `MissingTile` where a tile is. */
export interface Tree {
  /** The root over the first `size` leaves. */
  rootAt(size: number): Uint8Array
  /** The proof that the leaf at `index` (from 0) is in the tree of `size`. */
  proveInclusion(index: number, size: number): Uint8Array[]
  /** The proof that the tree of `newer` leaves begins with that of `older`. */
  proveConsistency(older: number, newer: number): Uint8Array[]
}

/** Reads a tree from its tiles and keeps what it hashed of them; a store that answers later loads `tilesOf...` first. */
export function openTree(source: TileSource): Tree {
  // For each tile the rows of its own small tree, as many as were asked for: row n holds subtrees of 2^n of its hashes.
  const cache = new Map<string, Buffer[]>()

  const rowsOf = (level: number, position: number, width: number): Buffer[] => {
    const key = `${level}/${position}`
    let rows = cache.get(key)
    cache.delete(key)
    if (rows === undefined || rows[0]!.length < width * HASH_SIZE) {
      const hashes = source(level, position)
      if (hashes === undefined || hashes.length < width * HASH_SIZE) throw new MissingTile(level, position)
      rows = [asBuffer(hashes)]
    }
    cache.set(key, rows)
    if (cache.size > CACHED) cache.delete(cache.keys().next().value!)
    return rows
  }

  const hashOf = ({ height, index }: Node): Uint8Array => {
    const row = height % HEIGHT
    const perTile = TILE_WIDTH / 2 ** row
    const place = index % perTile
    const rows = rowsOf(Math.floor(height / HEIGHT), Math.floor(index / perTile), (place + 1) * 2 ** row)
    for (let n = rows.length; n <= row; n++) {
      const below = rows[n - 1]!
      const count = Math.floor(below.length / HASH_SIZE)
      rows.push(Buffer.alloc(Math.floor(count / 2) * HASH_SIZE))
      hashPairs(below, count, rows[n]!)
    }
    return Uint8Array.from(rows[row]!.subarray(place * HASH_SIZE, (place + 1) * HASH_SIZE))
  }

  const hashRange = (range: Range): Uint8Array => foldRight(nodesOf(range).map(hashOf))

  return {
    rootAt: (size) => hashRange({ from: 0, to: size }),
    proveInclusion: (index, size) => inclusionRanges(index, size).map(hashRange),
    proveConsistency: (older, newer) => consistencyRanges(older, newer).map(hashRange),
  }
}

function tileOf(source: TileSource, level: number, position: number, width: number): Uint8Array {
  const hashes = source(level, position)
  if (hashes === undefined || hashes.length < width * HASH_SIZE) throw new MissingTile(level, position)
  return hashes.subarray(0, width * HASH_SIZE)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
