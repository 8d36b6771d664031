// Counting what was not known: on every run, whatever the policy makes of it.
import type { Dependency } from "../packages/types.ts"
import { isMissing } from "../policy/evidence-names.ts"
import type { PackageFactName, PackageFacts } from "../policy/types.ts"
import type { MissingSummary } from "./report.ts"

const EXAMPLES = 3

/** A tally of the facts that the policy's rules need and that are not there. */
export function createMissingTally(needs: readonly PackageFactName[]) {
  const found = new Map<string, MissingSummary>()
  // Offline, thousands of packages share one object of facts.
  const known = new Map<PackageFacts, readonly MissingSummary[]>()

  function missingIn(facts: PackageFacts): readonly MissingSummary[] {
    const list: MissingSummary[] = []
    for (const fact of needs) {
      // A hash that nobody could compare is there, and still not known to be right.
      const uncompared = fact === "integrity" && facts.integrity === "present"
      if (!isMissing(facts, fact) && !uncompared) continue
      const reason = facts.missing?.[fact] ?? facts.absent ?? "not-collected"
      const key = `${fact} ${reason}`
      let entry = found.get(key)
      if (entry === undefined) {
        entry = { fact, reason, packages: 0, examples: [] }
        found.set(key, entry)
      }
      list.push(entry)
    }
    return list
  }

  return {
    count(dependency: Dependency, facts: PackageFacts): void {
      let list = known.get(facts)
      if (list === undefined) {
        list = missingIn(facts)
        if (Object.isFrozen(facts)) known.set(facts, list)
      }
      for (const entry of list) {
        entry.packages++
        if (entry.examples.length < EXAMPLES) entry.examples.push(dependency.purl)
      }
    },
    summary: (): MissingSummary[] =>
      [...found.values()].sort((a, b) => b.packages - a.packages || (a.fact < b.fact ? -1 : 1)),
  }
}
