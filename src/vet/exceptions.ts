// Which exceptions let something through, and which are only left over.
import type { CompiledPolicy, Exception } from "../policy/compiled.ts"
import { canLift, reachesAdvisory } from "../policy/decide-package.ts"
import type { AppliedException, PackageAction, PackageFacts, Verdict } from "../policy/types.ts"
import type { ExceptionUse } from "./report.ts"

const MAX_PACKAGES = 100

/** A tally over all exceptions of the policy; `now` tells which have expired. */
export function createExceptionTally({ packages }: CompiledPolicy, now: number) {
  const uses = new Map<AppliedException, ExceptionUse & { exception: Exception }>()
  for (const exception of packages.allExceptions) {
    const { applied, subject, ends, range } = exception
    uses.set(applied, {
      exception,
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
    count(action: PackageAction, facts: PackageFacts, verdict: Verdict): void {
      for (const applied of verdict.excepted ?? []) {
        const use = uses.get(applied)
        if (use === undefined) continue
        use.state = "used"
        use.count++
        use.packages ??= []
        if (use.packages.length < MAX_PACKAGES) {
          use.packages.push({ purl: action.purl, advisories: setAside(use.exception, action, facts) })
        }
      }
    },
    summary: (): ExceptionUse[] => [...uses.values()].map(({ exception: _, ...use }) => use),
  }

  /** The advisories on which its rules matched, as far as the exception reaches them. */
  function setAside(exception: Exception, action: PackageAction, facts: PackageFacts): string[] {
    if (!exception.of.startsWith("vulnerability.")) return []
    const found = packages.conditions
      .filter((condition) => condition.code === exception.of && canLift(exception, condition))
      .flatMap((condition) => condition.test(facts, action, now)?.evidence ?? [])
    return [...new Set(found.filter((item) => reachesAdvisory(exception, item)).map((item) => String(item["id"])))]
  }
}
