// What the rules of every list but `packages.rules` have in common.
import type { LayerContext } from "./compile-packages.ts"
import type { Clause, ListRule } from "./compiled.ts"
import { createRule } from "./rules.ts"
import type { PolicyDocument } from "./schema.ts"
import type { Action, Effect } from "./types.ts"
import type { Path } from "./yaml.ts"

/** One entry of a list, as written. */
export type Source<K extends "network" | "credentials" | "mounts" | "mcp" | "skills"> = NonNullable<
  PolicyDocument[K]
>[number]

const CODES: Readonly<Record<Exclude<Action["kind"], "package">, Readonly<Record<Effect, string>>>> = {
  network: { deny: "network.host-denied", ask: "network.approval", allow: "network.allowed" },
  credential: { deny: "credential.denied", ask: "credential.approval", allow: "credential.allowed" },
  mount: { deny: "mount.denied", ask: "mount.approval", allow: "mount.allowed" },
  mcp: { deny: "mcp.denied", ask: "mcp.approval", allow: "mcp.allowed" },
  skill: { deny: "skill.denied", ask: "skill.approval", allow: "skill.allowed" },
}

/** Completes a rule of a list with its clauses; the first of them is its subject. */
export function listRule<A extends Exclude<Action, { kind: "package" }>>(
  kind: A["kind"],
  source: Source<"network" | "credentials" | "mounts" | "mcp" | "skills">,
  effect: Effect,
  layer: LayerContext,
  path: Path,
  clauses: readonly Clause<A>[],
  id = source.id,
): ListRule<A> {
  const rule = createRule({
    id,
    place: layer.place(path),
    effect,
    code: CODES[kind][effect],
    mode: layer.mode === "observe" ? "observe" : (source.mode ?? "enforce"),
    layer: layer.layer,
    path,
    note: source.reason,
    instead: source.instead,
    approvers: source.approvers,
    risk: source.risk,
  })
  return { ...rule, kind, subject: source[effect] as string, clauses, source }
}
