// The packages section of one layer -> conditions, rules by name and exceptions.
import type { Condition, Exception, ListRule, Rule } from "./compiled.ts"
import { CONDITIONS, type ConditionContext, needsOf } from "./conditions.ts"
import { parseLicense } from "./licenses.ts"
import { originOf } from "./origins.ts"
import { comparableName, formatPurlPattern, type PurlPattern, parsePurlPattern } from "./purl-pattern.ts"
import { compileRange, exactVersion, type VersionRange } from "./ranges.ts"
import { createRule } from "./rules.ts"
import type { PolicyDocument } from "./schema.ts"
import { plainText } from "./text.ts"
import type { Effect, Mode, PackageAction } from "./types.ts"
import { type Path, policyError, type YamlFile } from "./yaml.ts"

type Packages = NonNullable<PolicyDocument["packages"]>

export interface LayerContext {
  yaml: YamlFile
  layer: number
  mode: Mode
  place: (path: Path, key?: boolean) => string
}

export interface NamedPackageRule {
  rule: ListRule<PackageAction>
  pattern: PurlPattern
}

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
      if (action.ecosystem !== pattern.ecosystem) return undefined
      const name = comparableName(action.ecosystem, action.name)
      if (pattern.prefix ? !name.startsWith(pattern.name) : name !== pattern.name) return undefined
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

function parseScope(scope: string): PurlPattern | undefined {
  const pattern = parsePurlPattern(scope.startsWith("@") ? `pkg:npm/${scope}` : scope)
  return pattern?.version === undefined ? pattern : undefined
}

/** The subject of a package rule or an exception with its range; throws with the place of what is wrong. */
export function compileSubject(
  subject: string,
  versions: string | undefined,
  wide: boolean,
  layer: LayerContext,
  path: Path,
  verb: string,
): { pattern: PurlPattern; range?: VersionRange } {
  const pattern = parsePurlPattern(subject)
  if (!pattern) {
    return policyError(
      `${verb} does not name a package`,
      layer.yaml.where([...path, verb]),
      "it wants a purl such as pkg:npm/left-pad or pkg:npm/@acme/*",
    )
  }
  if (pattern.version !== undefined) {
    if (versions !== undefined)
      policyError(
        "a version is there twice",
        layer.yaml.where([...path, "versions"]),
        "name it in the purl or under versions",
      )
    const range = pattern.ecosystem === "pypi" ? compileRange("pypi", `==${pattern.version}`, wide) : undefined
    return { pattern, range: range ?? exactVersion(pattern.version) }
  }
  if (versions === undefined) return { pattern }
  const range = compileRange(pattern.ecosystem, versions, wide)
  if (!range) {
    const syntax = pattern.ecosystem === "pypi" ? "PEP 440, such as >=2.1,<3" : "semver's, such as >=2.1.0 <3"
    return policyError(
      "versions is not a version range",
      layer.yaml.where([...path, "versions"]),
      `the syntax is ${syntax}`,
    )
  }
  return { pattern, range }
}

const CODE: Readonly<Record<Effect, string>> = {
  deny: "package.denied",
  ask: "package.approval",
  allow: "package.allowed",
}

/** Rules on named packages. */
export function compilePackageRule(
  source: NonNullable<Packages["rules"]>[number],
  effect: Effect,
  layer: LayerContext,
  path: Path,
): NamedPackageRule {
  const { pattern, range } = compileSubject(
    source[effect] as string,
    source.versions,
    effect !== "allow",
    layer,
    path,
    effect,
  )
  const subject = formatPurlPattern(pattern)
  if (source.instead !== undefined && !parsePurlPattern(source.instead)) {
    policyError(
      "instead does not name a package",
      layer.yaml.where([...path, "instead"]),
      "it wants a purl such as pkg:npm/left-pad@1.3.0",
    )
  }
  const base = createRule({
    id: source.id,
    place: layer.place(path),
    effect,
    code: CODE[effect],
    mode: layer.mode === "observe" ? "observe" : (source.mode ?? "enforce"),
    layer: layer.layer,
    path,
    note: source.reason,
    instead: source.instead,
    approvers: source.approvers,
  })
  const clauses: ListRule<PackageAction>["clauses"] = [
    {
      field: "package",
      wanted: subject,
      holds: (action) => {
        const name = comparableName(action.ecosystem, action.name)
        return (
          action.ecosystem === pattern.ecosystem &&
          (pattern.prefix ? name.startsWith(pattern.name) : name === pattern.name)
        )
      },
      actual: (action) => plainText(action.purl),
    },
    ...(range
      ? [
          {
            field: "version",
            wanted: range.text,
            holds: (action: PackageAction) => range.test(action.version),
            actual: (action: PackageAction) => plainText(action.version),
          },
        ]
      : []),
  ]
  return { pattern, rule: { ...base, kind: "package", subject, clauses, source } }
}

/** An exception of one layer; an unreal date (31 February) is an error, not a silent "never". */
export function compileException(
  source: NonNullable<Packages["exceptions"]>[number],
  index: number,
  layer: LayerContext,
): { pattern: PurlPattern; exception: Exception } {
  const path: Path = ["packages", "exceptions", index]
  const { pattern, range } = compileSubject(source.allow, source.versions, false, layer, path, "allow")
  const start = Date.parse(`${source.expires}T00:00:00Z`)
  if (!Number.isFinite(start) || new Date(start).toISOString().slice(0, 10) !== source.expires) {
    policyError("expires is not a day of the calendar", layer.yaml.where([...path, "expires"]))
  }
  const place = layer.place(path)
  const id = `packages.exceptions[${index}]`
  return {
    pattern,
    exception: {
      id,
      place,
      layer: layer.layer,
      path,
      subject: formatPurlPattern(pattern),
      ...(range && { range }),
      of: source.of,
      ...(source.advisories && { advisories: new Set(source.advisories) }),
      ends: start + 86_400_000,
      applied: { rule: `${id} (${place})`, code: source.of, owner: source.owner, expires: source.expires },
      reason: source.reason,
    },
  }
}
