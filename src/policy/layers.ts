// Settings of several layers -> the strictest of them. A layer below can tighten what one above says, never loosen it.
import type { Defaults, MissingEffects, Rule } from "./compiled.ts"
import { FACT_NAMES, MISSING_REASONS } from "./evidence-names.ts"
import { builtIn, createRule } from "./rules.ts"
import type { PolicyDocument } from "./schema.ts"
import { SEVERITIES } from "./severities.ts"
import type { Effect, Mode, Severity } from "./types.ts"
import type { YamlFile } from "./yaml.ts"

export interface Layer {
  document: PolicyDocument
  yaml: YamlFile
}

const RANK: Readonly<Record<Effect, number>> = { allow: 0, ask: 1, deny: 2 }

/** The stricter of two effects. */
export function stricter(a: Effect, b: Effect): Effect {
  return RANK[a] >= RANK[b] ? a : b
}

/** `observe` only where every layer says so. */
export function mergeMode(layers: readonly Layer[]): Mode {
  return layers.length > 0 && layers.every(({ document }) => document.mode === "observe") ? "observe" : "enforce"
}

/** What an advisory without a severity counts as: the gravest that a layer with package rules says, `high` where silent. */
export function mergeUnknownSeverity(layers: readonly Layer[]): Severity {
  const stated = layers.flatMap(({ document }) =>
    document.packages ? [document.packages["unknown-severity"] ?? "high"] : [],
  )
  return stated.reduce<Severity>(
    (a, b) => (SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b),
    stated[0] ?? "high",
  )
}

/** Effect of every fact and reason: within a layer the fact's own word, then the reason's, then `default`, then ask. */
export function mergeMissing(layers: readonly Layer[]): MissingEffects {
  const sections = layers.flatMap(({ document }) => (document.packages ? [document.packages] : []))
  const effectIn = (
    unknown: NonNullable<PolicyDocument["packages"]>["unknown"],
    fact: string,
    reason: string,
  ): Effect => {
    if (unknown === undefined) return "ask"
    if (typeof unknown === "string") return unknown
    return unknown[fact] ?? unknown[reason] ?? unknown["default"] ?? "ask"
  }
  const effects: Record<string, Record<string, Effect>> = {}
  for (const fact of FACT_NAMES) {
    const row: Record<string, Effect> = {}
    for (const reason of MISSING_REASONS) {
      row[reason] = sections
        .map(({ unknown }) => effectIn(unknown, fact, reason))
        .reduce(stricter, sections.length > 0 ? "allow" : "ask")
    }
    effects[fact] = row
  }
  return effects as MissingEffects
}

/** The defaults that are written down, one rule a layer, and what happens where none is. */
export function mergeDefaults(
  layers: readonly Layer[],
  section: "packages" | "mounts" | "mcp" | "skills",
  mode: Mode,
  place: (layer: number, path: readonly string[]) => string,
): Defaults {
  const rules: Rule[] = []
  for (const [index, { document }] of layers.entries()) {
    const stated = typeof document.default === "string" ? document.default : document.default?.[section]
    if (stated === undefined) continue
    const path = typeof document.default === "string" ? ["default"] : ["default", section]
    rules.push(
      createRule({
        id: path.join("."),
        place: place(index, path),
        effect: stated,
        code: "policy.default",
        mode,
        layer: index,
        path,
      }),
    )
  }
  return { rules, fallback: builtIn("default", "allow", "policy.default", mode) }
}

/** The network and credentials have no say in this: what no rule names is denied. */
export function closedDefaults(section: "network" | "credentials", mode: Mode): Defaults {
  const [code, allowed] =
    section === "network" ? ["network.host-denied", "network.allowed"] : ["credential.denied", "credential.allowed"]
  const lifted = {
    ...builtIn(`${section}.approved`, "allow", allowed as string, mode),
    reason: "A person approved it.",
  }
  return { rules: [], fallback: builtIn(`${section}.default`, "deny", code as string, mode), lifted }
}
