// What every reader of records hands on, whatever form they came in.
import type { Ecosystem } from "../../policy/types.ts"
import { intervalsOf, type RangeEvent } from "./intervals.ts"
import { versionOrder } from "./order.ts"
import type { AdvisoryRecord } from "./types.ts"

/** One advisory for one package, before aliases are merged. */
export interface Finding {
  ecosystem: Ecosystem
  name: string
  /** Absent where the source has withdrawn it. */
  record?: AdvisoryRecord
  /** Id of a withdrawn one. */
  withdrawn?: string
}

/** What one source record came to; a record may be readable in part. */
export interface Normalized {
  findings?: Finding[]
  /** Why it, or a part of it, could not be read: from our own templates. */
  invalid?: string
  /** ISO date. */
  date?: string
  /** Names of ecosystems that were left out, bounded. */
  otherEcosystems?: string[]
  /** Ranges of commits, which no lockfile version can be compared with. */
  gitRanges?: number
}

export const MAX_VERSIONS = 20_000
export const MAX_RANGES = 2_000
export const MAX_EVENTS = 5_000
export const MAX_ALIASES = 100
export const MAX_AFFECTED = 20_000

/** The facts of one advisory for one package, still as its source states them. */
export interface RawFacts {
  id: string
  aliases: string[]
  malware: boolean
  rating: Pick<AdvisoryRecord, "severity" | "cvss">
  /** One list of events for each range. */
  ranges: RangeEvent[][]
  versions: string[]
  fixed?: string[]
  /** Something in it was not readable. */
  unreadable: boolean
}

/** Brings the facts into the form of the index: events become intervals, empty members go. */
export function recordOf(ecosystem: Ecosystem, facts: RawFacts): AdvisoryRecord {
  const compare = versionOrder(ecosystem)
  let unreadable = facts.unreadable
  const ranges = facts.ranges.flatMap((events) => {
    const intervals = intervalsOf(events, compare)
    if (!intervals) unreadable = true
    return intervals ?? []
  })
  return {
    id: facts.id,
    ...(facts.aliases.length > 0 && { aliases: facts.aliases }),
    kind: facts.malware ? "malware" : "vulnerability",
    ...facts.rating,
    ...(ranges.length > 0 && { ranges }),
    ...(facts.versions.length > 0 && { versions: facts.versions }),
    ...(facts.fixed && facts.fixed.length > 0 && { fixed: facts.fixed }),
    ...(unreadable && { unreadable: true as const }),
  }
}

/** The day of an ISO time; undefined where it is none or no plausible one for an advisory. */
export function dayOf(time: unknown): string | undefined {
  return typeof time === "string" && /^(19[7-9]\d|20\d\d)-[01]\d-[0-3]\d/.test(time) ? time.slice(0, 10) : undefined
}
