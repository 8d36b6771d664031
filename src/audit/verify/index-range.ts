// What the index should say of one range of the log, made from its bodies, and how the stored rows of `entries` differ from it.
// Adds up by itself, not by the deriver's fold: a mistake in one of the two shows.
import type { EntriesTable } from "../../store/schema.ts"
import type { AgentRow } from "../derive/derive-fold.ts"
import { type IndexRow, rowOf, type UseKey } from "../derive/index-rows.ts"
import type { ParsedRow } from "./mentions.ts"
import { toColumns, type UseColumns, type UseSums, type UseTexts, useKeyOf } from "./use-columns.ts"

/** A use of this range, with the texts that a row is compared with. */
interface Use extends UseSums, UseTexts {}

/** A row of `agents` without its number. */
export type AgentTotal = Omit<AgentRow, "id">

export interface IndexRange {
  agents: AgentTotal[]
  uses: UseColumns
  /** Records whose rows were compared. */
  compared: number
  differences: { seq: number; what: string }[]
}

/** Differences that a range names. */
const MOST = 20

/** SQL of the text that stands for the columns of an entry. No text of the index holds a NUL, so no two entries share one. */
export const ENTRY_TEXT =
  "time || char(0) || kind || char(0) || type || char(0) || agent || char(0) || run || char(0) || effect || char(0) || outcome || char(0) || times"

/** The same of a whole row. */
export function entryText({
  time,
  kind,
  type,
  agent,
  run,
  effect,
  outcome,
  times,
}: Omit<EntriesTable, "seq" | "use">): string {
  return `${time}\0${kind}\0${type}\0${agent}\0${run}\0${effect}\0${outcome}\0${times}`
}

/** A row of `entries`: its number, its texts in one (see `ENTRY_TEXT`), and its use. */
export type EntryText = readonly [seq: number, text: string, use: number | null]

/** Begins with nothing; rows are added in order. */
export function beginIndexRange() {
  const agents = new Map<string, AgentTotal>()
  const uses = new Map<string, Use>()
  // The use that a stored number stood for last: comparing a few texts is cheaper than making a key of them.
  const byStored = new Map<number, Use>()
  const differences: IndexRange["differences"] = []
  let compared = 0

  const differ = (seq: number, what: string) => {
    if (differences.length < MOST) differences.push({ seq, what })
  }

  const findUse = (row: IndexRow, use: UseKey, stored: number | null): Use => {
    const hint = stored === null ? undefined : byStored.get(stored)
    if (hint && isSameUse(hint, row, use)) return hint
    const { seq, time } = row
    const { outcome, operator, policy, approvers } = use
    const named = { ...use.item, agent: row.agent, outcome, operator, policy, approvers }
    const key = useKeyOf(named)
    let total = uses.get(key)
    if (!total) {
      total = { ...named, firstSeq: seq, lastSeq: seq, first: time, last: time, count: 0, advisories: [], stored }
      uses.set(key, total)
    }
    if (total.stored !== stored) differ(seq, "is counted in the index as a use of something else")
    else if (stored !== null) byStored.set(stored, total)
    return total
  }

  const addRow = (row: IndexRow, entry: EntryText | undefined): void => {
    compared++
    if (row.agent !== "" || row.run !== "") addToAgent(agents, row)
    const stored = entry?.[2] ?? null
    if (row.use) addToUse(findUse(row, row.use, stored), row)
    if (!entry) differ(row.seq, "has no row in the index")
    else if (entry[1] !== entryText(row)) differ(row.seq, "has another row in the index than its body makes")
    else if (!row.use && stored !== null) differ(row.seq, "is counted in the index as a use, and names nothing")
  }

  return {
    /** Rows of the log and of `entries` from `from` to `to`; either may lack some. */
    addRows: (rows: readonly ParsedRow[], from: number, to: number, entries: readonly EntryText[]) => {
      const bySeq: (EntryText | undefined)[] = []
      for (const entry of entries) bySeq[entry[0] - from] = entry
      for (const [seq, record] of rows) {
        if (seq > to) break
        addRow(rowOf(seq, record), bySeq[seq - from])
      }
    },
    result: (): IndexRange => ({ agents: [...agents.values()], uses: toColumns(uses), compared, differences }),
  }
}

function isSameUse(total: Use, { agent }: IndexRow, use: UseKey): boolean {
  const { item } = use
  return (
    total.name === item.name &&
    total.version === item.version &&
    total.agent === agent &&
    total.outcome === use.outcome &&
    total.operator === use.operator &&
    total.policy === use.policy &&
    total.approvers === use.approvers &&
    total.digest === item.digest &&
    total.kind === item.kind
  )
}

function addToUse(total: Use, { seq, time, times, advisories }: IndexRow): void {
  total.count += times
  total.lastSeq = seq
  if (time < total.first) total.first = time
  if (time > total.last) total.last = time
  for (const advisory of advisories) if (!total.advisories.includes(advisory)) total.advisories.push(advisory)
}

/** A run's row says what was last known of it; its first start and its last end count. */
function addToAgent(agents: Map<string, AgentTotal>, event: IndexRow): void {
  const { agent, run, time } = event
  const key = `${agent}\0${run}`
  let row = agents.get(key)
  if (!row) {
    const unknown = { operator: "", gateway: "", policy: "", boxed: null, started: null, ended: null, outcome: "" }
    row = { agent, run, ...unknown, first: time, last: time, events: 0 }
    agents.set(key, row)
  }
  row.events++
  if (time < row.first) row.first = time
  if (time > row.last) row.last = time
  if (event.operator !== "") row.operator = event.operator
  if (event.gateway !== "") row.gateway = event.gateway
  if (event.policy !== "") row.policy = event.policy
  if (event.boxed !== undefined) row.boxed = Number(event.boxed)
  if (event.type === "sandbox.started") row.started ??= time
  if (event.type === "sandbox.ended") Object.assign(row, { ended: time, outcome: event.outcome })
}
