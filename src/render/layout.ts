// Plain-text layout: wrapping and aligned columns. Widths count UTF-16 units, which is exact for the ASCII that package
// names and our own texts are made of.
import { cleanText, countOf } from "./clean.ts"
import type { Paint, Style } from "./style.ts"

/** What the sections of a text need to know. */
export interface Page {
  style: Style
  columns: number
  /** Longest list that is shown whole. */
  limit: number
}

/** The line that ends a cut list. */
export function moreOf(count: number, noun: string): string {
  return `and ${countOf(count, `more ${noun}`)} (--format json has all)`
}

/** Breaks a clean text at spaces so that no line passes `width`; a longer word stays whole, as it may be copied. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines
}

/** `label` padded and painted, then the text wrapped and aligned behind it. */
export function labelled(indent: number, label: string, text: string, columns: number, paint?: Paint): string[] {
  const padded = `${label.padEnd(LABEL_WIDTH)}  `
  const width = indent + padded.length
  return wrapText(text, Math.max(20, columns - width)).map((line, i) =>
    i === 0 ? " ".repeat(indent) + (paint?.(padded) ?? padded) + line : " ".repeat(width) + line,
  )
}

const LABEL_WIDTH = 8

/** Rows of cells as aligned columns, two spaces between; numeric columns (by index) are right-aligned. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const clean = rows.map((row) => row.map((cell) => cleanText(cell, 120)))
  const widths: number[] = []
  for (const row of clean) {
    for (const [i, cell] of row.entries()) widths[i] = Math.min(60, Math.max(widths[i] ?? 0, cell.length))
  }
  return clean.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  )
}
