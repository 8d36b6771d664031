// What a reader noticed about single entries, told in one line each: an attacker can write as many entries as fit into a file.
import { quote } from "./failure.ts"

/** Keys of entries, by what is wrong with them. */
export interface Notes {
  malformedHash: string[]
  noVersion: string[]
  /** Packages of npm that bring a tree of their own in their archive (npm-shrinkwrap.json), which npm installs. */
  ownTree: string[]
}

export function newNotes(): Notes {
  return { malformedHash: [], noVersion: [], ownTree: [] }
}

/** The notes as `Lockfile.warnings`. */
export function warningsOf(notes: Notes): string[] {
  return [
    ...summarise(notes.malformedHash, "with a malformed hash, which protects nothing"),
    ...summarise(notes.noVersion, "without a version"),
    ...summarise(
      notes.ownTree,
      "with a shrinkwrap in the archive: npm installs the tree in it, not the one in the file",
    ),
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
