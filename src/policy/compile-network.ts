// The rules of `network` and `credentials` -> clauses.
import { hostClause, methodClause, pathClause } from "./clauses.ts"
import type { LayerContext } from "./compile-packages.ts"
import type { Budget, Clause, ListRule } from "./compiled.ts"
import { listRule, type Source } from "./list-rule.ts"
import { createRule } from "./rules.ts"
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
  const clauses: Clause<NetworkAction>[] = [hostClause([source[effect] as string], layer, [...path, effect])]
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.ports || effect === "allow") {
    const ports = new Set(source.ports ?? [443])
    clauses.push({
      field: "port",
      wanted: [...ports].join(", "),
      holds: ({ port }) => ports.has(port),
      actual: ({ port }) => String(port),
    })
  }
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
  const rule = listRule<NetworkAction>("network", source, effect, layer, path, clauses)
  if (source.credential !== undefined) rule.credential = source.credential
  if (source.budget) rule.budget = compileBudget(source, rule, layer, path)
  return rule
}

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
  if (source.methods) clauses.push(methodClause(source.methods))
  if (source.paths) clauses.push(pathClause(source.paths, effect !== "allow", layer, [...path, "paths"]))
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

const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 }
function compileBudget(
  source: Source<"network">,
  rule: ListRule<NetworkAction>,
  layer: LayerContext,
  path: Path,
): Budget[] {
  return Object.entries(source.budget ?? {}).map(([unit, text]) => {
    const [, amount = "0", scale = "", window = ""] = /^([\d.]+)([kMG]?)\/(\w+)$/.exec(text) ?? []
    const place = layer.place([...path, "budget", unit])
    const exceeded = createRule({
      id: `${source.id}.budget.${unit}`,
      place,
      effect: "deny",
      code: "budget.exceeded",
      mode: rule.mode,
      layer: layer.layer,
      path,
    })
    return {
      unit,
      limit: Number(amount) * (SCALE[scale] ?? 1),
      window,
      counter: `${source.id}/${unit}`,
      rule: exceeded,
    }
  })
}
