// OSV records (schema 1.7) -> findings. Unknown fields are ignored, as the schema asks of every reader.
import type { Ecosystem } from "../../policy/types.ts"
import type { RangeEvent } from "./intervals.ts"
import { isObject, type Json, listOf } from "./json.ts"
import { advisoryId, canonicalName, ecosystemOf, versionText } from "./names.ts"
import {
  dayOf,
  type Finding,
  MAX_AFFECTED,
  MAX_ALIASES,
  MAX_EVENTS,
  MAX_RANGES,
  MAX_VERSIONS,
  type Normalized,
  recordOf,
} from "./normalize.ts"
import { highestRating, type Rating, rateVector, severityOfWord } from "./severity.ts"

/** CWE-506, embedded malicious code, in any of the places where the databases write their weaknesses. */
function statesMalware(...places: unknown[]): boolean {
  return places.filter(isObject).some((place) => {
    if (place["malicious-packages-origins"] !== undefined) return true
    const cwes = [...listOf(place["cwe_ids"]), ...listOf(place["cwes"])]
    return cwes.some((cwe) => (isObject(cwe) ? cwe["cweId"] : cwe) === "CWE-506")
  })
}

function ratingsOf(...places: Json[]): Rating[] {
  return places.flatMap((place) => {
    const specific = isObject(place["database_specific"]) ? place["database_specific"] : {}
    const word = severityOfWord(specific["severity"])
    const vectors = listOf(place["severity"]).slice(0, 20).filter(isObject)
    return [
      ...(word ? [{ severity: word }] : []),
      ...vectors
        .filter((it) => typeof it["type"] === "string" && /^CVSS_V[234]$/.test(it["type"]))
        .map((it) => rateVector(it["score"])),
    ]
  })
}

const EVENTS = { introduced: "introduced", fixed: "fixed", last_affected: "last", limit: "limit" } as const

/** Undefined where an event is not one of the four, or where nothing is ever introduced. */
export function eventsOf(range: Json): RangeEvent[] | undefined {
  const list = listOf(range["events"])
  const events: RangeEvent[] = []
  for (const event of list) {
    if (!isObject(event)) return undefined
    for (const [key, kind] of Object.entries(EVENTS)) {
      if (event[key] === undefined) continue
      const version = kind === "limit" && event[key] === "*" ? "*" : versionText(event[key])
      if (version === undefined) return undefined
      events.push({ kind, version })
    }
  }
  return list.length <= MAX_EVENTS && events.some((event) => event.kind === "introduced") ? events : undefined
}

interface Affected {
  ecosystem: Ecosystem
  name: string
  ranges: RangeEvent[][]
  versions: string[]
  ratings: Rating[]
  malware: boolean
  unreadable: boolean
}

function readAffected(affected: Json, ecosystem: Ecosystem, name: string): Affected & { gitRanges: number } {
  const given = listOf(affected["ranges"])
  const ranges = given.filter((range) => !isObject(range) || range["type"] !== "GIT")
  const events = ranges.slice(0, MAX_RANGES).map((range) => (isObject(range) ? eventsOf(range) : undefined))
  const listed = listOf(affected["versions"])
  const versions = listed.slice(0, MAX_VERSIONS).filter((version) => typeof version === "string")
  return {
    ecosystem,
    name,
    ranges: events.filter((it) => it !== undefined),
    versions: versions.filter((version) => version.length > 0 && version.length <= 256),
    ratings: ratingsOf(affected),
    malware: statesMalware(affected["database_specific"]),
    unreadable:
      events.includes(undefined) ||
      ranges.length > MAX_RANGES ||
      listed.length > MAX_VERSIONS ||
      // Nothing that a version could be compared with: the package is affected, nobody says where.
      ranges.length + listed.length === 0,
    gitRanges: given.length - ranges.length,
  }
}

/** Reads one parsed OSV record. Never throws for what is in it. */
export function normalizeOsv(record: unknown): Normalized {
  if (!isObject(record)) return { invalid: "not an object" }
  const id = advisoryId(record["id"])
  if (id === undefined) return { invalid: "no usable id" }
  const affected = listOf(record["affected"])
  if (affected.length > MAX_AFFECTED) return { invalid: `more than ${MAX_AFFECTED} affected packages` }
  const aliases = listOf(record["aliases"])
    .map(advisoryId)
    .filter((it) => it !== undefined)
    .slice(0, MAX_ALIASES)
  const date = dayOf(record["modified"]) ?? dayOf(record["published"])
  const withdrawn = typeof record["withdrawn"] === "string"
  const malware = [id, ...aliases].some((it) => it.startsWith("MAL-")) || statesMalware(record["database_specific"])
  const ratings = ratingsOf(record)

  const findings: Finding[] = []
  const otherEcosystems: string[] = []
  let invalid: string | undefined
  let gitRanges = 0
  for (const entry of affected) {
    const subject = isObject(entry) ? entry["package"] : undefined
    // A record without packages is about commits only; the schema allows it.
    if (!isObject(entry) || subject === undefined || subject === null) continue
    const osvName = isObject(subject) ? subject["ecosystem"] : undefined
    const ecosystem = typeof osvName === "string" ? ecosystemOf(osvName) : undefined
    const name = ecosystem && isObject(subject) ? canonicalName(ecosystem, subject["name"]) : undefined
    if (typeof osvName !== "string") invalid = "a package without an ecosystem"
    else if (!ecosystem) otherEcosystems.push(osvName)
    else if (name === undefined) invalid = "a package without a usable name"
    if (!ecosystem || name === undefined) continue
    if (withdrawn) {
      findings.push({ ecosystem, name, withdrawn: id })
      continue
    }
    const facts = readAffected(entry, ecosystem, name)
    gitRanges += facts.gitRanges
    const rating = highestRating([...ratings, ...facts.ratings])
    const raw = { id, aliases, malware: malware || facts.malware, rating }
    findings.push({ ecosystem, name, record: recordOf(ecosystem, { ...facts, ...raw }) })
  }
  return { findings, gitRanges, otherEcosystems, ...(date && { date }), ...(invalid && { invalid }) }
}
