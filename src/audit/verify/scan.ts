// The log's bodies become leaf hashes again, 256 at a time, and are laid beside the tile that holds what was hashed when they
// were written. Pure: rows in, hashes and differences out; several threads do this for ranges of their own.
import { hash } from "node:crypto"
import { foldRight, HASH_SIZE, hashPairs } from "../tree/merkle.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"

/** Records `from` to `to`, both included. `from` is the first of a tile. */
export interface ScanTask {
  from: number
  to: number
  /** Tree sizes within the range, not multiples of 256, whose last, partial tile is wanted hashed. */
  sizes: readonly number[]
  /** Records that a tile is there for, from the first on. */
  derived: number
  /** Records whose bodies may be away, from the first on. */
  archived: number
}

/** How a run of neighbouring records differs from its leaves in the tree. */
export interface Difference {
  seq: number
  /** Last record of the run. */
  to: number
  /**
   * `missing`: no row has this number. `removed`: what follows has moved up into its place. `inserted`: what was in its place
   * follows. `moved`: the body belongs to another place, `from`. `altered`: the body is none that the tree knows here.
   */
  kind: "altered" | "missing" | "removed" | "inserted" | "moved"
  from?: number
}

export interface ScanResult {
  /** Root of each full tile of the range, one after the other, hashed from the bodies. */
  roots: Uint8Array
  /** Root of the partial tile at each wanted size. */
  partial: Map<number, Uint8Array>
  /** The same from the stored tiles, where they differ. */
  stored: { roots: Uint8Array; partial: Map<number, Uint8Array> } | undefined
  differences: Difference[]
  /** First record from which on the stored tree has no hash although it should. */
  untiled: number | undefined
  /** Archived records, first and last, of which there is neither body nor hash: no root that covers the first can be made. */
  unknown: { from: number; to: number } | undefined
  hashed: number
}

/** A row of the log: sequence number and body. */
export type BodyRow = readonly [seq: number, body: string]

/** Differences that a result names; one is enough to know where to look. */
const MOST = 20

/** The scan of one range, tile by tile from the left. */
export interface Scan {
  /** Takes the rows of the next 256 records, in order, and the tile that is stored for them. */
  addTile(rows: readonly BodyRow[], tile: Uint8Array | undefined): void
  result(): ScanResult
}

/** Begins the scan of a range; the caller adds its tiles one after the other. */
export function beginScan(task: ScanTask): Scan {
  const full = Math.floor((task.to - task.from + 1) / TILE_WIDTH)
  const result: ScanResult = {
    roots: new Uint8Array(full * HASH_SIZE),
    partial: new Map(),
    stored: undefined,
    differences: [],
    untiled: undefined,
    unknown: undefined,
    hashed: 0,
  }
  let first = task.from
  let index = 0

  const take = (into: { roots: Uint8Array; partial: Map<number, Uint8Array> }, leaves: Buffer, count: number) => {
    for (const size of task.sizes) {
      if (size >= first && size < first + count) into.partial.set(size, rootOfLeaves(leaves, size - first + 1))
    }
    if (count === TILE_WIDTH) into.roots.set(rootOfLeaves(leaves, count), index * HASH_SIZE)
  }

  return {
    addTile: (rows, tile) => {
      const count = Math.min(TILE_WIDTH, task.to - first + 1)
      const expected = Math.max(0, Math.min(count, task.derived - first + 1))
      const stored = Math.min(expected, Math.floor((tile?.length ?? 0) / HASH_SIZE))
      const leaves = Buffer.alloc(count * HASH_SIZE)
      const present = hashBodies(rows, first, leaves)
      result.hashed += present.count
      if (stored < expected) result.untiled ??= first + stored
      const old = Buffer.from(tile?.subarray(0, stored * HASH_SIZE) ?? [])
      for (let i = 0; i < count; i++) {
        if (present.has[i]) continue
        // Only its hash is left. Whether that is the right one, the signed root above it says.
        if (i < stored) old.copy(leaves, i * HASH_SIZE, i * HASH_SIZE, (i + 1) * HASH_SIZE)
        const seq = first + i
        if (seq > task.archived) note(result, { seq, to: seq, kind: "missing" })
        else if (i >= stored) result.unknown = { from: result.unknown?.from ?? seq, to: seq }
      }
      const differs = !leaves.subarray(0, stored * HASH_SIZE).equals(old)
      if (differs) compareTile(result, first, leaves, old, stored)
      if (differs || result.stored) {
        result.stored ??= { roots: result.roots.slice(), partial: new Map(result.partial) }
        const mixed = Buffer.concat([old, leaves.subarray(old.length)])
        take(result.stored, mixed, count)
      }
      take(result, leaves, count)
      first += count
      index++
    },
    result: () => result,
  }
}

/** Hashes the bodies of a tile into their places: sha256(0x00 || body). Says which places had one. */
function hashBodies(rows: readonly BodyRow[], first: number, leaves: Buffer): { has: Uint8Array; count: number } {
  const has = new Uint8Array(leaves.length / HASH_SIZE)
  for (const [seq, body] of rows) {
    // A hash as text of one byte a character costs 40 % of what a Buffer for it does.
    leaves.write(hash("sha256", `\0${body}`, "binary"), (seq - first) * HASH_SIZE, HASH_SIZE, "latin1")
    has[seq - first] = 1
  }
  return { has, count: rows.length }
}

/** RFC 6962's hash of the first `count` leaves of a tile, 1 to 256. */
function rootOfLeaves(leaves: Buffer, count: number): Uint8Array {
  const peaks: Uint8Array[] = []
  for (let at = 0, left = count; left > 0; ) {
    const width = 2 ** Math.floor(Math.log2(left))
    peaks.push(foldPairs(leaves, at, width))
    at += width
    left -= width
  }
  return foldRight(peaks)
}

/** The hash of 2^n neighbours. */
function foldPairs(leaves: Buffer, at: number, width: number): Uint8Array {
  const row = Buffer.from(leaves.subarray(at * HASH_SIZE, (at + width) * HASH_SIZE))
  for (let count = width; count > 1; count /= 2) hashPairs(row, count, row)
  return row.subarray(0, HASH_SIZE)
}

/** Names the records of a tile whose leaf is another one, and where in the tile that leaf belongs. */
function compareTile(result: ScanResult, first: number, leaves: Buffer, old: Buffer, count: number): void {
  const at = (buffer: Buffer, i: number) => buffer.toString("latin1", i * HASH_SIZE, (i + 1) * HASH_SIZE)
  const places = new Map<string, number>()
  for (let i = count - 1; i >= 0; i--) places.set(at(old, i), i)
  for (let i = 0; i < count; i++) {
    const now = at(leaves, i)
    const was = at(old, i)
    if (now === was) continue
    const from = places.get(now)
    const next = i + 1 < count ? at(leaves, i + 1) : undefined
    const seq = first + i
    if (from === undefined) note(result, { seq, to: seq, kind: next === was ? "inserted" : "altered" })
    else if (from === i + 1 && next !== was) note(result, { seq, to: seq, kind: "removed" })
    else note(result, { seq, to: seq, kind: "moved", from: first + from })
  }
}

/** After one record too few or too many, every one that follows is in another place: that is said once. */
function note({ differences }: ScanResult, found: Difference): void {
  const last = differences.at(-1)
  const follows = last?.to === found.seq - 1
  const shifted = last?.kind === "removed" || last?.kind === "inserted"
  if (follows && (shifted ? found.kind !== "missing" : last.kind === found.kind && found.kind !== "moved"))
    last.to = found.to
  else if (differences.length < MOST) differences.push(found)
}
