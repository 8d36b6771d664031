// Which exceptions let something through, and which are only left over.
import type { Dependency } from "../packages/types.ts"
import type { Exception } from "../policy/compiled.ts"
import type { AppliedException, PackageFacts, Verdict } from "../policy/types.ts"
import type { ExceptionUse } from "./report.ts"

const MAX_PACKAGES = 100

/** A tally over all exceptions of the policy; `now` tells which have expired. */
export function createExceptionTally(exceptions: readonly Exception[], now: number) {
  const uses = new Map<AppliedException, ExceptionUse>()
  for (const { applied, subject, ends, range } of exceptions) {
    uses.set(applied, {
      rule: applied.rule,
      subject: range === undefined ? subject : `${subject} ${range.text}`,
      of: applied.code,
      owner: applied.owner,
      expires: applied.expires,
      state: now < ends ? "unused" : "expired",
      count: 0,
    })
  }
  return {
    count(dependency: Dependency, facts: PackageFacts, verdict: Verdict): void {
      for (const applied of verdict.excepted ?? []) {
        const use = uses.get(applied)
        if (use === undefined) continue
        use.state = "used"
        use.count++
        use.packages ??= []
        if (use.packages.length < MAX_PACKAGES) {
          use.packages.push({ purl: dependency.purl, advisories: setAside(applied.code, facts) })
        }
      }
    },
    summary: (): ExceptionUse[] => [...uses.values()],
  }
}

function setAside(code: string, facts: PackageFacts): string[] {
  return code.startsWith("vulnerability.") ? (facts.advisories ?? []).map(({ id }) => id) : []
}
