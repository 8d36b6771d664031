// Every code that a verdict can carry, in deciding priority: among matches of the same effect the earlier code wins.
import type { Evidence } from "./types.ts"

/** What a code is about; `any` can come up for every kind of action. */
export type CodeKind = "any" | "package" | "network" | "credential" | "mount" | "mcp" | "skill"

export interface Code {
  code: string
  kind: CodeKind
  title: string
  /** Reason with `{field}` slots, filled from the first evidence that has the field. */
  reason: string
  /** Always enforced: no exception, no observe mode and no layer lifts it. */
  floor: boolean
}

const define = (kind: CodeKind, code: string, title: string, reason: string, floor = false): Code => ({
  code,
  kind,
  title,
  reason,
  floor,
})

/** In deciding priority. */
export const CODES: readonly Code[] = [
  define("package", "malware.known", "Known malware", "This version is reported as malware ({id}).", true),
  define("any", "agent.killed", "The agent is stopped", "The agent is under a kill and may do nothing.", true),
  define(
    "any",
    "agent.scope",
    "Outside of the agent's rights",
    "The rights of this agent are narrower than the policy, and do not cover it.",
    true,
  ),
  define("any", "agent.budget", "Budget of the agent used up", "The agent has used up its own budget of {unit}.", true),
  define(
    "network",
    "network.private-address",
    "Private or metadata address",
    "The host is or resolves to a private, link-local or metadata address.",
    true,
  ),
  define(
    "any",
    "credential.unbound-placeholder",
    "Placeholder sent to a foreign host",
    "The request carries the placeholder of a credential that is not bound to this host.",
    true,
  ),
  define(
    "package",
    "integrity.mismatch",
    "Integrity mismatch",
    "The locked hash differs from the hash that the registry states.",
    true,
  ),
  define(
    "package",
    "source.unverified",
    "Source not allowed",
    "The package comes from {source}, which the policy does not accept.",
  ),
  define(
    "package",
    "registry.refused",
    "Refused by its registry",
    "The registry that this package comes from refuses it by a policy of its own ({policy}: {condition}).",
  ),
  define("package", "name.unknown", "Not on the registry", "The registry has no package of this name and version."),
  define("package", "name.lookalike", "Look-alike name", "The name may be mistaken for {of}."),
  define("package", "package.denied", "Package denied by name", "A rule of the policy denies this package."),
  define(
    "package",
    "vulnerability.severity",
    "Known vulnerability by severity",
    "A known vulnerability of severity {severity} applies to this version ({id}).",
  ),
  define(
    "package",
    "vulnerability.cvss",
    "Known vulnerability by CVSS score",
    "A known vulnerability applies to this version ({id}, CVSS base score {cvss}).",
  ),
  define(
    "package",
    "provenance.missing",
    "No provenance",
    "The version has no build attestation; its provenance is {provenance}.",
  ),
  define(
    "package",
    "provenance.downgrade",
    "Provenance downgraded",
    "The provenance is {provenance}, while an earlier version had {before}.",
  ),
  define(
    "package",
    "publisher.changed",
    "Publisher changed",
    "Nobody who published an earlier version published this one.",
  ),
  define("package", "script.unapproved", "Install script", "An install would run a script of this package ({script})."),
  define("package", "integrity.missing", "No locked hash", "The lockfile holds no hash for this package."),
  define("package", "license.denied", "Licence not accepted", "The licence {license} is not accepted by the policy."),
  define(
    "package",
    "license.unknown",
    "Licence unknown",
    "The package states no licence that can be read as an SPDX expression.",
  ),
  define(
    "package",
    "release.too-new",
    "Released too recently",
    "The version was published {age} ago, less than the {wanted} that the policy wants.",
  ),
  define("package", "release.yanked", "Version withdrawn", "The version was withdrawn by its publisher."),
  define(
    "package",
    "release.deprecated",
    "Version deprecated",
    "The version is marked as deprecated by its publisher.",
  ),
  define(
    "package",
    "release.unmaintained",
    "Package unmaintained",
    "The last release was {age} ago, more than the {wanted} that the policy accepts.",
  ),
  define(
    "package",
    "trust.score",
    "Trust score too low",
    "The trust score is {score}, below the {wanted} that the policy wants.",
  ),
  define(
    "package",
    "package.approval",
    "Package needs approval",
    "A rule of the policy wants a person to approve this package.",
  ),
  define("network", "network.host-denied", "Request not allowed", "No rule allows this request, or one denies it."),
  define(
    "network",
    "network.approval",
    "Request needs approval",
    "A rule of the policy wants a person to approve this request.",
  ),
  // What a rule asks and the gate cannot ask: a refusal of its own.
  define(
    "network",
    "hold.body-unbounded",
    "Body cannot be shown",
    "A person is to decide this request, and its body does not end, or is too large to be kept.",
  ),
  define(
    "network",
    "hold.quiet",
    "Nobody is asked now",
    "A person is to decide this request, and nobody is asked at this hour.",
  ),
  define(
    "network",
    "hold.flooded",
    "Too much waits",
    "Too much waits for a person already: nothing can be asked at the moment.",
  ),
  define(
    "credential",
    "credential.denied",
    "Credential not allowed here",
    "No rule allows this credential for this request, or one denies it.",
  ),
  define(
    "credential",
    "credential.approval",
    "Credential needs approval",
    "A rule of the policy wants a person to approve this use of the credential.",
  ),
  define("any", "budget.exceeded", "Budget used up", "The budget of the rule is used up: {used} of {limit} {unit}."),
  define("mount", "mount.denied", "Mount denied", "A rule of the policy denies this mount."),
  define(
    "mount",
    "mount.approval",
    "Mount needs approval",
    "A rule of the policy wants a person to approve this mount.",
  ),
  define("mcp", "mcp.denied", "MCP call denied", "A rule of the policy denies this MCP server or tool call."),
  define(
    "mcp",
    "mcp.approval",
    "MCP call needs approval",
    "A rule of the policy wants a person to approve this MCP server or tool call.",
  ),
  define("skill", "skill.denied", "Skill denied", "A rule of the policy denies this skill."),
  define(
    "skill",
    "skill.approval",
    "Skill needs approval",
    "A rule of the policy wants a person to approve this skill.",
  ),
  define("any", "evidence.missing", "Evidence missing", "What the policy asks for is not known: {fact} ({reason})."),
  define("any", "policy.default", "No rule matched", "No rule of the policy matches; its default applies."),
  define("package", "package.allowed", "Package allowed", "A rule of the policy allows this package."),
  define("network", "network.allowed", "Request allowed", "A rule of the policy allows this request."),
  define(
    "credential",
    "credential.allowed",
    "Credential allowed",
    "A rule of the policy allows this use of the credential.",
  ),
  define("mount", "mount.allowed", "Mount allowed", "A rule of the policy allows this mount."),
  define("mcp", "mcp.allowed", "MCP call allowed", "A rule of the policy allows this MCP server or tool call."),
  define("skill", "skill.allowed", "Skill allowed", "A rule of the policy allows this skill."),
]

const BY_CODE = new Map(CODES.map((code, priority) => [code.code, { ...code, priority }]))

/** The description of a code with its deciding priority (0 is the strongest); undefined for a code that does not exist. */
export function codeOf(code: string): (Code & { priority: number }) | undefined {
  return BY_CODE.get(code)
}

/** The page of a code, relative to the root of the project. */
export function docOf(code: string): string {
  return `docs/rules/${code}.md`
}

/** Codes that an exception may name: those that deny or ask for a package and are no floor. */
export const EXCEPTABLE: readonly string[] = CODES.filter(
  ({ code, kind, floor }) =>
    (kind === "package" || code === "evidence.missing") &&
    !floor &&
    code !== "package.allowed" &&
    code !== "registry.refused",
).map((code) => code.code)

/** Fills a code's reason template with scalars of its evidence; a slot without a value reads "unknown". */
export function reasonOf(code: string, evidence: readonly Evidence[]): string {
  const template = BY_CODE.get(code)?.reason ?? "The policy decided."
  if (!template.includes("{")) return template
  return template.replace(/\{(\w+)\}/g, (_, field: string) => {
    for (const item of evidence) {
      const value = Object.hasOwn(item, field) ? item[field] : undefined
      if (value !== undefined) return String(Array.isArray(value) ? (value[0] ?? "unknown") : value)
    }
    return "unknown"
  })
}
