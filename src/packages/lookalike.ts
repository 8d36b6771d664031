// Names that may be mistaken for well-known ones. What each check is worth on real trees and real attacks is measured in
// docs/lookalikes.md; a name that is itself in wide use is never a look-alike.
import type { Ecosystem } from "../policy/types.ts"
import { createHashTable, type HashTable, hashBytes, hashText, squashKey, wordRanges } from "./hashTable.ts"
import { isMisspelling, isOneWordOff } from "./misspelling.ts"
import { indexFarNames, indexNearNames, type NearNames } from "./nearNames.ts"
import { compareOwner, splitOwner } from "./owners.ts"
import { loadPopular, type PopularNames } from "./popular.ts"
import { foldName, squashName, wordsOf } from "./similarity.ts"

export interface Lookalike {
  of: string
  /** From our own templates. */
  how: string
}

/** Longer than any registry allows (npm: 214), so nothing that a person would mistake. */
const MAX_LENGTH = 214
/** Of names shorter than this, so many are one letter apart that nearness says nothing. */
const SHORTEST = 5
/** Keys shorter than this are shared by unrelated names. */
const SHORTEST_KEY = 4
/** Two edits count only against the best-known names, and only against long ones. */
const FAR = { names: 160, shortest: 8 }

/** Words that say only which language or registry a package is for. */
const LANGUAGE_WORDS: Record<Ecosystem, readonly string[]> = {
  npm: ["node", "nodejs", "js", "npm"],
  pypi: ["python", "python2", "python3", "py", "py3", "pip", "pypi"],
  cargo: ["rust", "rs", "crate", "cargo"],
  golang: [],
}

interface NameIndex {
  names: PopularNames
  languageWords: readonly string[]
  near: NearNames
  far: (name: string) => string | undefined
  squashed: HashTable
  ordered: HashTable
  bare: HashTable
}

const indexes = new WeakMap<PopularNames, NameIndex>()

/**
 * The well-known name that this one may be mistaken for, null where there is none, undefined where the ecosystem has no
 * list. `name` is canonical in its ecosystem; any string is safe to pass.
 */
export function lookalikeOf(ecosystem: Ecosystem, name: string): Lookalike | null | undefined {
  const names = loadPopular(ecosystem)
  if (names === undefined) return undefined
  if (name === "" || name.length > MAX_LENGTH || names.has(name)) return null
  const [owner, base] = splitOwner(ecosystem, name)
  if (owner !== "") return compareOwner(ecosystem, owner, base, names)
  return compareName(name, indexOf(ecosystem, names))
}

function indexOf(ecosystem: Ecosystem, names: PopularNames): NameIndex {
  const known = indexes.get(names)
  if (known !== undefined) return known
  const { bytes, starts, count, targets } = names
  const languageWords = LANGUAGE_WORDS[ecosystem]
  const languageHashes = new Set(languageWords.map((word) => hashText(word)))
  const squashed = createHashTable(count)
  const ordered = createHashTable(targets)
  const bare = createHashTable(targets)
  const best: string[] = []
  // Least used first, because what is added last is found first.
  for (let id = count - 1; id >= 0; id--) {
    const from = starts[id]!
    const to = starts[id + 1]! - 1
    squashed.add(squashKey(bytes, from, to), id)
    if (id >= targets || bytes[from] === 64) continue
    const ranges = wordRanges(bytes, from, to)
    ordered.add(orderKey(bytes, ranges), id)
    bare.add(bareKey(bytes, ranges, languageHashes), id)
    if (id < FAR.names && to - from >= FAR.shortest) best.unshift(names.nameAt(id))
  }
  const near = indexNearNames(names, SHORTEST)
  const index = { names, languageWords, near, far: indexFarNames(best), squashed, ordered, bare }
  indexes.set(names, index)
  return index
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

/** A folded name without language words at its ends, squashed. */
function bareName(folded: string, languageWords: readonly string[]): string {
  const words = wordsOf(folded)
  while (words.length > 1 && languageWords.includes(words[0]!)) words.shift()
  while (words.length > 1 && languageWords.includes(words.at(-1)!)) words.pop()
  return words.join("")
}

function compareName(name: string, index: NameIndex): Lookalike | null {
  const { names, near, far } = index
  const lower = name.toLowerCase()
  const folded = foldName(name)
  const same = findSquashed(name, index)
  if (same !== undefined) {
    const drawnAlike = squashName(lower) !== squashName(same.toLowerCase())
    const how = drawnAlike ? "characters that look alike" : lower === same ? "upper and lower case" : "other separators"
    return { of: same, how }
  }
  const reordered = findReordered(folded, index)
  if (reordered !== undefined) return { of: reordered, how: "the same words in another order" }
  const bare = findBare(folded, index)
  if (bare !== undefined) return { of: bare, how: "a language word added or changed" }
  const next = near.find(lower, (target, edit, at, rank) => isMisspelling(names, lower, target, edit, at, rank))
  if (next !== undefined) return { of: next.target, how: `one character ${next.edit}` }
  const further = lower.length >= FAR.shortest - 2 ? far(lower) : undefined
  return further !== undefined && isOneWordOff(names, lower, further)
    ? { of: further, how: "two characters differ" }
    : null
}

function findIn(table: HashTable, key: number, { names }: NameIndex, accept: (target: string) => boolean) {
  const id = table.find(key, (candidate) => accept(names.nameAt(candidate)))
  return id < 0 ? undefined : names.nameAt(id)
}

function keyOfText(text: string): number {
  const bytes = Buffer.from(text, "latin1")
  return squashKey(bytes, 0, bytes.length)
}

function findSquashed(name: string, index: NameIndex): string | undefined {
  const squashed = foldName(squashName(name))
  if (squashed.length < SHORTEST_KEY) return undefined
  return findIn(
    index.squashed,
    keyOfText(squashed),
    index,
    (target) => foldName(squashName(target)) === squashed && !isFamilyName(target, index.names),
  )
}

function findReordered(folded: string, index: NameIndex): string | undefined {
  const words = wordsOf(folded).sort()
  if (words.length < 2) return undefined
  const key = words.reduce((sum, word) => (sum + keyOfText(word)) | 0, 0)
  const joined = words.join("-")
  return findIn(index.ordered, key, index, (target) => wordsOf(foldName(target)).sort().join("-") === joined)
}

function findBare(folded: string, index: NameIndex): string | undefined {
  const { languageWords } = index
  const own = bareName(folded, languageWords)
  const withBare = (bare: string) =>
    bare.length < SHORTEST_KEY
      ? undefined
      : findIn(index.bare, keyOfText(bare), index, (target) => bareName(foldName(target), languageWords) === bare)
  // A name without any language word is a name of its own: `socks` is no imitation of `python-socks`.
  if (own !== squashName(folded)) {
    const found = withBare(own)
    if (found !== undefined) return found
  }
  for (const word of languageWords) {
    const found =
      (own.startsWith(word) ? withBare(own.slice(word.length)) : undefined) ??
      (own.endsWith(word) ? withBare(own.slice(0, -word.length)) : undefined)
    if (found !== undefined) return found
  }
  return undefined
}

/** `babel-core` beside `@babel/core` is how a project named things before it had a scope: three such names are a habit. */
function isFamilyName(target: string, { bytes }: PopularNames): boolean {
  if (!target.startsWith("@")) return false
  const start = Buffer.from(`\n${target.slice(1, target.indexOf("/"))}-`, "latin1")
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = -1
  for (let count = 0; count < 3; count++) {
    at = list.indexOf(start, at + 1)
    if (at < 0) return false
  }
  return true
}
