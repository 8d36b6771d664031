// What registries state version by version: a listing goes without it.
import type { Ecosystem, PackageFactName, PackageFacts } from "../policy/types.ts"

/** Facts that an ecosystem's registry states version by version, each for a request of its own. */
export const DETAILS: Record<Ecosystem, readonly PackageFactName[]> = {
  npm: [],
  // Times only where the index states none (PEP 700): many mirrors.
  pypi: ["published", "license"],
  cargo: ["license", "installScripts"],
  golang: ["published", "license"],
}

/**
 * Facts in which what was never asked for says so, instead of looking as if the registry stated nothing. `verify`: provenance is verified
 * version by version as well.
 */
export function withoutDetails(facts: PackageFacts, ecosystem: Ecosystem, verify: boolean): PackageFacts {
  const lacking = DETAILS[ecosystem].filter((fact) => facts[fact] === undefined)
  if (lacking.length === 0 && !verify) return facts
  const missing = { ...facts.missing }
  for (const fact of lacking) missing[fact] = "not-collected"
  const open = { ...facts, missing }
  if (lacking.length > 0) {
    delete open.score
    missing.score = "not-collected"
  }
  if (verify) {
    delete open.provenance
    missing.provenance = "not-collected"
  }
  return open
}
