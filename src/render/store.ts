// How `nanoguard store` looks.
import type { Prepared } from "../store/prepare.ts"
import type { StoreStatus } from "../store/status.ts"
import { formatBytes } from "./bytes.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"

export interface MigrateReport extends Prepared {
  schema: "nanoguard.store-migrate/1"
}

export interface StoreStatusReport extends StoreStatus {
  schema: "nanoguard.store-status/1"
}

export interface DeriveReport {
  schema: "nanoguard.store-derive/1"
  kind: "sqlite" | "postgres"
  location: string
  /** Records of the log, and how many of them the index contains. */
  records: number
  derived: number
}

const ENGINES = { sqlite: "SQLite", postgres: "PostgreSQL" } as const

/** What a migration did, for a person or as one JSON document. */
export function renderMigrate(report: MigrateReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { kind, location, migrations, roles, index } = report
  const lines = [`${ENGINES[kind]} at ${cleanText(location)}`]
  if (migrations.length > 0) lines.push(`  migrations made: ${migrations.join(", ")}`)
  if (roles.length > 0) lines.push(`  roles made: ${roles.join(", ")}`)
  if (index) lines.push("  derived tables made anew: the next gateway or audit command fills them")
  if (lines.length === 1) lines.push("  nothing to do: it is of this version")
  if (kind === "postgres" && roles.length > 0) {
    lines.push(
      "",
      "Give each gateway a login of its own: CREATE ROLE gateway1 LOGIN PASSWORD '...' IN ROLE nanoguard_writer;",
    )
  }
  return `${lines.join("\n")}\n`
}

/** How far the index is, for a person or as one JSON document. */
export function renderDerive(report: DeriveReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { kind, location, records, derived } = report
  return `${ENGINES[kind]} at ${cleanText(location)}\n  index       ${reached(derived, records)}\n`
}

/** Where the store stands, for a person or as one JSON document. `now` in milliseconds since the epoch. */
export function renderStoreStatus(report: StoreStatusReport, format: "text" | "json", now: number): string {
  if (format === "json") return safeJson(report)
  const { kind, location, origin, version, role, bytes, warnings } = report
  const lines = [
    `${ENGINES[kind]} at ${cleanText(location)}`,
    `  log         ${cleanText(origin)}, schema version ${version}, ${formatBytes(bytes)}`,
    ...(role === undefined ? [] : [`  login       ${role}`]),
    `  records     ${recordsOf(report)}`,
    `  index       ${reached(report.derived, report.records)}`,
    `  checkpoint  ${checkpointOf(report, now)}`,
    ...anchorLines(report, now),
    ...warnings.map((warning) => `  warning     ${cleanText(warning)}`),
  ]
  return `${lines.join("\n")}\n`
}

function recordsOf({ records, archived }: StoreStatus): string {
  return archived === 0 ? formatCount(records) : `${formatCount(records)}, the first ${formatCount(archived)} archived`
}

function checkpointOf({ checkpoint, records }: StoreStatus, now: number): string {
  if (checkpoint === null) return records === 0 ? "none yet" : "none: no record is under one"
  return `${reached(checkpoint.size, records)}, ${ageOf(now - checkpoint.time)}`
}

function anchorLines({ anchors, publications, records }: StoreStatus, now: number): string[] {
  const confirmed = new Set(publications.map(({ anchor }) => anchor))
  const silent = anchors.filter((anchor) => !confirmed.has(anchor))
  if (publications.length + silent.length === 0)
    return ["  anchors     none: who may rewrite the store can rewrite all of it unseen"]
  return [
    ...publications.map(
      ({ anchor, size, time }) => `  anchor      ${cleanText(anchor)}: ${reached(size, records)}, ${ageOf(now - time)}`,
    ),
    ...silent.map(
      (anchor) =>
        `  anchor      ${cleanText(anchor)}: has confirmed nothing yet: \`nanoguard audit checkpoint --publish\` says why`,
    ),
  ]
}

const CUT = "records are gone, run `nanoguard audit verify`"

/** How far something has come in the log. */
function reached(size: number, records: number): string {
  if (size > records) return `${formatCount(size)}, and the log ends at ${formatCount(records)}: ${CUT}`
  if (size === records) return `up to date (${formatCount(size)})`
  return `${formatCount(size)}, ${countOf(records - size, "record")} behind`
}

function ageOf(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000)
  if (minutes < 0) return "in the future: check the clocks"
  if (minutes < 1) return "less than a minute ago"
  if (minutes < 120) return `${countOf(minutes, "minute")} ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${countOf(hours, "hour")} ago` : `${countOf(Math.floor(hours / 24), "day")} ago`
}
