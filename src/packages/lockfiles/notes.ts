// What a reader noticed about single entries, told in one line each: an attacker can write as many entries as fit into a file.
import { quote } from "./failure.ts"

/** Keys of entries, by what is wrong with them. */
export interface Notes {
  malformedHash: string[]
  noVersion: string[]
}

export function newNotes(): Notes {
  return { malformedHash: [], noVersion: [] }
}

/** The notes as `Lockfile.warnings`. */
export function warningsOf(notes: Notes): string[] {
  return [
    ...summarise(notes.malformedHash, "with a malformed hash, which protects nothing"),
    ...summarise(notes.noVersion, "without a version"),
  ]
}

/** `["a", "b"], "without x"` -> `2 entries without x: "a", "b"`; at most three keys are shown. */
export function summarise(keys: readonly string[], what: string): string[] {
  if (keys.length === 0) return []
  const shown = keys.slice(0, 3).map(quote).join(", ")
  return [
    `${keys.length} ${keys.length === 1 ? "entry" : "entries"} ${what}: ${shown}${keys.length > 3 ? ", ..." : ""}`,
  ]
}
