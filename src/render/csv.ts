// CSV as RFC 4180 has it, safe to open in a spreadsheet: no cell is a formula, whatever an agent called its packages.
import { cleanText } from "./clean.ts"

/** Longest cell, in UTF-16 units. */
const MAX_CELL = 2000

// What spreadsheets take for the beginning of a formula, full-width forms included; where the list separator is a semicolon, also
// behind one. Tabs, carriage returns and other spaces are escapes by the time that this looks.
const FORMULA = /(^|;)( *)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g

/** A cell: controls are shown as escapes, an apostrophe stands before what a spreadsheet would compute, quotes where they must. */
export function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value)
  const text = cleanText(value, MAX_CELL).replace(FORMULA, "$1$2'")
  return /[",;]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One header row and the others, with CRLF after each. */
export function renderCsv(header: readonly string[], rows: Iterable<readonly (string | number)[]>): string {
  let out = `${header.join(",")}\r\n`
  for (const row of rows) out += `${row.map(csvCell).join(",")}\r\n`
  return out
}
