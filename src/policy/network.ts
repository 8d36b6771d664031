// What the gate has to know of the policy's rules about requests before, and after, it decides one.
import { isPrivateHost } from "./addresses.ts"
import type { CompiledPolicy, ListRule } from "./compiled.ts"
import { reachesPort, visitHostRules } from "./decide-network.ts"
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
  /** Where it is not looked into: not even TLS is expected. */
  raw?: true
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

interface HostView {
  needs: NetworkNeeds
  reachable: boolean
}

/** Hosts that are remembered for one policy; an agent chooses how many there are. */
const MAX_HOSTS = 2_000

const views = new WeakMap<CompiledPolicy, Map<string, HostView>>()

/** What the gate needs for a canonical host and a port. Cheap: the answers for the last hosts are kept. */
export function networkNeeds(policy: CompiledPolicy, host: string, port: number): NetworkNeeds {
  return viewOf(policy, host, port).needs
}

/**
 * False where every verdict on a request to a canonical host and a port is a deny, whatever the request says: it can be refused before its
 * first byte. In observe mode only the floor denies.
 */
export function couldReach(policy: CompiledPolicy, host: string, port: number): boolean {
  return viewOf(policy, host, port).reachable
}

function viewOf(policy: CompiledPolicy, host: string, port: number): HostView {
  let known = views.get(policy)
  if (!known) {
    known = new Map()
    views.set(policy, known)
  }
  const key = `${port} ${host}`
  let view = known.get(key)
  if (!view) {
    const rules = rulesFor(policy, host, port)
    view = { needs: needsOf(rules), reachable: isReachable(policy, rules, host) }
    if (known.size >= MAX_HOSTS) known.clear()
    known.set(key, view)
  }
  return view
}

const asking = new WeakMap<CompiledPolicy, boolean>()

/** Whether any rule about requests, or about what goes onto them, asks people. */
export function asksPeople(policy: CompiledPolicy): boolean {
  let known = asking.get(policy)
  if (known === undefined) {
    known = policy.listRules.some(
      ({ kind, effect }) => effect === "ask" && (kind === "network" || kind === "credential"),
    )
    asking.set(policy, known)
  }
  return known
}

/** Rules for a host and a port; those whose pattern is nearest to the host come first, equal ones by id. */
function rulesFor(policy: CompiledPolicy, host: string, port: number): ListRule<NetworkAction>[] {
  const found: ListRule<NetworkAction>[] = []
  visitHostRules(policy, host, (rules) => {
    found.push(...rules.filter((rule) => reachesPort(rule, port)).sort((a, b) => (a.id < b.id ? -1 : 1)))
  })
  return found
}

const CARE = ["inert", "redact", "refuse"] as const

function needsOf(rules: readonly ListRule<NetworkAction>[]): NetworkNeeds {
  const passes = rules.some(({ inspect }) => inspect === false) && !rules.some(looksInside)
  const selectors = rules.flatMap(({ source }) => Object.keys((source["where"] as object | undefined) ?? {}))
  const service = rules.find((rule) => rule.service !== undefined)?.service
  const placeholders = CARE.findLast((care) => rules.some((rule) => rule.placeholders === care))
  return {
    inspect: !passes,
    ...(passes && rules.some(({ raw }) => raw) && { raw: true as const }),
    http2: rules.some(({ http2 }) => http2 === true),
    selectors: [...new Set(selectors)].sort(),
    classify: rules.some(({ source }) => source["operations"] !== undefined || source["access"] !== undefined),
    ...(service !== undefined && { service }),
    ...(placeholders !== undefined && { placeholders }),
  }
}

/** Whether a rule cannot do without what is inside a connection: to match, to ask, to inject or to count. */
function looksInside(rule: ListRule<NetworkAction>): boolean {
  return (
    rule.effect === "ask" ||
    [rule.credential, rule.service, rule.http2, rule.placeholders].some((value) => value !== undefined) ||
    rule.clauses.some(({ field }) => field !== "host" && field !== "port") ||
    (rule.budget?.some(({ unit }) => unit === "tokens" || unit === "usd") ?? false)
  )
}

function isReachable(policy: CompiledPolicy, rules: readonly ListRule<NetworkAction>[], host: string): boolean {
  // Rules that are only observed neither open nor close anything in a policy that enforces.
  const inForce = rules.filter(({ mode }) => mode === policy.mode)
  const opening = inForce.filter(({ effect }) => effect !== "deny")
  if (isPrivateHost(host) && !opening.some(({ addresses }) => addresses !== undefined)) return false
  if (policy.mode === "observe") return true
  const closed = inForce.some(
    ({ effect, clauses }) => effect === "deny" && clauses.every(({ field }) => field === "host" || field === "port"),
  )
  return opening.length > 0 && !closed
}
