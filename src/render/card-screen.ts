// A card in a terminal of some size: headline, digest and keys always, the rest as there is room, and what was cut by name.
import type { Card } from "./card.ts"
import type { Section } from "./card-parts.ts"
import { type Line, linesOf, type Row } from "./card-text.ts"
import { widthOf } from "./terminal-width.ts"

/** Lines of a value on the screen; the full view has the rest. */
const MAX_LINES = 4

/** Fewest lines for what may be cut: one of it, and the one that says what was. */
const LEAST_ROOM = 2

/** Lines for what may be cut, below which the frame around it gives way. */
const WANTED_ROOM = 6

/** What a section is given first, in this order, before the rest is shared out. */
const LEAST: readonly (readonly [name: string, lines: number])[] = [
  ["values", 6],
  ["arguments", 6],
  ["evidence", 4],
  ["the rule", 2],
  ["the credential", 1],
  ["provenance", 1],
  ["the agent's words", 1],
]

/** Fits a card into `rows` lines. `fits` is false where not even what has to be seen has room: then nothing may be decided. */
export function fitCard(card: Card, columns: number, rows: number): { lines: Line[]; fits: boolean } {
  const head = linesOf({ label: "will", value: card.headline, tone: "head" }, columns, 3)
  const top = [...head, ...card.top.flatMap((row) => linesOf(row, columns, 3))]
  const below = (most: number) => card.bottom.flatMap((row) => linesOf(row, columns, row.label === "digest" ? 3 : most))
  // Of what will be sent there should be more than the frame around it.
  const bottom = rows - top.length - below(3).length < WANTED_ROOM ? below(2) : below(3)
  const room = rows - top.length - bottom.length
  if (room < LEAST_ROOM && card.sections.length > 0) {
    // What is below comes from us alone: it stays, and what is above is cut.
    const low = bottom.slice(-Math.max(0, Math.min(bottom.length, rows - 1)))
    return { lines: [...top.slice(0, Math.max(0, rows - low.length)), ...low], fits: false }
  }
  const middle = fitSections(card.sections, columns, room)
  const gap = Array.from({ length: Math.max(0, room - middle.length) }, (): Line => ({ text: "" }))
  return { lines: [...top, ...middle, ...gap, ...bottom], fits: room >= middle.length }
}

function fitSections(sections: readonly Section[], columns: number, room: number): Line[] {
  const whole = sections.map((section) => section.rows.flatMap((row) => linesOf(row, columns, MAX_LINES)))
  if (total(whole) <= room) return whole.flat()
  // What is the same as in the request that was approved says least.
  const folded = sections.map(({ rows }) => foldSame(rows).flatMap((row) => linesOf(row, columns, MAX_LINES)))
  const given = sections.map(() => 0)
  let left = room - 1
  const give = (index: number, most: number) => {
    const more = Math.max(0, Math.min(folded[index]!.length - given[index]!, most - given[index]!, left))
    given[index] = given[index]! + more
    left -= more
  }
  for (const [name, least] of LEAST) {
    const index = sections.findIndex((section) => section.name === name)
    if (index >= 0) give(index, least)
  }
  for (const [index] of sections.entries()) give(index, Infinity)
  const lost = sections.flatMap(({ name }, i) => {
    const count = folded[i]!.length - given[i]!
    return count > 0 ? [{ name, count }] : []
  })
  const lines = folded.flatMap((lines, i) => lines.slice(0, given[i]))
  if (lost.length === 0) return lines
  const named = `v shows what is cut, in lines: ${lost.map(({ name, count }) => `${count} of ${name}`).join(", ")}`
  const sum = lost.reduce((sum, { count }) => sum + count, 0)
  return [...lines, { text: widthOf(named) <= columns ? named : `v shows ${sum} lines that are cut`, tone: "warn" }]
}

function foldSame(rows: readonly Row[]): Row[] {
  const folded: Row[] = []
  let run: Row[] = []
  const flush = () => {
    if (run.length > 2) folded.push({ label: "", value: `  (${run.length} values are the same)`, tone: "dim" })
    else folded.push(...run)
    run = []
  }
  for (const row of rows) {
    if (row.same) run.push(row)
    else {
      flush()
      folded.push(row)
    }
  }
  flush()
  return folded
}

const total = (parts: readonly (readonly Line[])[]) => parts.reduce((sum, lines) => sum + lines.length, 0)
