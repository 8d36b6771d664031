// Look-alikes of the part of a name that only its owner can publish under: an npm scope, or a Go module's host and account.
import type { Ecosystem } from "../policy/types.ts"
import { loadPopular } from "./popular.ts"
import { findEdit, foldName, squashName } from "./similarity.ts"

const SHORTEST_OWNER = 4
const GO_MAJOR = /(\/v\d+|\.v\d+)$/

interface Owners {
  owners: Set<string>
  /** Last parts of names with the owners that have one. */
  byBase: Map<string, string[]>
}

const indexes = new Map<Ecosystem, Owners>()

/** A name as [owner, rest]; the owner is "" for a name that anybody may take. */
export function splitOwner(ecosystem: Ecosystem, name: string): [string, string] {
  if (ecosystem === "golang") {
    const path = name.replace(GO_MAJOR, "")
    const [host = "", account = "", ...rest] = path.split("/")
    if (rest.length === 0) return [host, account]
    return [`${host}/${account}`, rest.join("/")]
  }
  if (!name.startsWith("@")) return ["", name]
  const slash = name.indexOf("/")
  return slash < 0 ? ["", name] : [name.slice(1, slash), name.slice(slash + 1)]
}

/** The well-known name with the same last part and an owner that reads like this one. */
export function compareOwner(ecosystem: Ecosystem, owner: string, base: string): { of: string; how: string } | null {
  const { owners, byBase } = ownersOf(ecosystem)
  if (owners.has(owner)) return null
  const lower = owner.toLowerCase()
  for (const other of byBase.get(base) ?? []) {
    const how = compareOwners(lower, other)
    if (how !== undefined) return { of: ecosystem === "npm" ? `@${other}/${base}` : `${other}/${base}`, how }
  }
  return null
}

function compareOwners(owner: string, other: string): string | undefined {
  const folded = squashName(foldName(owner))
  const otherFolded = squashName(foldName(other))
  if (folded === otherFolded) return "an owner that looks alike"
  if (otherFolded.length < SHORTEST_OWNER) return undefined
  const edit = findEdit(owner, other)
  const shortest = edit?.edit === "swapped" ? 4 : edit?.edit === "left out" ? 5 : 6
  if (edit !== undefined && other.length >= shortest) return `an owner with one character ${edit.edit}`
  for (const word of ["js", "go", "io", "org", "hq", "team", "official"]) {
    if (folded === otherFolded + word || folded === word + otherFolded) return "an owner with a word added"
  }
  return undefined
}

function ownersOf(ecosystem: Ecosystem): Owners {
  const known = indexes.get(ecosystem)
  if (known !== undefined) return known
  const owners = new Set<string>()
  const byBase = new Map<string, string[]>()
  for (const name of loadPopular(ecosystem)?.known ?? []) {
    const [owner, base] = splitOwner(ecosystem, name)
    if (owner === "") continue
    owners.add(owner)
    const list = byBase.get(base)
    if (list === undefined) byBase.set(base, [owner])
    else list.push(owner)
  }
  const index = { owners, byBase }
  indexes.set(ecosystem, index)
  return index
}
