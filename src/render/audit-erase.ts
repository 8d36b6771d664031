// How `nanoguard audit erase` looks. The name itself is never printed.
import { cleanText, countOf, safeJson } from "./clean.ts"
import type { Style } from "./style.ts"

export interface EraseReport {
  schema: "nanoguard.audit-erase/1"
  /** `unknown`: nobody is known by that name, or not any more. */
  state: "planned" | "declined" | "erased" | "unknown"
  store: "sqlite" | "postgres"
  commitments: readonly string[]
  /** Records that name one of them, without those that are archived. */
  records: number
  /** Last record that is archived, and was not looked at. */
  archived: number
  /** Sequence number of the record that says so. */
  seq?: number
  /** Nothing of it is left in the files; false where other processes were in the way. */
  scrubbed?: boolean
}

/** A report as text, or as one JSON document. */
export function renderErase(report: EraseReport, format: "text" | "json", style: Style): string {
  if (format === "json") return safeJson(report)
  return `${[headline(report, style), ...details(report)].join("\n")}\n`
}

function headline({ state, records, seq, archived }: EraseReport, style: Style): string {
  const where = `${countOf(records, "record")}${archived > 0 ? `, besides those up to ${archived} that are archived` : ""}`
  if (state === "unknown") return "Nobody is known by this name: it was never recorded exactly so, or is erased already"
  if (state === "erased")
    return style.green(`Erased: ${where} name somebody who cannot be named any more (record ${seq})`)
  if (state === "declined") return "Nothing was erased"
  return `To erase: what opens this person's commitments, in ${where}`
}

function details({ state, commitments, scrubbed, store }: EraseReport): string[] {
  if (state === "declined") return []
  const lines = commitments.map((commitment) => `  ${cleanText(commitment)}`)
  if (scrubbed === false)
    lines.push(
      "  other processes hold the log's files: traces may be left in them. Repeat the command when they are idle",
    )
  if (state === "erased") {
    if (store === "postgres")
      lines.push(
        "  PostgreSQL keeps the deleted row until VACUUM FULL nanoguard.people, and in its own write-ahead log",
      )
    lines.push("  Backups, exports and copies of this store are not reached.")
  }
  return lines
}
