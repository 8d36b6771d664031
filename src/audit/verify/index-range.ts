// What the index should say of one range of the log, made from its bodies, and how the stored rows of `entries` differ from it.

import type { EntriesTable } from "../../store/schema.ts"
import { type AgentRow, emptyChanges, emptyKnown, foldRow, itemKey } from "../derive-fold.ts"
import { indexRow } from "../index-rows.ts"
import type { EntryText } from "./range.ts"
import type { BodyRow } from "./scan.ts"

/** What the records of a range add up to for one use: `UsesTable` with its item written out, and the advisories. */
export interface UseTotal {
  agent: string
  kind: string
  name: string
  version: string
  digest: string
  outcome: string
  operator: string
  policy: string
  approvers: string
  firstSeq: number
  lastSeq: number
  first: number
  last: number
  count: number
  advisories: string[]
  /** The row of `uses` that the entries of the range name for it; null where they name none. */
  stored: number | null
}

export interface IndexRange {
  agents: AgentRow[]
  uses: UseTotal[]
  /** Records whose rows were compared. */
  compared: number
  differences: { seq: number; what: string }[]
}

/** Differences that a range names. */
const MOST = 20

/** SQL of the text that stands for the columns of an entry. No text of the index holds a NUL, so no two entries share one. */
export const ENTRY_TEXT =
  "time || char(0) || kind || char(0) || type || char(0) || agent || char(0) || run || char(0) || effect || char(0) || outcome"

/** The same of a whole row. */
export function entryText(entry: EntriesTable): string {
  const { time, kind, type, agent, run, effect, outcome } = entry
  return `${time}\0${kind}\0${type}\0${agent}\0${run}\0${effect}\0${outcome}`
}

/** Begins with nothing; rows are added in order. */
export function beginIndexRange() {
  const known = emptyKnown()
  const changes = emptyChanges()
  /** By the number that a use has in this range, less one: what `entries` calls it. */
  const stored: (number | null)[] = []
  const differences: IndexRange["differences"] = []
  let compared = 0

  const differ = (seq: number, what: string) => {
    if (differences.length < MOST) differences.push({ seq, what })
  }

  const compareEntry = (expected: EntriesTable, found: EntryText | undefined) => {
    compared++
    if (!found) return differ(expected.seq, "has no row in the index")
    if (found[1] !== entryText(expected))
      return differ(expected.seq, "has another row in the index than its body makes")
    if (expected.use === null) {
      if (found[2] !== null) differ(expected.seq, "is counted in the index as a use of something, and names nothing")
      return
    }
    const known = stored[expected.use - 1]
    if (known === undefined) stored[expected.use - 1] = found[2]
    else if (known !== found[2]) differ(expected.seq, "is counted in the index as a use of something else")
  }

  return {
    /** Rows of the log and of `entries` from `from` to `to`; either may lack some. */
    addRows: (rows: readonly BodyRow[], from: number, to: number, entries: readonly EntryText[]) => {
      const bySeq: (EntryText | undefined)[] = []
      for (const entry of entries) bySeq[entry[0] - from] = entry
      for (const [seq, body] of rows) {
        if (seq > to) break
        foldRow(known, changes, indexRow(seq, body))
        compareEntry(changes.entries.pop()!, bySeq[seq - from])
      }
    },
    result: (): IndexRange => {
      const items = new Map([...known.items.values()].map((item) => [item.id, item]))
      const uses = [...known.uses.values()].map(({ row, touched }): UseTotal => {
        const { id, item, ...use } = row
        const { id: _, ...named } = items.get(item)!
        return { ...use, ...named, advisories: [...touched], stored: stored[id - 1] ?? null }
      })
      return { agents: [...known.agents.values()], uses, compared, differences }
    },
  }
}

/** What makes two totals the same use: every text of it. */
export function totalKey(
  use: Omit<UseTotal, "stored" | "advisories" | "firstSeq" | "lastSeq" | "first" | "last" | "count">,
): string {
  return `${itemKey(use)}\0${use.agent}\0${use.outcome}\0${use.operator}\0${use.policy}\0${use.approvers}`
}
