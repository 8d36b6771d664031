// Putting compiled rules where `decide` looks for them.
import type { HostIndex, ListRule, NameIndex } from "./compiled.ts"
import { parseHostPattern } from "./hosts.ts"
import { createNameIndex } from "./name-index.ts"
import type { NetworkAction } from "./types.ts"

/** Rules by what their server begins with where it is exact; patterns are looked at for every server. */
export function mcpKey(subject: string): string {
  const server = subject.split("/")[0] ?? ""
  return server.includes("*") ? "*" : server
}

/** Adds a request rule under its host pattern. */
export function addHost(hosts: HostIndex, rule: ListRule<NetworkAction>): void {
  const pattern = parseHostPattern(rule.subject)
  if (!pattern) throw new Error("a host pattern was compiled before")
  if (pattern.kind === "any") hosts.any.push(rule)
  else if (pattern.kind === "exact") push(hosts.exact, pattern.host, rule)
  else push(hosts[pattern.kind], pattern.suffix, rule)
}

function push<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key)
  if (list) list.push(item)
  else map.set(key, [item])
}

/** Items by a key. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) push(groups, keyOf(item), item)
  return groups
}

/** The index of one ecosystem, made where there is none. */
export function indexOf<T>(indexes: Map<string, NameIndex<T>>, ecosystem: string): NameIndex<T> {
  let index = indexes.get(ecosystem)
  if (!index) {
    index = createNameIndex()
    indexes.set(ecosystem, index)
  }
  return index
}
