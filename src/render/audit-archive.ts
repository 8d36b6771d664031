// How `nanoguard audit archive` looks.
import { cleanText, countOf, safeJson } from "./clean.ts"
import type { Style } from "./style.ts"

export interface ArchiveReport {
  schema: "nanoguard.audit-archive/1"
  /** `nothing`: no record is that old. */
  state: "planned" | "declined" | "archived" | "nothing"
  directory: string
  /** RFC 3339. */
  before: string
  /** First and last record to go. */
  from: number
  to: number
  records: number
  /** The log has no signed checkpoint yet: then nothing can go. */
  unsigned: boolean
  segments: { path: string; from: number; to: number; digest: string }[]
}

/** A report as text, or as one JSON document. */
export function renderArchive(report: ArchiveReport, format: "text" | "json", style: Style): string {
  if (format === "json") return safeJson(report)
  const { state, records, from, to, directory, before, unsigned, segments } = report
  const what = `${countOf(records, "record")} (${from} to ${to}) from before ${before}`
  const place = cleanText(directory)
  if (state === "nothing")
    return unsigned
      ? "The log has no signed checkpoint yet: nothing can be archived. `nanoguard audit checkpoint` signs one.\n"
      : none(before)
  if (state === "declined") return "Nothing was archived\n"
  if (state === "planned") return `To archive: ${what}, to ${place}\n`
  const lines = segments.map(({ path, digest }) => `  ${cleanText(path)}  ${cleanText(digest)}`)
  const head = style.green(`Archived: ${what}, in ${countOf(segments.length, "segment")}`)
  const next = `  nanoguard audit verify --archive ${place}   checks them with the rest of the log`
  return `${[head, ...lines, next].join("\n")}\n`
}

function none(before: string): string {
  return `Nothing is from before ${before}: nothing was archived\n`
}
