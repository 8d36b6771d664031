// What a person's yes to a request covers: that very request, or what the same rules ask about the same host.
import { canonicalText } from "../audit/sealing/canonical.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Verdict } from "../policy/types.ts"
import { digestOf } from "./binding.ts"
import type { NetworkArguments } from "./types.ts"

/** Other rules that a verdict names at most: where so many do, there may be more. */
const MAX_ALSO = 20

/** Ids of the rules that ask about a request, as its arguments have them. `also` is absent where not all of them are known. */
export function askingRules({
  rule,
  also = [],
}: Pick<Verdict, "rule" | "also">): Pick<NetworkArguments, "rule" | "also"> {
  const others = also.filter(({ effect }) => effect === "ask").map((one) => idOfLabel(one.rule))
  return { rule: idOfLabel(rule), ...(also.length < MAX_ALSO && { also: [...new Set(others)].sort() }) }
}

/** The id in a rule's label, which has its place behind it. */
function idOfLabel(label: string): string {
  return label.replace(/ \([^()]*\)$/, "")
}

/** Names rules as they are written in a policy: another hash where one of them says something else. Rules of no list, the whole policy's. */
export function hashRules(policy: Pick<CompiledPolicy, "hash" | "listRules">, ids: readonly string[]): string {
  const written = [...new Set(ids)].sort().map((id) => {
    const rules = policy.listRules.filter((rule) => rule.id === id)
    return [id, rules.length === 0 ? policy.hash : rules.map(({ kind, layer, source }) => ({ kind, layer, source }))]
  })
  return digestOf(canonicalText(written))
}

/** Ids of the rules that a request's arguments name, of which each asks `group`. */
export function rulesOfGroup(
  policy: Pick<CompiledPolicy, "listRules">,
  { rule, also = [] }: Pick<NetworkArguments, "rule" | "also">,
  group: string,
): string[] {
  const asks = (id: string) => {
    const found = policy.listRules.filter((one) => one.id === id)
    return found.length === 0 ? group === "" : found.some(({ approvers = "" }) => approvers === group)
  }
  return [rule, ...also].filter(asks)
}

/** Whether two requests are the same to their recipient: everything that is sent, and everything that a rule binds. */
export function isSameRequest(a: NetworkArguments, b: NetworkArguments): boolean {
  return a.host === b.host && a.path === b.path && canonicalText(sentOf(a)) === canonicalText(sentOf(b))
}

function sentOf(request: NetworkArguments) {
  const { rule: _, also: __, codes: ___, reason: ____, shown: _____, provenance: ______, ...sent } = request
  return sent
}

/** Whether a request is what the same rules ask about the same host, so that a yes to the one, given alike, covers the other. */
export function isAlike(
  policy: Pick<CompiledPolicy, "listRules">,
  group: string,
  granted: NetworkArguments,
  request: NetworkArguments,
): boolean {
  const { host, port, scheme, credential, opening } = granted
  if (request.also === undefined || request.host !== host || request.port !== port || request.scheme !== scheme)
    return false
  if (request.credential !== credential || request.opening !== opening) return false
  const rules = rulesOfGroup(policy, granted, group)
  const asking = rulesOfGroup(policy, request, group)
  return asking.length > 0 && asking.every((id) => rules.includes(id))
}
