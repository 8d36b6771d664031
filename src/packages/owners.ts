// Look-alikes of the part of a name that only its owner can publish under: an npm scope, or a Go module's host and account.
import type { Ecosystem } from "../policy/types.ts"
import { createHashTable, type HashTable, hashBytes, hashText } from "./hashTable.ts"
import type { PopularNames } from "./popular.ts"
import { findEdit, foldName, squashName } from "./similarity.ts"

const AT = 64
const SLASH = 47
const SHORTEST_OWNER = 4
const GO_MAJOR = /(\/v\d+|\.v\d+)$/
const OWNER_WORDS = ["js", "go", "io", "org", "hq", "team", "official"]

interface Owners {
  byOwner: HashTable
  byBase: HashTable
}

const indexes = new WeakMap<PopularNames, Owners>()

/** A name as [owner, rest]; the owner is "" for a name that anybody may take. */
export function splitOwner(ecosystem: Ecosystem, name: string): [string, string] {
  if (ecosystem === "golang") {
    const [host = "", account = "", ...rest] = name.replace(GO_MAJOR, "").split("/")
    return rest.length === 0 ? [host, account] : [`${host}/${account}`, rest.join("/")]
  }
  if (!name.startsWith("@")) return ["", name]
  const slash = name.indexOf("/")
  return slash < 0 ? ["", name] : [name.slice(1, slash), name.slice(slash + 1)]
}

/** The well-known name with the same last part and an owner that reads like this one. */
export function compareOwner(
  ecosystem: Ecosystem,
  owner: string,
  base: string,
  names: PopularNames,
): { of: string; how: string } | null {
  const { byOwner, byBase } = ownersOf(ecosystem, names)
  if (byOwner.find(hashText(owner), (id) => splitOwner(ecosystem, names.nameAt(id))[0] === owner) >= 0) return null
  let how: string | undefined
  const found = byBase.find(hashText(base), (id) => {
    const [other, otherBase] = splitOwner(ecosystem, names.nameAt(id))
    how = otherBase === base ? compareOwners(owner.toLowerCase(), other) : undefined
    return how !== undefined
  })
  return found < 0 ? null : { of: names.nameAt(found), how: how! }
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

function ownersOf(ecosystem: Ecosystem, names: PopularNames): Owners {
  const known = indexes.get(names)
  if (known !== undefined) return known
  const { bytes, starts, count } = names
  const index = { byOwner: createHashTable(count), byBase: createHashTable(count) }
  for (let id = count - 1; id >= 0; id--) {
    const from = starts[id]!
    if (ecosystem === "golang") {
      const [owner, base] = splitOwner(ecosystem, names.nameAt(id))
      index.byOwner.add(hashText(owner), id)
      index.byBase.add(hashText(base), id)
    } else if (bytes[from] === AT) {
      const slash = bytes.indexOf(SLASH, from)
      index.byOwner.add(hashBytes(bytes, from + 1, slash), id)
      index.byBase.add(hashBytes(bytes, slash + 1, starts[id + 1]! - 1), id)
    }
  }
  indexes.set(names, index)
  return index
}
