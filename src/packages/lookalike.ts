// Names that may be mistaken for well-known ones. What each check is worth on real trees and real attacks is measured in
// docs/lookalikes.md; a name that is itself in wide use is never a look-alike.
import type { Ecosystem } from "../policy/types.ts"
import { isMisspelling, isOneWordOff } from "./misspelling.ts"
import { LANGUAGE_WORDS, type NameIndex } from "./nameIndex.ts"
import { squashKey } from "./nameKeys.ts"
import { findFar, findNear } from "./nearNames.ts"
import { compareOwner } from "./owners.ts"
import { isKnownName, loadPopular, nameAt } from "./popular.ts"
import { foldName, squashName, wordsOf } from "./similarity.ts"
import { findId, type SortedTable } from "./sortedTable.ts"
import { splitOwner } from "./splitOwner.ts"

export interface Lookalike {
  of: string
  /** From our own templates. */
  how: string
}

/** Longer than any registry allows (npm: 214), so nothing that a person would mistake. */
const MAX_LENGTH = 214
/** Keys shorter than this are shared by unrelated names. */
const SHORTEST_KEY = 4

/**
 * The well-known name that this one may be mistaken for, null where there is none, undefined where the ecosystem has no
 * list. `name` is canonical in its ecosystem; any string is safe to pass.
 */
export function lookalikeOf(ecosystem: Ecosystem, name: string): Lookalike | null | undefined {
  const index = loadPopular(ecosystem)
  if (index === undefined) return undefined
  if (name === "" || name.length > MAX_LENGTH || isKnownName(index, name)) return null
  const [owner, base] = splitOwner(ecosystem, name)
  return owner === "" ? compareName(index, name) : compareOwner(index, owner, base)
}

/** A folded name without language words at its ends, squashed. */
function bareName(folded: string, languageWords: readonly string[]): string {
  const words = wordsOf(folded)
  while (words.length > 1 && languageWords.includes(words[0]!)) words.shift()
  while (words.length > 1 && languageWords.includes(words.at(-1)!)) words.pop()
  return words.join("")
}

function compareName(index: NameIndex, name: string): Lookalike | null {
  const lower = name.toLowerCase()
  const folded = foldName(name)
  const same = findSquashed(index, name)
  if (same !== undefined) {
    const drawnAlike = squashName(lower) !== squashName(same.toLowerCase())
    const how = drawnAlike ? "characters that look alike" : lower === same ? "upper and lower case" : "other separators"
    return { of: same, how }
  }
  const reordered = findReordered(index, folded)
  if (reordered !== undefined) return { of: reordered, how: "the same words in another order" }
  const bare = findBare(index, folded)
  if (bare !== undefined) return { of: bare, how: "a language word added or changed" }
  const near = findNear(index, lower, (target, edit, at, rank) => isMisspelling(index, lower, target, edit, at, rank))
  if (near !== undefined) return { of: near.target, how: `one character ${near.edit}` }
  const far = findFar(index, lower)
  return far !== undefined && isOneWordOff(index, lower, far) ? { of: far, how: "two characters differ" } : null
}

function findIn(index: NameIndex, table: SortedTable, key: number, accept: (target: string) => boolean) {
  const id = findId(table, key, (candidate) => accept(nameAt(index, candidate)))
  return id < 0 ? undefined : nameAt(index, id)
}

function keyOf(text: string): number {
  const bytes = Buffer.from(text, "latin1")
  return squashKey(bytes, 0, bytes.length)
}

function findSquashed(index: NameIndex, name: string): string | undefined {
  const squashed = foldName(squashName(name))
  if (squashed.length < SHORTEST_KEY) return undefined
  const accept = (target: string) => foldName(squashName(target)) === squashed && !isFamilyName(index, target)
  return findIn(index, index.tables.squashed, keyOf(squashed), accept)
}

function findReordered(index: NameIndex, folded: string): string | undefined {
  const words = wordsOf(folded).sort()
  if (words.length < 2) return undefined
  const key = words.reduce((sum, word) => (sum + keyOf(word)) | 0, 0)
  const joined = words.join("-")
  return findIn(index, index.tables.ordered, key, (target) => wordsOf(foldName(target)).sort().join("-") === joined)
}

function findBare(index: NameIndex, folded: string): string | undefined {
  const languageWords = LANGUAGE_WORDS[index.ecosystem]
  const own = bareName(folded, languageWords)
  const withBare = (bare: string) => {
    if (bare.length < SHORTEST_KEY) return undefined
    const accept = (target: string) => bareName(foldName(target), languageWords) === bare
    return findIn(index, index.tables.bare, keyOf(bare), accept)
  }
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
function isFamilyName({ bytes }: NameIndex, target: string): boolean {
  if (!target.startsWith("@")) return false
  const start = Buffer.from(`\n${target.slice(1, target.indexOf("/"))}-`, "latin1")
  let at = -1
  for (let count = 0; count < 3; count++) {
    at = bytes.indexOf(start, at + 1)
    if (at < 0) return false
  }
  return true
}
