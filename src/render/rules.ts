// Verdict codes as the rules of a SARIF log, and how grave each is for code-scanning services, which sort by it. The scale
// is nanoguard's own for everything but vulnerabilities, whose advisories state one.
import { CODES } from "../policy/codes.ts"
import type { Verdict } from "../policy/types.ts"
import { cleanText } from "./clean.ts"

const BY_CODE: Record<string, number> = {
  "malware.known": 10,
  "integrity.mismatch": 9.5,
  "source.unverified": 8,
  "name.unknown": 8,
  "name.lookalike": 8,
  "package.denied": 7,
  "vulnerability.severity": 7,
  "vulnerability.cvss": 7,
  "provenance.downgrade": 7,
  "provenance.missing": 6,
  "publisher.changed": 6,
  "script.unapproved": 6,
  "integrity.missing": 5,
  "release.too-new": 5,
  "release.yanked": 5,
  "trust.score": 4,
  "package.approval": 4,
  "evidence.missing": 4,
  "license.denied": 3,
  "license.unknown": 3,
  "release.deprecated": 3,
  "release.unmaintained": 3,
}

const BY_SEVERITY: Record<string, number> = { critical: 9.5, high: 8, medium: 5.5, low: 2 }

/**
 * The id of the rule that a verdict is a result of: its code. Services read `security-severity` from the rule, so that
 * vulnerabilities of different severity are different rules, `vulnerability.severity/high`.
 */
export function ruleIdOf(verdict: Verdict): string {
  const code = cleanText(verdict.code, 100)
  const severity = code.startsWith("vulnerability.") ? severityOf(verdict) : undefined
  return severity === undefined ? code : `${code}/${severity}`
}

function severityOf(verdict: Verdict): string | undefined {
  const severities = verdict.evidence.map((evidence) => String(evidence["severity"]))
  return Object.keys(BY_SEVERITY).find((severity) => severities.includes(severity))
}

/** A SARIF `reportingDescriptor` with help; `docs` is the base address of the documentation. */
export function describeRule(id: string, code: string, docs: string | undefined): object {
  const { title: text, severity } = describeCode(code)
  const score = BY_SEVERITY[id.split("/")[1] ?? ""] ?? severity
  const help = `${text}. \`nanoguard policy explain <purl>\` shows every rule that was considered; an exception in the policy lets one package through until a date.`
  return {
    id,
    name: id.replace(/(?:^|[./-])(\w)/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text },
    fullDescription: { text },
    help: { text: help.replaceAll("`", ""), markdown: help },
    ...(docs !== undefined && { helpUri: `${docs}/rules/${encodeURIComponent(code.toWellFormed())}.md` }),
    defaultConfiguration: { level: "error" },
    properties: { "security-severity": score.toFixed(1), precision: "very-high", tags: ["security", "supply-chain"] },
  }
}

// An unknown code gets general words: a renderer never fails for want of them.
function describeCode(code: string): { title: string; severity: number } {
  const title = CODES.find((known) => known.code === code)?.title ?? "Refused by a rule of the policy"
  return { title, severity: Object.hasOwn(BY_CODE, code) ? BY_CODE[code]! : 5 }
}
