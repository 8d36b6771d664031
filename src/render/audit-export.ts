// What `nanoguard audit export` says beside the export itself.
import type { ExportCounts } from "../audit/export/index.ts"
import { countOf } from "./clean.ts"

/** What was written, for stderr. `size`: records under the checkpoint; `left`: those asked for and not yet under it. */
export function renderExportSummary(counts: ExportCounts & { size: number; left: number }): string {
  const { records, archived, opened, erased, size, left } = counts
  const lines = [`exported ${countOf(records, "record")} with proofs, under a checkpoint of ${countOf(size, "record")}`]
  if (archived > 0) lines.push(`left out: ${countOf(archived, "archived record")}, whose bodies are in the archive`)
  if (left > 0) lines.push(`left out: ${countOf(left, "record")} not yet under a checkpoint`)
  if (opened > 0) lines.push(`${countOf(opened, "personal value")} in it: --without-people leaves them closed`)
  if (erased > 0) lines.push(`${countOf(erased, "personal value")} had been erased`)
  return `${lines.join("\n")}\n`
}

/** JSON lines for a terminal: what could move its cursor or reorder its text becomes the escape that means the same. */
export function escapeForTerminal(lines: string): string {
  return lines.replace(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
