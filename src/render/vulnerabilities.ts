// Vulnerabilities as CycloneDX has them, with what the policy's exceptions say of them.
import type { Evidence } from "../policy/types.ts"
import type { ExceptionUse, VetReport } from "../vet/report.ts"
import { cleanText } from "./clean.ts"

interface Vulnerability {
  id: string
  ratings?: object[]
  references?: object[]
  recommendation?: string
  analysis?: object
  affects: { ref: string }[]
}

/** The advisories that decided about packages among `components` (by purl), and those that exceptions set aside. */
export function describeVulnerabilities(report: VetReport, components: ReadonlyMap<string, object>): Vulnerability[] {
  const found = new Map<string, Vulnerability>()
  const affected = new Set<string>()
  for (const { verdict, dependency } of report.rows) {
    if (!components.has(dependency.purl)) continue
    for (const evidence of verdict.evidence) {
      const { kind, id } = evidence
      if (kind !== "advisory" || typeof id !== "string") continue
      const vulnerability = found.get(id) ?? describeAdvisory(id, evidence)
      found.set(id, vulnerability)
      if (verdict.correction?.command) vulnerability.recommendation ??= cleanText(verdict.correction.command, 1000)
      const pair = JSON.stringify([id, dependency.purl])
      if (!affected.has(pair)) vulnerability.affects.push({ ref: dependency.purl })
      affected.add(pair)
    }
  }
  return [...found.values(), ...report.exceptions.flatMap((exception) => describeExcepted(exception, components))]
}

function describeAdvisory(id: string, evidence: Evidence): Vulnerability {
  const { severity, cvss, aliases } = evidence
  const rating = {
    ...(typeof cvss === "number" && { score: cvss }),
    ...(["low", "medium", "high", "critical"].includes(String(severity)) && { severity }),
  }
  const others = Array.isArray(aliases) ? aliases.map((alias) => ({ id: String(alias), source: {} })) : []
  return {
    id,
    ...(others.length > 0 && { references: others }),
    ...(Object.keys(rating).length > 0 && { ratings: [rating] }),
    affects: [],
  }
}

// A person took the risk until a date. That says nothing about exploitability, so no analysis state is claimed.
function describeExcepted(exception: ExceptionUse, components: ReadonlyMap<string, object>): Vulnerability[] {
  const { packages = [], of, owner, expires, state } = exception
  if (state !== "used" || !of.startsWith("vulnerability.")) return []
  const detail = cleanText(`Exception for ${of} by ${owner} until ${expires}`)
  const analysis = { response: ["will_not_fix"], detail }
  return packages
    .filter(({ purl }) => components.has(purl))
    .flatMap(({ purl, advisories }) => advisories.map((id) => ({ id, analysis, affects: [{ ref: purl }] })))
}
