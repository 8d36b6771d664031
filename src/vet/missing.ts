// Counting what was not known: on every run, whatever the policy makes of it.
import type { Dependency } from "../packages/types.ts"
import type { PackageFactName, PackageFacts } from "../policy/types.ts"
import type { MissingSummary } from "./report.ts"

const EXAMPLES = 3

/** A tally of the facts that the policy's rules need and that are not there. */
export function createMissingTally(needs: readonly PackageFactName[]) {
  const found = new Map<string, MissingSummary>()
  return {
    count(dependency: Dependency, facts: PackageFacts): void {
      for (const fact of needs) {
        // A hash that nobody could compare is there, and still not known to be right.
        const uncompared = fact === "integrity" && facts.integrity === "present"
        if (facts[fact] !== undefined && !uncompared) continue
        const reason = facts.missing?.[fact] ?? facts.absent ?? "not-collected"
        const key = `${fact} ${reason}`
        const entry = found.get(key)
        if (entry === undefined) found.set(key, { fact, reason, packages: 1, examples: [dependency.purl] })
        else {
          entry.packages++
          if (entry.examples.length < EXAMPLES) entry.examples.push(dependency.purl)
        }
      }
    },
    summary: (): MissingSummary[] =>
      [...found.values()].sort((a, b) => b.packages - a.packages || (a.fact < b.fact ? -1 : 1)),
  }
}
