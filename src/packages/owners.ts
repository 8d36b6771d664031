// Look-alikes of the part of a name that only its owner can publish under: an npm scope, or a Go module's host and account.
import type { NameIndex } from "./nameIndex.ts"
import { hashText } from "./nameKeys.ts"
import { nameAt } from "./popular.ts"
import { findEdit, foldName, squashName } from "./similarity.ts"
import { findId } from "./sortedTable.ts"
import { splitOwner } from "./splitOwner.ts"

const SHORTEST_OWNER = 4
const OWNER_WORDS = ["js", "go", "io", "org", "hq", "team", "official"]

/** The well-known name with the same last part and an owner that reads like this one. */
export function compareOwner(index: NameIndex, owner: string, base: string): { of: string; how: string } | null {
  const { owners, bases } = index.tables
  const split = (id: number) => splitOwner(index.ecosystem, nameAt(index, id))
  if (findId(owners, hashText(owner), (id) => split(id)[0] === owner) >= 0) return null
  let how: string | undefined
  const found = findId(bases, hashText(base), (id) => {
    const [other, otherBase] = split(id)
    how = otherBase === base ? compareOwners(owner.toLowerCase(), other) : undefined
    return how !== undefined
  })
  return found < 0 || how === undefined ? null : { of: nameAt(index, found), how }
}

function compareOwners(owner: string, other: string): string | undefined {
  const folded = squashName(foldName(owner))
  const otherFolded = squashName(foldName(other))
  if (folded === otherFolded) return "an owner that looks alike"
  if (otherFolded.length < SHORTEST_OWNER) return undefined
  const edit = findEdit(owner, other)
  const shortest = edit?.edit === "swapped" ? 4 : edit?.edit === "left out" ? 5 : 6
  if (edit !== undefined && other.length >= shortest) return `an owner with one character ${edit.edit}`
  for (const word of OWNER_WORDS) {
    if (folded === otherFolded + word || folded === word + otherFolded) return "an owner with a word added"
  }
  return undefined
}
