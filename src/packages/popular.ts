// The names that are well known in an ecosystem. Lists are files under data/popular, one name a line, most used first;
// one is read when a rule asks about a name and not before, and its names are looked up in its bytes.
import { existsSync, readFileSync } from "node:fs"
import type { Ecosystem } from "../policy/types.ts"
import { createHashTable, hashBytes, hashText, wordRanges } from "./hashTable.ts"

export interface PopularNames {
  bytes: Uint8Array
  count: number
  /** Ids below this are the names worth imitating; ids go by use, 0 is the most used name. */
  targets: number
  /** Where a name begins in `bytes`; it ends one byte before the next one begins. */
  starts: Int32Array
  nameAt: (id: number) => string
  /** Whether a name is on the list: in real use, and so no look-alike itself. */
  has: (name: string) => boolean
}

/**
 * How many names of a list are worth imitating. Below these, near names are mostly honest neighbours: see
 * docs/lookalikes.md for what each number costs and brings.
 */
const TARGETS: Record<Ecosystem, number> = { npm: 15_000, pypi: 3000, cargo: 1000, golang: 1000 }

const loaded = new Map<Ecosystem, PopularNames | undefined>()

/** From src/packages and from dist/chunks the data is two folders up, from dist one. */
function findList(ecosystem: Ecosystem): URL | undefined {
  for (const up of ["../../", "../"]) {
    const url = new URL(`${up}data/popular/${ecosystem}.txt`, import.meta.url)
    if (existsSync(url)) return url
  }
  return undefined
}

/** The well-known names of an ecosystem, read once; undefined where there is no list. */
export function loadPopular(ecosystem: Ecosystem): PopularNames | undefined {
  if (loaded.has(ecosystem)) return loaded.get(ecosystem)
  const file = findList(ecosystem)
  const names = file === undefined ? undefined : indexNames(readFileSync(file), TARGETS[ecosystem])
  loaded.set(ecosystem, names)
  return names
}

/** Indexes a list of ASCII names, each ended by a line feed. */
export function indexNames(bytes: Buffer, targets: number): PopularNames {
  const ends: number[] = []
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) ends.push(at)
  const count = ends.length
  const starts = new Int32Array(count + 1)
  for (let id = 0; id < count; id++) starts[id + 1] = ends[id]! + 1
  const table = createHashTable(count)
  for (let id = count - 1; id >= 0; id--) table.add(hashBytes(bytes, starts[id]!, ends[id]!), id)
  const nameAt = (id: number) => bytes.toString("latin1", starts[id]!, starts[id + 1]! - 1)
  return {
    bytes,
    count,
    targets: Math.min(targets, count),
    starts,
    nameAt,
    has: (name) => table.find(hashText(name), (id) => nameAt(id) === name) >= 0,
  }
}

const words = new WeakMap<PopularNames, ReadonlySet<number>>()

/** Whether some well-known name has this word: then it is a word, and not another one misspelt. */
export function isKnownWord(names: PopularNames, word: string): boolean {
  let set = words.get(names)
  if (set === undefined) {
    const found = new Set<number>()
    const ranges = wordRanges(names.bytes, 0, names.bytes.length)
    for (let at = 0; at < ranges.length; at += 2) found.add(hashBytes(names.bytes, ranges[at]!, ranges[at + 1]!))
    set = found
    words.set(names, set)
  }
  return set.has(hashText(word))
}
