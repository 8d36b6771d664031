// Versions that a correction could move to, if more were known of them: Python indexes tell licences, and Go proxies times,
// one version at a time, and a vet has asked about the locked ones only.
import { candidateVersions } from "../packages/candidates.ts"
import type { CorrectionInput } from "../packages/correction.ts"
import { decide } from "../policy/decide.ts"
import type { Ecosystem } from "../policy/types.ts"
import { actionOf } from "./vet.ts"

/** Versions that are looked at, and of those the ones that are asked about. */
const MAX_LOOKED_AT = 200
const MAX_ASKED = 6

/** The nearest versions of a refused package that only evidence stands between and an allow; none where one is allowed before. */
export function versionsToAskAbout(input: CorrectionInput): string[] {
  const { policy, now, dependency, document, factsFor } = input
  const { name, version: current } = dependency
  const ecosystem = dependency.ecosystem as Ecosystem
  if (ecosystem === "npm" || document(name) === undefined) return []
  const judge = { policy, now, ecosystem, factsFor, document, sourceOf: () => dependency.source, budget: { left: 0 } }
  const wanted: string[] = []
  for (const version of candidateVersions(judge, name, current).slice(0, MAX_LOOKED_AT)) {
    const facts = { ...factsFor(name, version), integrity: "match" as const }
    const { effect, code } = decide(policy, actionOf({ ...dependency, version }), { now, facts })
    if (effect === "allow") break
    if (code === "evidence.missing") wanted.push(version)
    if (wanted.length === MAX_ASKED) break
  }
  return wanted
}
