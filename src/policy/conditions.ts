// The conditions under packages.deny and packages.ask: one entry a key, with the facts it reads and how it decides.
import type { ConditionMatch } from "./compiled.ts"
import { formatDuration, parseDuration } from "./duration.ts"
import { compileLicenses } from "./licenses.ts"
import type { Conditions } from "./schema.ts"
import { SEVERITIES } from "./severities.ts"
import { plainId, plainText } from "./text.ts"
import type { Advisory, Evidence, PackageAction, PackageFactName, PackageFacts, Provenance, Severity } from "./types.ts"

type Test = (
  facts: PackageFacts,
  action: PackageAction,
  now: number,
) => { code?: string; evidence: Evidence[] } | undefined

export interface ConditionKind {
  key: keyof Conditions
  /** First: the code of the rule. Others: codes that it can also give. */
  codes: readonly [string, ...string[]]
  needs: readonly PackageFactName[]
  compile: (value: never, context: ConditionContext) => Test
}

export interface ConditionContext {
  unknownSeverity: Severity
  /** Whether a registry's base address is one that the condition's layer or one above it names. */
  isListedRegistry: (origin: string) => boolean
}

/** What an advisory without a score may have by its severity (CVSS 3.1, section 5): nobody having scored it is no reason to pass. */
const HIGHEST_SCORE: Readonly<Record<Severity, number>> = { low: 3.9, medium: 6.9, high: 8.9, critical: 10 }
const PROVENANCE: Readonly<Record<Provenance, number>> = { none: 0, signed: 1, attested: 2, verified: 2 }
const NONE: Evidence[] = []

const kind = <K extends keyof Conditions>(
  key: K,
  codes: readonly [string, ...string[]],
  needs: readonly PackageFactName[],
  compile: (value: NonNullable<Conditions[K]>, context: ConditionContext) => Test,
): ConditionKind => ({ key, codes, needs, compile: compile as ConditionKind["compile"] })

const isTrue = (key: keyof Conditions, code: string, fact: "deprecated" | "yanked" | "publisherChanged") =>
  kind(key, [code], [fact], () => {
    const match = { evidence: [{ kind: "fact", fact, value: true }] }
    return (facts) => (facts[fact] === true ? match : undefined)
  })

/** Every condition, by key. */
export const CONDITIONS: readonly ConditionKind[] = [
  kind("malware", ["malware.known"], ["advisories"], () => (facts) => {
    const found = facts.advisories?.filter((advisory) => advisory.kind === "malware") ?? []
    return found.length > 0 ? { evidence: found.map(advisoryEvidence) } : undefined
  }),
  kind("severity", ["vulnerability.severity"], ["advisories"], (wanted, { unknownSeverity }) => {
    const least = SEVERITIES.indexOf(wanted)
    const rank = (advisory: Advisory) => SEVERITIES.indexOf(advisory.severity ?? unknownSeverity)
    return (facts) => {
      if (!facts.advisories || facts.advisories.length === 0) return undefined
      const found = facts.advisories.filter(
        (advisory) => advisory.kind === "vulnerability" && !(rank(advisory) < least),
      )
      if (found.length === 0) return undefined
      found.sort((a, b) => rank(b) - rank(a) || (b.cvss ?? 0) - (a.cvss ?? 0) || (a.id < b.id ? -1 : 1))
      return {
        evidence: found.map((advisory) =>
          advisoryEvidence({ ...advisory, severity: advisory.severity ?? unknownSeverity }),
        ),
      }
    }
  }),
  kind("cvss", ["vulnerability.cvss"], ["advisories"], (wanted, { unknownSeverity }) => {
    const score = ({ cvss, severity }: Advisory) => cvss ?? HIGHEST_SCORE[severity ?? unknownSeverity]
    return (facts) => {
      if (!facts.advisories || facts.advisories.length === 0) return undefined
      const found = facts.advisories.filter(
        (advisory) => advisory.kind === "vulnerability" && !(score(advisory) < wanted),
      )
      found.sort((a, b) => score(b) - score(a) || (a.id < b.id ? -1 : 1))
      return found.length > 0 ? { evidence: found.map(advisoryEvidence) } : undefined
    }
  }),
  kind("age", ["release.too-new"], ["published"], (wanted) => {
    const least = parseDuration(wanted)
    return ({ published }, _, now) =>
      published !== undefined && !(now - published >= least)
        ? { evidence: [{ kind: "published", date: isoDate(published), age: formatDuration(now - published), wanted }] }
        : undefined
  }),
  kind("unmaintained", ["release.unmaintained"], ["lastRelease"], (wanted) => {
    const most = parseDuration(wanted)
    return ({ lastRelease }, _, now) =>
      lastRelease !== undefined && !(now - lastRelease <= most)
        ? {
            evidence: [
              { kind: "last-release", date: isoDate(lastRelease), age: formatDuration(now - lastRelease), wanted },
            ],
          }
        : undefined
  }),
  isTrue("deprecated", "release.deprecated", "deprecated"),
  isTrue("yanked", "release.yanked", "yanked"),
  kind("licenses", ["license.denied", "license.unknown"], ["license"], (listed) => {
    const answer = compileLicenses(
      listed.filter((id) => id !== "unknown"),
      "denied",
    )
    const refuseUnknown = listed.includes("unknown")
    return ({ license }) => licenseMatch(license, answer, refuseUnknown)
  }),
  kind("licenses-except", ["license.denied", "license.unknown"], ["license"], (listed) => {
    const answer = compileLicenses(
      listed.filter((id) => id !== "unknown"),
      "accepted",
    )
    const refuseUnknown = !listed.includes("unknown")
    return ({ license }) => licenseMatch(license, answer, refuseUnknown)
  }),
  kind(
    "install-scripts",
    ["script.unapproved"],
    ["installScripts"],
    () =>
      ({ installScripts }) =>
        installScripts && installScripts.length > 0
          ? { evidence: [{ kind: "install-scripts", script: installScripts.slice(0, 8).map(plainId) }] }
          : undefined,
  ),
  kind("sources", ["source.unverified"], [], (listed, { isListedRegistry }) => {
    const refused = new Set<string>(listed)
    return (_, { source }) => {
      if (source.kind !== "registry")
        return refused.has(source.kind) ? { evidence: [{ kind: "source", source: source.kind }] } : undefined
      if (!refused.has("other-registry") || source.origin === "default" || isListedRegistry(source.origin))
        return undefined
      return { evidence: [{ kind: "source", source: "another registry", origin: plainText(source.origin, 200) }] }
    }
  }),
  kind(
    "integrity",
    ["integrity.missing"],
    ["integrity"],
    () =>
      ({ integrity }) =>
        integrity === "none" ? { evidence: [{ kind: "integrity", integrity }] } : undefined,
  ),
  kind("provenance", ["provenance.missing", "provenance.downgrade"], ["provenance"], (wanted) => {
    if (wanted === "required") {
      return ({ provenance }) =>
        provenance !== undefined && !(PROVENANCE[provenance] >= 2)
          ? { evidence: [{ kind: "provenance", provenance }] }
          : undefined
    }
    return ({ provenance, provenanceBefore: before }) =>
      provenance !== undefined && before !== undefined && !(PROVENANCE[provenance] >= PROVENANCE[before])
        ? { code: "provenance.downgrade", evidence: [{ kind: "provenance", provenance, before }] }
        : undefined
  }),
  isTrue("publisher-changed", "publisher.changed", "publisherChanged"),
  kind(
    "lookalikes",
    ["name.lookalike"],
    ["lookalike"],
    () =>
      ({ lookalike }) =>
        lookalike
          ? { evidence: [{ kind: "lookalike", of: plainText(lookalike.of, 214), how: plainId(lookalike.how) }] }
          : undefined,
  ),
  kind(
    "nonexistent",
    ["name.unknown"],
    ["exists"],
    () =>
      ({ exists }) =>
        exists === false ? { evidence: [{ kind: "fact", fact: "exists", value: false }] } : undefined,
  ),
  kind(
    "score",
    ["trust.score"],
    ["score"],
    (wanted) =>
      ({ score }) =>
        score !== undefined && !(score >= wanted) ? { evidence: [{ kind: "score", score, wanted }] } : undefined,
  ),
]

/** The facts that a condition reads, which depend on its value for `provenance`. */
export function needsOf(key: string, value: unknown): readonly PackageFactName[] {
  if (key === "provenance" && value === "no-downgrade") return ["provenance", "provenanceBefore"]
  return CONDITIONS.find((condition) => condition.key === key)?.needs ?? []
}

function licenseMatch(
  license: string | undefined,
  answer: (expression: string) => "fine" | "refused" | "unknown",
  refuseUnknown: boolean,
): { code: string; evidence: Evidence[] } | undefined {
  if (license === undefined) return undefined
  const found = license === "" ? "unknown" : answer(license)
  if (found === "fine" || (found === "unknown" && !refuseUnknown)) return undefined
  if (found === "unknown") return { code: "license.unknown", evidence: [{ kind: "license", stated: license !== "" }] }
  return { code: "license.denied", evidence: [{ kind: "license", license: plainText(license, 200) }] }
}

/** What a verdict shows of an advisory; ids are upstream's and cut to harmless characters. */
export function advisoryEvidence(advisory: Advisory): Evidence {
  return {
    kind: "advisory",
    id: plainId(advisory.id),
    ...(advisory.aliases.length > 0 && { aliases: advisory.aliases.slice(0, 8).map(plainId) }),
    ...(advisory.severity && { severity: advisory.severity }),
    ...(advisory.cvss !== undefined && { cvss: advisory.cvss }),
    ...(advisory.fixed.length > 0 && { fixed: advisory.fixed.slice(0, 8).map(plainId) }),
  }
}

/** The day of an instant, or "unknown" where it is none. */
export function isoDate(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString().slice(0, 10) : "unknown"
}

/** No match has evidence of its own beyond the rule. */
export const NO_EVIDENCE: ConditionMatch["evidence"] = NONE
