// The packages section of one layer: rules by name and exceptions.
import type { Exception, ListRule } from "./compiled.ts"
import { formatPurlPattern, matchesName, type PurlPattern, parsePurlPattern } from "./purl-pattern.ts"
import { compileRange, exactVersion, type VersionRange } from "./ranges.ts"
import { createRule } from "./rules.ts"
import type { PolicyDocument } from "./schema.ts"
import { plainText } from "./text.ts"
import type { Effect, Mode, PackageAction } from "./types.ts"
import { type Path, policyError, type YamlFile } from "./yaml.ts"

export type Packages = NonNullable<PolicyDocument["packages"]>

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
    return { pattern, range: range ?? exactVersion(pattern.ecosystem, pattern.version, wide) }
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
    risk: source.risk,
  })
  const clauses: ListRule<PackageAction>["clauses"] = [
    {
      field: "package",
      wanted: subject,
      holds: (action) => matchesName(pattern, action.ecosystem, action.name),
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
