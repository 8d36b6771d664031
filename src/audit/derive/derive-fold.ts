// Folds records into the rows of the index: what every agent, run, item and use adds up to. The state holds whole rows, so that
// what is written are final values: writing them again changes nothing. Ids count up in the order of first appearance; so a
// rebuilt index is the same, whatever the slices were.
import type { AgentsTable, EntriesTable, ItemsTable, TouchedTable, UsesTable } from "../../store/schema.ts"
import type { IndexRow, ItemKey, UseKey } from "./index-rows.ts"

/** A stored row, whose id is a plain number. */
type Row<T> = Omit<T, "id"> & { id: number }
export type AgentRow = Row<AgentsTable>
export type ItemRow = Row<ItemsTable>
export type UseRow = Row<UsesTable>

/** A use in memory, with the advisories that are known to be stored for it. */
export interface KnownUse {
  row: UseRow
  touched: Set<string>
}

/** The rows that are known, by `agentKey`, `itemKey` and `useKey`, and the highest id of each table. */
export interface Known {
  agents: Map<string, AgentRow>
  items: Map<string, ItemRow>
  uses: Map<string, KnownUse>
  ids: { agent: number; item: number; use: number }
  /** Whether a row that is not known does not exist. */
  complete: boolean
}

/** What a slice of the log changes in the index. */
export interface Changes {
  entries: EntriesTable[]
  agents: Set<AgentRow>
  items: Set<ItemRow>
  uses: Set<UseRow>
  touched: TouchedTable[]
}

/** What is known of an index without rows, or of one whose rows are loaded as they are needed. */
export function emptyKnown(ids = { agent: 0, item: 0, use: 0 }): Known {
  const complete = ids.agent === 0 && ids.item === 0 && ids.use === 0
  return { agents: new Map(), items: new Map(), uses: new Map(), ids, complete }
}

/** Nothing changed yet. */
export function emptyChanges(): Changes {
  return { entries: [], agents: new Set(), items: new Set(), uses: new Set(), touched: [] }
}

/** Texts of the index hold no NUL, so these keys are one to one. */
export function agentKey({ agent, run }: Pick<IndexRow, "agent" | "run">): string {
  return `${agent}\0${run}`
}

/** See `agentKey`. */
export function itemKey({ kind, name, version, digest }: ItemKey): string {
  return `${kind}\0${name}\0${version}\0${digest}`
}

/** See `agentKey`; `item` is the id of its row. */
export function useKey(item: number, agent: string, use: Omit<UseKey, "item">): string {
  return `${item}\0${agent}\0${use.outcome}\0${use.operator}\0${use.policy}\0${use.approvers}`
}

/** Adds one record, in place. Whatever of its rows is stored must be in `known`. */
export function foldRow(known: Known, changes: Changes, row: IndexRow): void {
  if (row.agent !== "" || row.run !== "") foldAgent(known, changes, row)
  const { seq, time, kind, type, agent, run, effect, outcome, times } = row
  const use = row.use === undefined ? null : foldUse(known, changes, row, row.use)
  changes.entries.push({ seq, time, kind, type, agent, run, effect, outcome, use, times })
}

/** A run's row says what was last known of it; its first start and its last end count. */
function foldAgent({ agents, ids }: Known, changes: Changes, event: IndexRow): void {
  const key = agentKey(event)
  let row = agents.get(key)
  if (row === undefined) {
    const { agent, run, time } = event
    const unknown = { operator: "", gateway: "", policy: "", boxed: null, started: null, ended: null, outcome: "" }
    row = { id: ++ids.agent, agent, run, ...unknown, first: time, last: time, events: 0 }
    agents.set(key, row)
  }
  row.events++
  row.first = Math.min(row.first, event.time)
  row.last = Math.max(row.last, event.time)
  row.operator = event.operator || row.operator
  row.gateway = event.gateway || row.gateway
  row.policy = event.policy || row.policy
  if (event.boxed !== undefined) row.boxed = Number(event.boxed)
  if (event.type === "sandbox.started") row.started ??= event.time
  if (event.type === "sandbox.ended") {
    row.ended = event.time
    row.outcome = event.outcome
  }
  changes.agents.add(row)
}

function foldUse(known: Known, changes: Changes, event: IndexRow, use: UseKey): number {
  const { agent, seq, time } = event
  const item = foldItem(known, changes, use.item)
  const key = useKey(item, agent, use)
  let found = known.uses.get(key)
  if (found === undefined) {
    const { outcome, operator, policy, approvers } = use
    const span = { firstSeq: seq, lastSeq: seq, first: time, last: time, count: 0 }
    const row = { id: ++known.ids.use, agent, item, outcome, operator, policy, approvers, ...span }
    found = { row, touched: new Set() }
    known.uses.set(key, found)
  }
  const { row, touched } = found
  row.count += event.times
  row.lastSeq = seq
  row.first = Math.min(row.first, time)
  row.last = Math.max(row.last, time)
  changes.uses.add(row)
  for (const advisory of event.advisories) {
    if (touched.has(advisory)) continue
    touched.add(advisory)
    changes.touched.push({ advisory, use: row.id })
  }
  return row.id
}

function foldItem({ items, ids }: Known, changes: Changes, item: ItemKey): number {
  const key = itemKey(item)
  let row = items.get(key)
  if (row === undefined) {
    row = { id: ++ids.item, ...item }
    items.set(key, row)
    changes.items.add(row)
  }
  return row.id
}
