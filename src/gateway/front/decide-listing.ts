// All versions of a package, decided: what a listing may show, and what it must say of the rest.
import type { CompiledPolicy } from "../../policy/compiled.ts"
import { decide } from "../../policy/decide.ts"
import type { Grant } from "../../policy/grant-types.ts"
import type { Ecosystem, PackageAction, PackageFacts, Verdict } from "../../policy/types.ts"

export interface ListingInput {
  policy: CompiledPolicy
  /** Milliseconds since the epoch. */
  now: number
  ecosystem: Ecosystem
  versions: readonly string[]
  actionFor: (version: string) => PackageAction
  factsFor: (version: string) => PackageFacts
  /** What people agreed to for this agent and package. */
  grantsFor: (purl: string) => readonly Grant[]
}

/**
 * Decides every version of a listing. Versions that are allowed are left out of the result, and so are those against which only
 * facts speak that are collected when their bytes are asked for: they are decided then.
 */
export function decideListing(input: ListingInput): Map<string, Verdict> {
  const { policy, now } = input
  const refused = new Map<string, Verdict>()
  for (const version of input.versions) {
    const action = input.actionFor(version)
    const grants = input.grantsFor(action.purl)
    const evidence = { now, facts: input.factsFor(version), ...(grants.length > 0 && { grants }) }
    const verdict = decide(policy, action, evidence)
    if (verdict.effect !== "allow" && verdict.mode === "enforce" && !isOpen(verdict)) refused.set(version, verdict)
  }
  return refused
}

/** Nothing is known against it, and what is not known was not asked for yet. */
export function isOpen(verdict: Verdict): boolean {
  return (
    verdict.code === "evidence.missing" &&
    verdict.also === undefined &&
    verdict.evidence.every((item) => item.kind === "missing" && item["reason"] === "not-collected")
  )
}
