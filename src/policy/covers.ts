// Proofs that one rule matches wherever another does. `false` means "not proven", never "proven not to".
import type { Condition, ListRule } from "./compiled.ts"
import { parseDuration } from "./duration.ts"
import { matchSegment } from "./glob.ts"
import { coversHost, parseHostPattern } from "./hosts.ts"
import { intervalsOf, isInside } from "./intervals.ts"
import { parsePurlPattern } from "./purl-pattern.ts"
import { exactVersion } from "./ranges.ts"
import { SEVERITIES } from "./severities.ts"
import type { Severity } from "./types.ts"

type Source = Readonly<Record<string, unknown>>

/** Whether every action that `inner` matches is matched by `outer`. */
export function coversRule(outer: ListRule, inner: ListRule): boolean {
  if (outer.kind !== inner.kind) return false
  const [a, b] = [outer.source, inner.source]
  switch (inner.kind) {
    case "package":
      return coversPackage(outer, inner)
    case "network":
      return (
        coversHosts([outer.subject], [inner.subject]) &&
        coversSet(a["methods"], b["methods"]) &&
        coversSet(portsOf(outer), portsOf(inner)) &&
        coversPaths(a["paths"], b["paths"]) &&
        (a["access"] === undefined || a["access"] === b["access"]) &&
        coversOperations(a["operations"], b["operations"]) &&
        coversConditions(a["where"], b["where"])
      )
    case "credential":
      return (
        (outer.subject === "*" || outer.subject === inner.subject) &&
        coversHosts(a["hosts"], b["hosts"]) &&
        coversSet(a["methods"], b["methods"]) &&
        coversSet(a["ports"], b["ports"]) &&
        coversPaths(a["paths"], b["paths"])
      )
    case "mount":
      return coversPaths([outer.subject], [inner.subject]) && coversWrite(outer, inner)
    case "mcp":
      return coversMcp(outer, inner)
    default:
      return coversSkill(outer, inner)
  }
}

/** The same for two conditions of one key. */
export function coversCondition(outer: Condition, inner: Condition): boolean {
  if (outer.key !== inner.key) return false
  const [a, b] = [outer.value, inner.value]
  switch (inner.key) {
    case "severity":
      return SEVERITIES.indexOf(a as Severity) <= SEVERITIES.indexOf(b as Severity)
    case "cvss":
      return (a as number) <= (b as number)
    case "score":
      return (a as number) >= (b as number)
    case "age":
      return parseDuration(a as string) >= parseDuration(b as string)
    case "unmaintained":
      return parseDuration(a as string) <= parseDuration(b as string)
    case "licenses":
    case "sources":
      return coversSet(a, b)
    case "licenses-except":
      return coversSet(b, a)
    default:
      return JSON.stringify(a) === JSON.stringify(b)
  }
}

function coversPackage(outer: ListRule, inner: ListRule): boolean {
  const [a, b] = [parsePurlPattern(outer.subject), parsePurlPattern(inner.subject)]
  if (!a || !b || a.ecosystem !== b.ecosystem) return false
  if (a.prefix ? !b.name.startsWith(a.name) : b.prefix || a.name !== b.name) return false
  const [wanted, has] = [rangeOf(outer), rangeOf(inner)]
  if (wanted === undefined) return true
  if (has === undefined) return false
  if (wanted === has) return outer.effect !== "allow" || inner.effect === "allow"
  if (a.ecosystem === "pypi" || outer.effect === "allow") return false
  if (b.version !== undefined)
    return (
      has === exactVersion(b.ecosystem, b.version, false).text &&
      outer.clauses[1]?.holds({ version: b.version } as never) === true
    )
  if (a.version !== undefined) return false
  const [outside, inside] = [intervalsOf(wanted), intervalsOf(has)]
  return outside !== undefined && inside !== undefined && isInside(inside, outside)
}

const rangeOf = (rule: ListRule) => rule.clauses[1]?.wanted

/** Hosts: absent means every host. */
function coversHosts(outer: unknown, inner: unknown): boolean {
  if (outer === undefined) return true
  if (inner === undefined) return false
  const patterns = (list: unknown) => (list as string[]).map(parseHostPattern)
  return patterns(inner).every((b) =>
    patterns(outer).some((a) => a !== undefined && b !== undefined && coversHost(a, b)),
  )
}

/** Ports: what is not written means 443 for allow and every port otherwise. */
const portsOf = (rule: ListRule) => rule.source["ports"] ?? (rule.effect === "allow" ? [443] : undefined)

/** An operation that could not be learnt meets restricting rules alike, whatever their patterns. */
function coversOperations(outer: unknown, inner: unknown): boolean {
  if (outer === undefined) return true
  return inner !== undefined && (inner as string[]).every((b) => (outer as string[]).some((a) => coversSegment(a, b)))
}

/** Conditions by name: those of `outer` are all written the same in `inner`. */
function coversConditions(outer: unknown, inner: unknown): boolean {
  const [wanted, has] = [(outer ?? {}) as Source, (inner ?? {}) as Source]
  return Object.entries(wanted).every(
    ([name, clause]) => Object.hasOwn(has, name) && JSON.stringify(has[name]) === JSON.stringify(clause),
  )
}

function coversSet(outer: unknown, inner: unknown): boolean {
  if (outer === undefined) return true
  return inner !== undefined && (inner as unknown[]).every((item) => (outer as unknown[]).includes(item))
}

function coversPaths(outer: unknown, inner: unknown): boolean {
  if (outer === undefined) return true
  return (
    inner !== undefined &&
    (inner as string[]).every((b) => (outer as string[]).some((a) => coversGlob(a.split("/"), b.split("/"))))
  )
}

/** Segment by segment: `**` covers any run, `*` one segment, text the same text or what it matches. */
function coversGlob(outer: readonly string[], inner: readonly string[]): boolean {
  // covered[i] says that outer up to here covers the first i segments of inner.
  let covered = Array.from({ length: inner.length + 1 }, (_, index) => index === 0)
  for (const segment of outer) {
    const next = new Array<boolean>(inner.length + 1).fill(false)
    for (let index = 0; index <= inner.length; index++) {
      if (segment === "**") next[index] = (covered[index] ?? false) || (index > 0 && (next[index - 1] ?? false))
      else if (index > 0) next[index] = (covered[index - 1] ?? false) && coversSegment(segment, inner[index - 1] ?? "")
    }
    covered = next
  }
  return covered[inner.length] ?? false
}

function coversSegment(outer: string, inner: string): boolean {
  if (inner === "**") return false
  if (outer === "*" || outer === inner) return true
  return !inner.includes("*") && matchSegment(outer, inner)
}

function coversWrite(outer: ListRule, inner: ListRule): boolean {
  const only = (rule: ListRule) =>
    rule.effect === "allow"
      ? rule.source["write"] === true
        ? "both"
        : "read"
      : rule.source["write"] === true
        ? "write"
        : "both"
  return only(outer) === "both" || only(outer) === only(inner)
}

function coversMcp(outer: ListRule, inner: ListRule): boolean {
  if (outer.subject !== "**") {
    if (inner.subject === "**") return false
    const [[server = "", tool], [otherServer = "", otherTool]] = [
      outer.subject.split(/\/(.*)/s),
      inner.subject.split(/\/(.*)/s),
    ]
    if (!coversSegment(server, otherServer) || (tool === undefined) !== (otherTool === undefined)) return false
    if (tool !== undefined && !coversSegment(tool, otherTool ?? "")) return false
  }
  return coversConditions(outer.source["arguments"], inner.source["arguments"])
}

function coversSkill(outer: ListRule, inner: ListRule): boolean {
  const [a, b] = [outer.subject, inner.subject]
  if (a.endsWith("*") ? !b.startsWith(a.slice(0, -1)) : a !== b) return false
  const [wanted, has] = [outer.source["versions"], inner.source["versions"]]
  if (wanted !== undefined && (wanted !== has || (outer.effect === "allow") !== (inner.effect === "allow")))
    return false
  const [sources, others] = [outer.source["sources"], inner.source["sources"]] as (string[] | undefined)[]
  return !sources || (others?.every((other) => sources.some((source) => other.startsWith(source))) ?? false)
}
