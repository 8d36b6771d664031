// The two reduced forms of data/advisories/ (see its README): facts without texts, with OSV-like ranges or with npm's.
import type { RangeEvent } from "./intervals.ts"
import { isObject, type Json, listOf } from "./json.ts"
import { advisoryId, canonicalName, ecosystemOf, versionText } from "./names.ts"
import { dayOf, MAX_ALIASES, MAX_RANGES, MAX_VERSIONS, type Normalized, recordOf } from "./normalize.ts"
import { eventsOfNpmRange, lowerBounds } from "./npm-range.ts"
import { eventsOf } from "./osv.ts"
import { highestRating, rateVector, severityOfWord } from "./severity.ts"

/** Whether a parsed record is of a reduced form: it names its package directly and has no `affected`. */
export function isReduced(record: unknown): record is Json {
  return isObject(record) && typeof record["package"] === "string" && record["affected"] === undefined
}

/** `{introduced, fixed | last_affected}` or OSV's `{type, events}`. */
function eventsOfRange(range: unknown): RangeEvent[] | undefined {
  if (!isObject(range)) return undefined
  if (range["events"] !== undefined) return eventsOf(range)
  const { introduced, fixed, last_affected } = range
  return eventsOf({
    events: [{ introduced }, { fixed: fixed ?? undefined }, { last_affected: last_affected ?? undefined }],
  })
}

function affectedRanges(record: Json): (RangeEvent[] | undefined)[] {
  if (record["vulnerable_versions"] !== undefined) return eventsOfNpmRange(record["vulnerable_versions"]) ?? [undefined]
  return listOf(record["ranges"]).slice(0, MAX_RANGES).map(eventsOfRange)
}

/** Reads one parsed record of a reduced form. Never throws for what is in it. */
export function normalizeReduced(record: Json): Normalized {
  const id = advisoryId(record["id"])
  if (id === undefined) return { invalid: "no usable id" }
  const stated = record["ecosystem"]
  if (typeof stated !== "string") return { invalid: "no usable ecosystem" }
  const ecosystem = ecosystemOf(stated)
  if (!ecosystem) return { findings: [], otherEcosystems: [stated] }
  const name = canonicalName(ecosystem, record["package"])
  if (name === undefined) return { invalid: "a package without a usable name" }
  const day = dayOf(record["published"])
  const date = day && { date: day }
  if (record["withdrawn"] === true) return { findings: [{ ecosystem, name, withdrawn: id }], ...date }

  const word = severityOfWord(record["severity"])
  const ranges = affectedRanges(record)
  const versions = listOf(record["versions"])
    .slice(0, MAX_VERSIONS)
    .filter((it) => versionText(it) !== undefined)
  const aliases = listOf(record["aliases"])
    .map(advisoryId)
    .filter((it) => it !== undefined)
    .slice(0, MAX_ALIASES)
  const facts = {
    id,
    aliases,
    malware: record["kind"] === "malware" || [id, ...aliases].some((it) => it.startsWith("MAL-")),
    rating: highestRating([word ? { severity: word } : {}, rateVector(record["cvss"])]),
    ranges: ranges.filter((it) => it !== undefined),
    versions: versions as string[],
    fixed: lowerBounds(record["patched_versions"]),
    unreadable: ranges.includes(undefined) || ranges.length + versions.length === 0,
  }
  return { findings: [{ ecosystem, name, record: recordOf(ecosystem, facts) }], ...date }
}
