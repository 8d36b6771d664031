// What the gate has to know of the policy's rules about requests before, and after, it decides one.
import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { visitHostRules } from "./decide.ts"
import type { NetworkAction } from "./types.ts"

/** The rules that match a request, of every effect: whose credential goes onto it, and whose budgets it counts against. */
export function matchingRules(policy: CompiledPolicy, action: NetworkAction): ListRule<NetworkAction>[] {
  const found: ListRule<NetworkAction>[] = []
  visitHostRules(policy, action.host, (rules) => {
    for (const rule of rules) {
      if (rule.clauses.every((clause, index) => index === 0 || clause.holds(action))) found.push(rule)
    }
  })
  return found
}

/** What rules say about a host before a request is read: the most careful of them counts. */
export interface NetworkNeeds {
  /** False where a rule says not to look inside this host, and no other rule of it needs to. */
  inspect: boolean
  /** Some rule names HTTP/2. */
  http2: boolean
  /** Selectors that rules of this host look at. */
  selectors: readonly string[]
  /** The service that a rule names for the host. */
  service?: string
  /** Some rule looks at `operation` or `access`. */
  classify: boolean
  /** What becomes of placeholders elsewhere than in their slot; where no rule says so, `inert` for a model's host, and `refuse` else. */
  placeholders?: "inert" | "redact" | "refuse"
}
