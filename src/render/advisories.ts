// How `nanoguard advisories` looks.
import type { ImportReport } from "../packages/advisories/import.ts"
import type { IndexInfo } from "../packages/advisories/types.ts"
import type { Ecosystem } from "../policy/types.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"

export interface UpdateReport extends ImportReport {
  schema: "nanoguard.advisories-update/1"
  file: string
}

export interface IndexStatus {
  file: string
  /** Bytes. */
  size: number
  checksum: "ok" | "damaged"
  /** Days since the newest record; null where no record has a date. */
  ageDays: number | null
  /** Null where the file cannot be opened. */
  info: IndexInfo | null
}

export interface StatusReport {
  schema: "nanoguard.advisories-status/1"
  imported: IndexStatus | null
  snapshot: IndexStatus | null
}

const LABELS: Record<Ecosystem, string> = { npm: "npm", pypi: "PyPI", cargo: "Cargo", golang: "Go" }

function ecosystemLines(info: IndexInfo): string[] {
  return (Object.keys(LABELS) as Ecosystem[]).map((ecosystem) => {
    const counts = info.counts[ecosystem]
    const completeness = info.completeness[ecosystem] ?? "none"
    const label = `  ${LABELS[ecosystem].padEnd(10)}`
    if (!counts || completeness === "none") return `${label}not covered`
    const numbers = [
      countOf(counts.vulnerability, "vulnerability", "vulnerabilities"),
      `${formatCount(counts.malware)} malware`,
      countOf(counts.packages, "package"),
    ]
    const asOf = info.newest[ecosystem] ?? "unknown"
    return `${label}${numbers.join(", ")}; as of ${asOf}; ${completeness === "complete" ? "complete" : "partial: a miss proves nothing"}`
  })
}

function sourceLines(info: IndexInfo): string[] {
  return info.sources.map(({ name, records }) => `  from ${cleanText(name)} (${countOf(records, "record")})`)
}

function statusLines(title: string, status: IndexStatus): string[] {
  const head = `${title}: ${cleanText(status.file)}`
  if (!status.info) return [head, "  damaged: run `nanoguard advisories update`, or delete it"]
  const age = status.ageDays === null ? "of unknown age" : `${countOf(status.ageDays, "day")} old`
  const sum =
    status.checksum === "ok" ? "checksum ok" : "CHECKSUM WRONG: run `nanoguard advisories update`, or delete it"
  return [
    head,
    `  ${countOf(status.info.records, "advisory", "advisories")}, newest ${status.info.asOf || "unknown"}, ${age}; ${sum}`,
    ...ecosystemLines(status.info),
    ...sourceLines(status.info),
    ...(status.info.unreadable > 0
      ? [`  ${countOf(status.info.unreadable, "record")} could not be read by the last import`]
      : []),
  ]
}

/** What is searched, for a person or as one JSON document. */
export function renderStatus(report: StatusReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const lines = report.imported
    ? statusLines("Imported", report.imported)
    : ["Nothing imported: run `nanoguard advisories update` for current advisories."]
  if (report.snapshot) lines.push("", ...statusLines("Snapshot that ships with nanoguard", report.snapshot))
  return `${lines.join("\n")}\n`
}

/** What an import did, with everything that it left out and why. */
export function renderUpdate(report: UpdateReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  const { info, invalid } = report
  const lines = [
    `${countOf(info.records, "advisory", "advisories")} from ${countOf(report.read, "record")}: ${cleanText(report.file)}`,
    ...ecosystemLines(info),
    ...sourceLines(info),
  ]
  if (report.withdrawn > 0) lines.push(`  left out: ${countOf(report.withdrawn, "withdrawn record")}`)
  if (report.gitRanges > 0) lines.push(`  left out: ${countOf(report.gitRanges, "range")} of commits`)
  const others = Object.entries(report.otherEcosystems)
  if (others.length > 0) {
    const total = others.reduce((sum, [, count]) => sum + count, 0)
    const names = others.slice(0, 8).map(([name]) => cleanText(name, 40))
    const more = others.length > names.length ? ", ..." : ""
    lines.push(`  left out: ${countOf(total, "record")} for other ecosystems (${names.join(", ")}${more})`)
  }
  if (invalid.count > 0) {
    lines.push(`  could not be read: ${countOf(invalid.count, "record")}`)
    for (const { where, problem } of invalid.examples) lines.push(`    ${cleanText(where, 120)}: ${cleanText(problem)}`)
    if (invalid.count > invalid.examples.length) {
      lines.push(`    and ${formatCount(invalid.count - invalid.examples.length)} more`)
    }
  }
  return `${lines.join("\n")}\n`
}
