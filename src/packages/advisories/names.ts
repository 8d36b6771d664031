// Ecosystems, names, ids and versions as advisories spell them, brought to the spelling that lockfile readers use.
import type { Ecosystem } from "../../policy/types.ts"

/** OSV's ecosystem names and the purl types they mean here; OSV compares them case-sensitively. */
const ECOSYSTEMS: ReadonlyMap<string, Ecosystem> = new Map([
  ["npm", "npm"],
  ["PyPI", "pypi"],
  ["crates.io", "cargo"],
  ["Go", "golang"],
])

/** OSV's names of the four ecosystems, as its exports are called. */
export const OSV_ECOSYSTEMS: readonly string[] = [...ECOSYSTEMS.keys()]

/** The purl type for OSV's name; undefined for an ecosystem that nanoguard collects no evidence for. */
export function ecosystemOf(osvName: string): Ecosystem | undefined {
  return ECOSYSTEMS.get(osvName)
}

const NAME = /^[^\s\p{C}]{1,512}$/u

/**
 * The canonical name: PEP 503 for Python; npm, Cargo and Go names are case-sensitive and stay as they are.
 * Undefined for what can be no package name: empty, too long, or with white space or control characters.
 */
export function canonicalName(ecosystem: Ecosystem, name: unknown): string | undefined {
  if (typeof name !== "string" || !NAME.test(name)) return undefined
  return ecosystem === "pypi" ? name.toLowerCase().replace(/[-_.]+/g, "-") : name
}

/** An advisory id as the databases form them; undefined for anything else, since ids are shown and compared. */
export function advisoryId(id: unknown): string | undefined {
  return typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9._:-]{1,99}$/.test(id) ? id : undefined
}

/** A version as text that is safe to show and to put into a command: no white space, quotes or control characters. */
export function versionText(version: unknown): string | undefined {
  return typeof version === "string" && /^[A-Za-z0-9][A-Za-z0-9.+!_-]{0,255}$/.test(version) ? version : undefined
}
