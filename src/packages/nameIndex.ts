// Everything that look-alikes are looked up by, computed from a list of names once, when nanoguard is built.
import type { Ecosystem } from "../policy/types.ts"
import { hashBytes, hashText, squashKey, wordRanges } from "./nameKeys.ts"
import { type SortedTable, sortTable } from "./sortedTable.ts"
import { splitOwner } from "./splitOwner.ts"

/** In the order in which a file holds them. */
const TABLES = ["known", "squashed", "ordered", "bare", "heads", "tails", "owners", "bases", "words"] as const

export interface NameIndex {
  ecosystem: Ecosystem
  /** The list: ASCII names, most used first, each ended by a line feed. */
  bytes: Buffer
  /** Where a name begins in `bytes`, by id; the last one is where the list ends. */
  starts: Uint32Array
  tables: Readonly<Record<(typeof TABLES)[number], SortedTable>>
}

const MAGIC = 0x6e61_6d31
const AT = 64
/** Of names shorter than this, so many are one letter apart that nearness says nothing. */
const SHORTEST_NEAR = 5

/** Words that say only which language or registry a package is for. */
export const LANGUAGE_WORDS: Readonly<Record<Ecosystem, readonly string[]>> = {
  npm: ["node", "nodejs", "js", "npm"],
  pypi: ["python", "python2", "python3", "py", "py3", "pip", "pypi"],
  cargo: ["rust", "rs", "crate", "cargo"],
  golang: [],
}

/**
 * How many names of a list are worth imitating. Below these, near names are mostly honest neighbours: see
 * docs/lookalikes.md for what each number costs and brings.
 */
const TARGETS: Record<Ecosystem, number> = { npm: 15_000, pypi: 3000, cargo: 1000, golang: 1000 }

/** Indexes a list of names. */
export function buildNameIndex(ecosystem: Ecosystem, bytes: Buffer): NameIndex {
  const starts = [0]
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, end + 1)) starts.push(end + 1)
  const pairs = Object.fromEntries(TABLES.map((name) => [name, [] as [number, number][]]))
  const add = (table: (typeof TABLES)[number], key: number, id: number) => pairs[table]!.push([key, id])
  const languageWords = new Set(LANGUAGE_WORDS[ecosystem].map(hashText))
  const words = new Set<number>()
  for (let id = 0; id < starts.length - 1; id++) {
    const from = starts[id]!
    const to = starts[id + 1]! - 1
    const ranges = wordRanges(bytes, from, to)
    for (let at = 0; at < ranges.length; at += 2) words.add(hashBytes(bytes, ranges[at]!, ranges[at + 1]!))
    add("known", hashBytes(bytes, from, to), id)
    add("squashed", squashKey(bytes, from, to), id)
    const [owner, base] = splitOwner(ecosystem, bytes.toString("latin1", from, to))
    if (owner !== "") {
      add("owners", hashText(owner), id)
      add("bases", hashText(base), id)
    }
    if (id >= TARGETS[ecosystem] || bytes[from] === AT) continue
    add("ordered", orderKey(bytes, ranges), id)
    add("bare", bareKey(bytes, ranges, languageWords), id)
    if (to - from < SHORTEST_NEAR) continue
    const middle = from + ((to - from) >> 1)
    add("heads", hashBytes(bytes, from, middle), id)
    add("tails", hashBytes(bytes, middle, to), id)
  }
  for (const word of words) add("words", word, 0)
  const tables = Object.fromEntries(TABLES.map((name) => [name, sortTable(pairs[name]!)])) as NameIndex["tables"]
  return { ecosystem, bytes, starts: Uint32Array.from(starts), tables }
}

/** The same key for the same words in any order. */
function orderKey(bytes: Uint8Array, ranges: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < ranges.length; at += 2) sum = (sum + squashKey(bytes, ranges[at]!, ranges[at + 1]!)) | 0
  return sum
}

/** The same key for names that differ in language words at their ends; those are given by their hashes. */
function bareKey(bytes: Uint8Array, ranges: readonly number[], words: ReadonlySet<number>): number {
  const isLanguage = (at: number) => words.has(hashBytes(bytes, ranges[at]!, ranges[at + 1]!))
  let first = 0
  let last = ranges.length - 2
  while (first < last && isLanguage(first)) first += 2
  while (first < last && isLanguage(last)) last -= 2
  return last < 0 ? 0 : squashKey(bytes, ranges[first]!, ranges[last + 1]!)
}

/** An index as a file: little-endian numbers first, each part at a multiple of four bytes, the list last. */
export function encodeNameIndex({ starts, tables, bytes }: NameIndex): Buffer {
  const parts = TABLES.flatMap((name) => [tables[name].keys, tables[name].ids])
  const header = Uint32Array.of(MAGIC, starts.length, ...TABLES.map((name) => tables[name].keys.length))
  const padded = [header, starts, ...parts].map((part) => {
    const raw = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    return Buffer.concat([raw, Buffer.alloc(-raw.length & 3)])
  })
  return Buffer.concat([...padded, bytes])
}

/** Reads `encodeNameIndex`'s bytes without copying them; undefined where they are something else. */
export function decodeNameIndex(ecosystem: Ecosystem, file: Buffer): NameIndex | undefined {
  const { buffer, byteOffset } = file
  const headerLength = 2 + TABLES.length
  if (byteOffset % 4 !== 0 || file.length < headerLength * 4 || file.readUInt32LE(0) !== MAGIC) return undefined
  const header = new Uint32Array(buffer, byteOffset, headerLength)
  let at = headerLength * 4
  const take = (bytes: number) => {
    const start = at
    at += bytes + (-bytes & 3)
    return byteOffset + start
  }
  const startCount = header[1]!
  const startsAt = take(startCount * 4)
  const places = TABLES.map((_, index) => {
    const length = header[index + 2]!
    return { length, keys: take(length * 4), ids: take(length * 2) }
  })
  if (at > file.length) return undefined
  const tables = Object.fromEntries(
    TABLES.map((name, index) => {
      const { length, keys, ids } = places[index]!
      return [name, { keys: new Uint32Array(buffer, keys, length), ids: new Uint16Array(buffer, ids, length) }]
    }),
  ) as NameIndex["tables"]
  return { ecosystem, bytes: file.subarray(at), starts: new Uint32Array(buffer, startsAt, startCount), tables }
}
