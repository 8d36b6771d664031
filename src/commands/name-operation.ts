// What a service calls a request that somebody typed: rules may be about that.
import type { CompiledPolicy } from "../policy/compiled.ts"
import { networkNeeds } from "../policy/network.ts"
import type { Action, NetworkAction } from "../policy/types.ts"

const SCHEMES = ["https", "http", "wss", "ws"] as const

/** A request with its operation, where rules of its host look at one and its method, path and query tell it; else as it was. */
export async function nameOperation(policy: CompiledPolicy, action: Action): Promise<Action> {
  if (action.kind !== "network" || action.operation !== undefined) return action
  const needs = networkNeeds(policy, action.host, action.port)
  const scheme = SCHEMES.find((known) => known === action.scheme)
  if (!needs.classify || scheme === undefined) return action
  const { classify } = await import("../gateway/services/index.ts")
  const { method, host, port, path } = action
  const seen = { method, scheme, host, port, path, query: queryOf(action), headers: {} }
  const { operation, access } = await classify(seen, needs.service)
  return operation === "" ? action : { ...action, operation, access: action.access ?? access }
}

function queryOf({ fields = {} }: NetworkAction): string {
  const pairs = new URLSearchParams()
  for (const [selector, value] of Object.entries(fields)) {
    if (!selector.startsWith("query.")) continue
    for (const one of Array.isArray(value) ? value : [value]) pairs.append(selector.slice(6), String(one))
  }
  return pairs.toString()
}
