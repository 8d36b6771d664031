// Severities as advisories state them, brought to one scale.
import calculator from "ae-cvss-calculator"
import type { Severity } from "../../policy/types.ts"

const { Cvss2, Cvss3P0, Cvss3P1, Cvss4P0 } = calculator

export interface Rating {
  severity?: Severity
  /** Base score, 0-10. */
  cvss?: number
}

const WORDS: ReadonlyMap<string, Severity> = new Map([
  ["low", "low"],
  ["moderate", "medium"],
  ["medium", "medium"],
  ["high", "high"],
  ["critical", "critical"],
])

/** A severity word, whatever its case; GitHub says "moderate" for medium. Undefined for any other value. */
export function severityOfWord(word: unknown): Severity | undefined {
  return typeof word === "string" && word.length < 20 ? WORDS.get(word.toLowerCase()) : undefined
}

/** The qualitative scale of CVSS 3.1 (section 5) and 4.0 (section 6); version 2 has no "critical" (NVD). */
function levelOf(score: number, version2: boolean): Severity {
  if (score >= 9 && !version2) return "critical"
  if (score >= 7) return "high"
  return score >= 4 ? "medium" : "low"
}

/** The base score of a CVSS 2.0, 3.0, 3.1 or 4.0 vector; undefined where it is not a whole, valid base vector. */
function baseScore(vector: string): number | undefined {
  if (vector.startsWith("CVSS:4.0/")) {
    const cvss = new Cvss4P0(vector)
    return cvss.isBaseFullyDefined() ? cvss.calculateScores().baseMetricsOnly : undefined
  }
  const cvss = vector.startsWith("CVSS:3.1/")
    ? new Cvss3P1(vector)
    : vector.startsWith("CVSS:3.0/")
      ? new Cvss3P0(vector)
      : new Cvss2(vector)
  return cvss.isBaseFullyDefined() ? cvss.calculateScores().base : undefined
}

/** Score and level of a CVSS vector; empty where the vector cannot be read. */
export function rateVector(vector: unknown): Rating {
  if (typeof vector !== "string" || vector.length > 512) return {}
  try {
    const score = baseScore(vector)
    if (score === undefined || !Number.isFinite(score)) return {}
    return { cvss: score, severity: levelOf(score, !vector.startsWith("CVSS:")) }
  } catch {
    return {} // the library throws for a metric or a value that does not exist
  }
}

const ORDER: readonly Severity[] = ["low", "medium", "high", "critical"]

/** Where sources disagree, the highest severity and the highest score count. */
export function highestRating(ratings: readonly Rating[]): Rating {
  const out: Rating = {}
  for (const { severity, cvss } of ratings) {
    if (severity && (!out.severity || ORDER.indexOf(severity) > ORDER.indexOf(out.severity))) out.severity = severity
    if (cvss !== undefined && (out.cvss === undefined || cvss > out.cvss)) out.cvss = cvss
  }
  return out
}
