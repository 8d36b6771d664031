// Rights of one agent that are narrower than the policy: evidence like any other.

/**
 * Rights that are narrower than the policy's: those of an agent in a swarm, never more than its parent's. What is absent is not narrowed, and
 * nothing in here allows anything.
 */
export interface Scope {
  /** Ids of the rules on requests that may let something through, or ask. */
  rules?: readonly string[]
  credentials?: readonly string[]
  /** Host patterns as rules have them: it sends requests, and uses credentials, there alone. */
  hosts?: readonly string[]
  /** No package at all, or those that patterns name: purls without a version, or beginnings that end in `*`. */
  packages?: false | readonly string[]
  budgets?: readonly ScopeBudget[]
}

/** A limit of one agent. */
export interface ScopeBudget {
  unit: "requests" | "tokens" | "bytes" | "usd"
  limit: number
  window: "minute" | "hour" | "day" | "run"
  /** Its key in `Counters`. */
  counter: string
  /** The run whose window it is, where that is not the one that asks: a parent's. */
  run?: string
}
