// How grave a verdict code is for code-scanning services, which sort by it. The scale is nanoguard's own for everything
// but vulnerabilities, whose advisories state one.
import { CODES } from "../policy/codes.ts"

const SEVERITIES: Record<string, number> = {
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

/** Title of a code, and its severity from 0 to 10. An unknown code gets general words: a renderer never fails for them. */
export function describeCode(code: string): { title: string; severity: number } {
  const title = CODES.find((known) => known.code === code)?.title ?? "Refused by a rule of the policy"
  return { title, severity: Object.hasOwn(SEVERITIES, code) ? SEVERITIES[code]! : 5 }
}
