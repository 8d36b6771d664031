// Names that may be mistaken for well-known ones. What each check is worth on real trees and real attacks is measured in
// docs/lookalikes.md; a name that is itself in wide use is never a look-alike.
import type { Ecosystem } from "../policy/types.ts"
import { indexFarNames, indexNearNames, type NearNames } from "./nearNames.ts"
import { compareOwner, splitOwner } from "./owners.ts"
import { knownWords, loadPopular, type PopularNames } from "./popular.ts"
import { type Edit, foldName, squashName, wordsOf } from "./similarity.ts"

export interface Lookalike {
  of: string
  /** From our own templates. */
  how: string
}

/** Longer than any registry allows (npm: 214), so nothing that a person would mistake. */
const MAX_LENGTH = 214
/** Of names shorter than this, so many are one letter apart that nearness says nothing. */
const SHORTEST = 5
/** The names that attackers imitate most: nearness to one of these counts from fewer letters on. */
const TOP = 1000
/** Two edits count only against the best-known names, and only against long ones. */
const FAR = { names: 100, shortest: 8 }

/** Words that say only which language or registry a package is for. */
const LANGUAGE_WORDS: Record<Ecosystem, readonly string[]> = {
  npm: ["node", "nodejs", "js", "npm"],
  pypi: ["python", "python2", "python3", "py", "py3", "pip", "pypi"],
  cargo: ["rust", "rs", "crate", "cargo"],
  golang: [],
}

interface NameIndex extends PopularNames {
  near: NearNames
  far: (name: string) => string | undefined
  squashed: Map<string, string>
  ordered: Map<string, string>
  bare: Map<string, string>
}

const indexes = new Map<Ecosystem, NameIndex>()

/**
 * The well-known name that this one may be mistaken for, null where there is none, undefined where the ecosystem has no
 * list. `name` is canonical in its ecosystem; any string is safe to pass.
 */
export function lookalikeOf(ecosystem: Ecosystem, name: string): Lookalike | null | undefined {
  const popular = loadPopular(ecosystem)
  if (popular === undefined) return undefined
  if (name.length > MAX_LENGTH || popular.known.has(name)) return null
  const [owner, base] = splitOwner(ecosystem, name)
  if (owner !== "") return compareOwner(ecosystem, owner, base)
  return compareName(ecosystem, name, indexOf(ecosystem, popular))
}

function indexOf(ecosystem: Ecosystem, popular: PopularNames): NameIndex {
  const known = indexes.get(ecosystem)
  if (known !== undefined) return known
  const squashed = new Map<string, string>()
  const ordered = new Map<string, string>()
  const bare = new Map<string, string>()
  const plain: string[] = []
  const families = findFamilies(popular.known)
  for (const name of popular.known) {
    if (!families.has(name.slice(1, name.indexOf("/")))) setFirst(squashed, squashName(foldName(name)), name)
  }
  for (const target of popular.targets) {
    if (target.startsWith("@")) continue
    plain.push(target)
    const folded = foldName(target)
    const words = wordsOf(folded)
    if (words.length > 1) setFirst(ordered, words.sort().join("-"), target)
    setFirst(bare, bareName(ecosystem, folded), target)
  }
  const far = plain.slice(0, FAR.names).filter((target) => target.length >= FAR.shortest)
  const index = { ...popular, near: indexNearNames(plain, SHORTEST), far: indexFarNames(far), squashed, ordered, bare }
  indexes.set(ecosystem, index)
  return index
}

/** First words of three or more known names: `babel-core` beside `@babel/core` is how such projects name things. */
function findFamilies(known: ReadonlySet<string>): Set<string> {
  const counts = new Map<string, number>()
  for (const name of known) {
    const dash = name.indexOf("-")
    if (dash > 0 && !name.startsWith("@")) counts.set(name.slice(0, dash), (counts.get(name.slice(0, dash)) ?? 0) + 1)
  }
  return new Set([...counts].filter(([, count]) => count >= 3).map(([word]) => word))
}

/** Targets come most used first, so the first of several with one key is the one that is imitated. */
function setFirst(map: Map<string, string>, key: string, target: string): void {
  if (key.length >= 4 && !map.has(key)) map.set(key, target)
}

/** A folded name without language words at its ends, squashed. */
function bareName(ecosystem: Ecosystem, folded: string): string {
  const words = wordsOf(folded)
  const extra = LANGUAGE_WORDS[ecosystem]
  while (words.length > 1 && extra.includes(words[0]!)) words.shift()
  while (words.length > 1 && extra.includes(words.at(-1)!)) words.pop()
  return words.join("")
}

function compareName(ecosystem: Ecosystem, name: string, index: NameIndex): Lookalike | null {
  const lower = name.toLowerCase()
  const folded = foldName(name)
  const same = index.squashed.get(squashName(folded))
  if (same !== undefined) {
    const drawnAlike = squashName(lower) !== squashName(same.toLowerCase())
    const how = drawnAlike ? "characters that look alike" : lower === same ? "upper and lower case" : "other separators"
    return { of: same, how }
  }
  const words = wordsOf(folded)
  const reordered = words.length > 1 ? index.ordered.get(words.sort().join("-")) : undefined
  if (reordered !== undefined) return { of: reordered, how: "the same words in another order" }
  const bare = findBare(ecosystem, folded, index.bare)
  if (bare !== undefined) return { of: bare, how: "a language word added or changed" }
  const near = index.near.find(lower, (target, edit, at, rank) =>
    isMisspelling(ecosystem, lower, target, edit, at, rank),
  )
  if (near !== undefined) return { of: near.target, how: `one character ${near.edit}` }
  const far = lower.length >= FAR.shortest - 2 ? index.far(lower) : undefined
  return far !== undefined && isOneWordOff(ecosystem, lower, far) ? { of: far, how: "two characters differ" } : null
}

function findBare(ecosystem: Ecosystem, folded: string, targets: Map<string, string>): string | undefined {
  const bare = bareName(ecosystem, folded)
  const found = targets.get(bare)
  // A name without any language word is a name of its own: `socks` is no imitation of `python-socks`.
  if (found !== undefined) return bare === squashName(folded) ? undefined : found
  for (const word of LANGUAGE_WORDS[ecosystem]) {
    if (bare.startsWith(word) && targets.has(bare.slice(word.length))) return targets.get(bare.slice(word.length))
    if (bare.endsWith(word) && targets.has(bare.slice(0, -word.length))) return targets.get(bare.slice(0, -word.length))
  }
  return undefined
}

/**
 * Whether an edit is likelier a slip, or made to look like one, than a name of its own: not where the changed word is a
 * word that other known names use, is short, or differs only in a number.
 */
function isMisspelling(
  ecosystem: Ecosystem,
  name: string,
  target: string,
  edit: Edit,
  at: number,
  rank: number,
): boolean {
  const doubled = edit === "added" && (name[at] === name[at - 1] || name[at] === name[at + 1])
  const slip = edit === "swapped" || edit === "left out" || doubled
  const shortest = rank < TOP ? (slip ? 5 : 6) : slip ? 6 : 8
  if (target.length < shortest) return false
  const ours = edit === "left out" ? "" : name.charAt(at)
  const theirs = edit === "added" ? "" : target.charAt(at)
  if (/^\d?$/.test(ours) && /^\d?$/.test(theirs)) return false
  const word = wordAt(name, at)
  const targetWord = wordAt(target, at)
  if (Math.max(word.length, targetWord.length) < SHORTEST && word !== name) return false
  const plural = word === `${targetWord}s` || targetWord === `${word}s`
  return plural || !knownWords(ecosystem).has(word)
}

/** Whether two names differ in a single long word that no known name uses. */
function isOneWordOff(ecosystem: Ecosystem, name: string, target: string): boolean {
  const theirs = new Set(wordsOf(target))
  const own = wordsOf(name).filter((word) => !theirs.has(word))
  return own.length === 1 && own[0]!.length >= 7 && !knownWords(ecosystem).has(own[0]!)
}

function wordAt(name: string, at: number): string {
  let start = Math.min(at, name.length)
  while (start > 0 && !/[-_./]/.test(name.charAt(start - 1))) start--
  let end = at
  while (end < name.length && !/[-_./]/.test(name.charAt(end))) end++
  return name.slice(start, end)
}
