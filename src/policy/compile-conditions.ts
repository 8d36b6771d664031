// What the packages section says about evidence: conditions, pinned scopes and listed registries.
import type { LayerContext, Packages } from "./compile-packages.ts"
import type { Condition, Rule } from "./compiled.ts"
import { CONDITIONS, type ConditionContext, needsOf } from "./conditions.ts"
import { parseLicense } from "./licenses.ts"
import { originOf } from "./origins.ts"
import { formatPurlPattern, matchesName, type PurlPattern, parseScope } from "./purl-pattern.ts"
import { createRule } from "./rules.ts"
import { plainText } from "./text.ts"
import { type Path, policyError } from "./yaml.ts"

/** Conditions of one layer, pinned scopes included. */
export function compileConditions(packages: Packages, layer: LayerContext, context: ConditionContext): Condition[] {
  const conditions: Condition[] = []
  for (const effect of ["deny", "ask"] as const) {
    const section = packages[effect]
    if (!section) continue
    for (const { key, codes, compile } of CONDITIONS) {
      const value = section[key]
      if (value === undefined) continue
      const path: Path = ["packages", effect, key]
      if (key === "licenses" || key === "licenses-except") checkLicenses(value as string[], layer, path)
      const rules = new Map<string, Rule>()
      for (const code of codes) {
        rules.set(
          code,
          createRule({
            id: `packages.${effect}.${key}`,
            place: layer.place(path, true),
            effect,
            code,
            mode: layer.mode,
            layer: layer.layer,
            path,
          }),
        )
      }
      const code = key === "provenance" && value === "no-downgrade" ? "provenance.downgrade" : codes[0]
      const own = rules.get(code) as Rule
      const test = compile(value as never, context)
      conditions.push({
        ...own,
        key,
        value,
        needs: needsOf(key, value),
        test: (facts, action, now) => {
          const match = test(facts, action, now)
          return match && { evidence: match.evidence, rule: rules.get(match.code ?? code) ?? own }
        },
      })
    }
  }
  for (const [index, { scope, upstream }] of (packages.registries ?? []).entries()) {
    if (scope === undefined) continue
    const path: Path = ["packages", "registries", index]
    const pattern = parseScope(scope)
    if (!pattern)
      policyError(
        "scope is not a scope",
        layer.yaml.where([...path, "scope"]),
        'it wants "@acme/*" or a purl such as pkg:pypi/acme-*',
      )
    conditions.push(pinnedScope(pattern as PurlPattern, upstream, layer, path))
  }
  return conditions
}

/** A misspelt licence would never match, so it is an error. */
function checkLicenses(listed: readonly string[], layer: LayerContext, path: Path): void {
  for (const [index, id] of listed.entries()) {
    const parsed = id === "unknown" ? { license: id } : parseLicense(id)
    if (!parsed || !("license" in parsed)) {
      policyError(
        `${plainText(id, 60)} is not a licence id`,
        layer.yaml.where([...path, index]),
        "it wants one SPDX id such as MIT or GPL-3.0-or-later, or unknown",
      )
    }
  }
}

/** A package of a pinned scope from anywhere else is refused, so that a public name can never stand in for a private one. */
function pinnedScope(pattern: PurlPattern, upstream: string, layer: LayerContext, path: Path): Condition {
  const home = originOf(upstream)
  const subject = formatPurlPattern(pattern)
  const rule = createRule({
    id: `packages.registries.${subject}`,
    place: layer.place(path),
    effect: "deny",
    code: "source.unverified",
    mode: layer.mode,
    layer: layer.layer,
    path,
  })
  return {
    ...rule,
    key: "registries",
    value: { scope: subject, upstream },
    needs: [],
    test: (facts, action) => {
      if (!matchesName(pattern, action.ecosystem, action.name)) return undefined
      const { source } = action
      if (source.kind === "workspace") return undefined
      if (source.kind === "registry" && source.origin !== "default" && isWithin(originOf(source.origin), home))
        return undefined
      // pnpm and others write no address. The name is asked of its upstream alone, so a hash that matches is the upstream's.
      if (source.kind === "registry" && source.origin === "default" && facts.integrity === "match") return undefined
      const from =
        source.kind !== "registry"
          ? source.kind
          : source.origin === "default"
            ? "the default registry"
            : "another registry"
      return { evidence: [{ kind: "source", source: from, wanted: plainText(upstream, 200) }] }
    },
  }
}

const isWithin = (origin: string, home: string) => origin === home || origin.startsWith(`${home}/`)

/** Whether an origin is, or lies under, one of the registries that the policy lists. */
export function listedRegistries(packages: readonly (Packages | undefined)[]): (origin: string) => boolean {
  const homes = packages.flatMap((section) => section?.registries ?? []).map(({ upstream }) => originOf(upstream))
  return (origin) => homes.some((home) => isWithin(originOf(origin), home))
}
