// When two package names read alike: the measures behind the look-alike rule.

/** Letters of other scripts that are drawn like Latin ones (from the Unicode confusables, UTS #39), and what they pass for. */
const CONFUSABLE = new Map(
  [..."аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwӏlɡgɑaοoαaνvρpτtκkηnıiℓlａa"].reduce<[string, string][]>(
    (pairs, letter, index, all) => {
      if (index % 2 === 0) pairs.push([letter, all[index + 1]!])
      return pairs
    },
    [],
  ),
)

/**
 * A name as the eye takes it: lower case, letters of other scripts as the Latin ones they look like, then the ASCII
 * pairs that many fonts draw alike (0 o, 1 l, rn m, vv w). Equal results mean that a reader may not see the difference.
 */
export function foldName(name: string): string {
  let text = name.toLowerCase()
  if (/[^\x20-\x7e]/.test(text)) {
    text = text.normalize("NFKC")
    let latin = ""
    for (const letter of text) latin += CONFUSABLE.get(letter) ?? letter
    text = latin.normalize("NFD").replace(/[^\x20-\x7e]/g, "")
  }
  if (!/[01]|rn|vv/.test(text)) return text
  return text.replace(/[01]|rn|vv/g, (pair) => (pair === "0" ? "o" : pair === "rn" ? "m" : pair === "vv" ? "w" : "l"))
}

/** A name without what separates its words. */
export function squashName(name: string): string {
  return name.replace(/[-_./@]/g, "")
}

/** The words of a name. */
export function wordsOf(name: string): string[] {
  return name.split(/[-_./@]+/).filter((word) => word !== "")
}

export type Edit = "replaced" | "added" | "left out" | "swapped"

/**
 * How `name` differs from `target` where exactly one character is replaced, added or left out, or two neighbours are
 * swapped (Damerau-Levenshtein distance 1); `at` is the place of the difference in both.
 */
export function findEdit(name: string, target: string): { edit: Edit; at: number } | undefined {
  const difference = name.length - target.length
  if (difference > 1 || difference < -1 || name === target) return undefined
  let at = 0
  const shorter = Math.min(name.length, target.length)
  while (at < shorter && name.charCodeAt(at) === target.charCodeAt(at)) at++
  if (difference === 1) return name.slice(at + 1) === target.slice(at) ? { edit: "added", at } : undefined
  if (difference === -1) return target.slice(at + 1) === name.slice(at) ? { edit: "left out", at } : undefined
  if (name.slice(at + 1) === target.slice(at + 1)) return { edit: "replaced", at }
  const swapped = name[at] === target[at + 1] && name[at + 1] === target[at]
  return swapped && name.slice(at + 2) === target.slice(at + 2) ? { edit: "swapped", at } : undefined
}

/** The set of letters of a name as bits: two names that differ by n edits differ in at most 2n of them. */
export function letterMask(name: string): number {
  let mask = 0
  for (let index = 0; index < name.length; index++) mask |= 1 << (name.charCodeAt(index) & 31)
  return mask
}

/** How many bits of a 32-bit number are set. */
export function countBits(value: number): number {
  let count = 0
  for (let rest = value; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Damerau-Levenshtein distance (optimal string alignment) of two names that differ by `limit` at most, else `limit + 1`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let value = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, before[j - 2]! + 1)
      row.push(value)
      if (value < least) least = value
    }
    if (least > limit) return limit + 1
    before = last
    last = row
  }
  return Math.min(last[b.length]!, limit + 1)
}
