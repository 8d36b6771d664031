// Whether names that are an edit or two apart are a slip of the keyboard, or made to look like one, and not two honest names.
import type { NameIndex } from "./nameIndex.ts"
import { isKnownWord } from "./popular.ts"
import { type Edit, wordsOf } from "./similarity.ts"

/** The names that attackers imitate most: nearness to one of these counts from fewer letters on. */
const TOP = 1500
const SHORTEST_WORD = 5
const SHORTEST_FAR_WORD = 7

/**
 * Whether `name`, one edit from `target`, is likelier a slip than a name of its own: not where the changed word is a word
 * that other well-known names use, is short, or differs only in a number. Slips that fingers make (a swap, a doubled or
 * a lost letter) count from shorter names on than replaced letters.
 */
export function isMisspelling(
  index: NameIndex,
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
  if (Math.max(word.length, targetWord.length) < SHORTEST_WORD && word !== name) return false
  const plural = word === `${targetWord}s` || targetWord === `${word}s`
  return plural || !isKnownWord(index, word)
}

/** Whether two names differ in a single long word that no well-known name uses. */
export function isOneWordOff(index: NameIndex, name: string, target: string): boolean {
  const theirs = new Set(wordsOf(target))
  const own = wordsOf(name).filter((word) => !theirs.has(word))
  return own.length === 1 && own[0]!.length >= SHORTEST_FAR_WORD && !isKnownWord(index, own[0]!)
}

function wordAt(name: string, at: number): string {
  let start = Math.min(at, name.length)
  while (start > 0 && !/[-_./]/.test(name.charAt(start - 1))) start--
  let end = at
  while (end < name.length && !/[-_./]/.test(name.charAt(end))) end++
  return name.slice(start, end)
}
