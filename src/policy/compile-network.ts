// The rules of `network` and `credentials` -> clauses.
import { accessClause, hostClause, methodClause, operationClause, pathClause, portClause } from "./clauses.ts"
import { compileBudget, compileHandling } from "./compile-handling.ts"
import type { LayerContext } from "./compile-packages.ts"
import type { Clause, ListRule } from "./compiled.ts"
import { listRule, type Source } from "./list-rule.ts"
import { compileWhere } from "./selectors.ts"
import { plainText } from "./text.ts"
import type { CredentialAction, Effect, NetworkAction } from "./types.ts"
import type { Path } from "./yaml.ts"

/** A request rule; the first clause is the host. */
export function compileNetworkRule(
  source: Source<"network">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<NetworkAction> {
  const restricts = effect !== "allow"
  const clauses: Clause<NetworkAction>[] = [hostClause([source[effect] as string], layer, [...path, effect])]
  if (source.methods) clauses.push(methodClause(source.methods))
  const ports = portsOf(source, effect)
  if (ports) clauses.push(portClause(ports))
  if (source.paths) clauses.push(pathClause(source.paths, restricts, layer, [...path, "paths"]))
  clauses.push(...insideClauses(source, restricts, layer, path))
  const rule = listRule<NetworkAction>("network", source, effect, layer, path, clauses)
  if (source.credential !== undefined) rule.credential = source.credential
  if (source.budget) rule.budget = compileBudget(source, rule, layer, path)
  compileHandling(source, effect, rule, layer, path)
  return rule
}

/** What only a request has: what it is to its service, and what is in it. */
function insideClauses(
  source: Source<"network">,
  restricts: boolean,
  layer: LayerContext,
  path: Path,
): Clause<NetworkAction>[] {
  const { access, operations, where } = source
  return [
    ...(access ? [accessClause(access)] : []),
    ...(operations ? [operationClause(operations, restricts, layer, [...path, "operations"])] : []),
    ...(where ? compileWhere(where, !restricts, layer, [...path, "where"]) : []),
  ]
}

/** A clause of a request, asked of the use of a credential: where only its destination is known, that decides. */
const ofRequest = ({ field, wanted, holds, actual }: Clause<NetworkAction>): Clause<CredentialAction> => ({
  ...{ field, wanted },
  holds: ({ request }) => request === undefined || holds(request),
  actual: ({ request }) => (request === undefined ? "none" : actual(request)),
})

/** Ports that a rule is about; undefined for every one. */
const portsOf = (source: Source<"network">, effect: Effect) => source.ports ?? (effect === "allow" ? [443] : undefined)

/** What a network rule with a credential says about that credential: it may go where the rule reaches. */
export function credentialOfNetworkRule(
  source: Source<"network">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<CredentialAction> | undefined {
  if (source.credential === undefined || effect === "deny") return undefined
  const clauses: Clause<CredentialAction>[] = [
    nameClause(source.credential),
    hostClause([source[effect] as string], layer, [...path, effect]),
  ]
  const restricts = effect !== "allow"
  if (source.methods) clauses.push(methodClause(source.methods))
  const ports = portsOf(source, effect)
  if (ports) clauses.push(portClause(ports))
  if (source.paths) clauses.push(pathClause(source.paths, restricts, layer, [...path, "paths"]))
  clauses.push(...insideClauses(source, restricts, layer, path).map(ofRequest))
  return {
    ...listRule<CredentialAction>("credential", source, effect, layer, path, clauses),
    subject: source.credential,
  }
}

/** A credential rule; the first clause is the credential's name. */
export function compileCredentialRule(
  source: Source<"credentials">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
): ListRule<CredentialAction> {
  const clauses: Clause<CredentialAction>[] = [nameClause(source[effect] as string)]
  if (source.hosts) clauses.push(hostClause(source.hosts, layer, [...path, "hosts"]))
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.ports) clauses.push(portClause(source.ports))
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
  return listRule<CredentialAction>("credential", source, effect, layer, path, clauses)
}

function nameClause(name: string): Clause<CredentialAction> {
  return {
    field: "credential",
    wanted: name,
    holds: ({ credential }) => name === "*" || credential === name,
    actual: ({ credential }) => plainText(credential, 200),
  }
}
