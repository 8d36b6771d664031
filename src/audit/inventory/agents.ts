// Who runs and ran: one entry an agent, with its runs.
import type { Kysely, Selectable } from "kysely"
import type { AgentsTable, Tables } from "../../store/schema.ts"
import { indexText } from "../derive/index-rows.ts"
import { readRecords } from "../read/query.ts"
import type { LogRecord } from "../types.ts"
import type { AgentRun, InventoryAgent, Person } from "./types.ts"

/** One run of one agent, times in milliseconds. */
export type RunRow = Omit<Selectable<AgentsTable>, "id">

/** Gives the person behind a commitment; null for "". */
export type OpenPerson = (commitment: string) => Person | null

/** Records of a run that are read to learn who operated it under which policy at a time. */
const MOST_READ = 32

/** The runs that were on record by `asOf`, as they stood then; without it, all as they stand. With `only`, those of these agents. */
export async function readRuns(
  db: Kysely<Tables>,
  query: { agent?: string | undefined; asOf?: number | undefined },
  only?: ReadonlySet<string>,
): Promise<RunRow[]> {
  let select = db.selectFrom("agents").selectAll()
  if (query.agent !== undefined) select = select.where("agent", "=", query.agent)
  if (query.asOf !== undefined) select = select.where("first", "<=", query.asOf)
  const all: RunRow[] = await select.execute()
  const rows = only === undefined ? all : all.filter(({ agent }) => only.has(agent))
  if (query.asOf === undefined) return rows
  const { asOf } = query
  const later = rows.filter(({ last }) => last > asOf)
  const counts = await countEntries(db, later, asOf)
  return Promise.all(rows.map((row) => (row.last > asOf ? cutRun(db, row, counts.get(keyOf(row)), asOf) : row)))
}

const keyOf = ({ agent, run }: Pick<RunRow, "agent" | "run">) => `${agent}\0${run}`

interface EntryCount {
  agent: string
  run: string
  last: number
  events: number
}

/** Last times and numbers of the records of runs until `asOf`, exactly. */
async function countEntries(
  db: Kysely<Tables>,
  rows: readonly RunRow[],
  asOf: number,
): Promise<Map<string, EntryCount>> {
  const entries = db
    .selectFrom("entries")
    .select(({ fn }) => ["agent", "run", fn.max("time").as("last"), fn.countAll<number>().as("events")])
    .where("time", "<=", asOf)
    .groupBy(["agent", "run"])
  const found: EntryCount[] = []
  const runs = [...new Set(rows.map(({ run }) => run))].filter((run) => run !== "")
  // The index of runs leaves out what has none, and is used only where that is said.
  for (let at = 0; at < runs.length; at += CHUNK) {
    const some = runs.slice(at, at + CHUNK)
    found.push(...(await entries.where("run", "in", some).where("run", "<>", "").execute()))
  }
  for (const { agent } of rows.filter(({ run }) => run === ""))
    found.push(...(await entries.where("agent", "=", agent).where("run", "=", "").execute()))
  return new Map(found.map((count) => [keyOf(count), count]))
}

/** How many runs go into one statement. */
const CHUNK = 500

/** What stood in a run's row at `asOf`, from its entries and from its last records until then. */
async function cutRun(db: Kysely<Tables>, row: RunRow, count: EntryCount | undefined, asOf: number): Promise<RunRow> {
  const { agent, run, first } = row
  const said: Partial<LogRecord> = {}
  const filter = { agent, run, until: asOf }
  for await (const { record } of readRecords(db, { ...filter, newestFirst: true, limit: MOST_READ }))
    takeOver(said, record)
  for await (const { record } of readRecords(db, { ...filter, limit: 1 })) takeOver(said, record)
  const started = row.started !== null && row.started <= asOf ? row.started : null
  const ended = row.ended !== null && row.ended <= asOf ? row.ended : null
  return {
    ...{ agent, run, first, last: Number(count?.last ?? first), events: Number(count?.events ?? 0), started, ended },
    outcome: ended === null ? "" : row.outcome,
    operator: indexText(said.operator),
    gateway: indexText(said.gateway),
    policy: indexText(said.policy),
    boxed: said.boxed === undefined ? null : Number(said.boxed),
  }
}

/** What is not yet known, from an earlier record. */
function takeOver(said: Partial<LogRecord>, record: LogRecord | undefined): void {
  if (record === undefined) return
  const { operator, gateway, boxed } = record
  const policy = record.policy ?? record.verdict?.policyHash
  if (said.operator === undefined && operator !== undefined) said.operator = operator
  if (said.gateway === undefined && gateway !== undefined) said.gateway = gateway
  if (said.boxed === undefined && boxed !== undefined) said.boxed = boxed
  if (said.policy === undefined && policy !== undefined) said.policy = policy
}

/** Agents by name, their runs from the latest to the earliest. */
export function groupAgents(rows: readonly RunRow[], openPerson: OpenPerson): InventoryAgent[] {
  return [...Map.groupBy(rows, ({ agent }) => agent)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([agent, own]) => {
      const runs = own
        .toSorted((a, b) => b.first - a.first || (a.run < b.run ? -1 : 1))
        .map((row) => describeRun(row, openPerson))
      const operators = runs.map(({ operator }) => operator).filter((operator) => operator !== null)
      return {
        agent,
        running: runs.filter(({ state }) => state === "running").length,
        operators: [...new Set(operators)],
        policies: distinct(runs.map(({ policy }) => policy)),
        gateways: distinct(runs.map(({ gateway }) => gateway)),
        first: runs.at(-1)!.first,
        last: runs.reduce((last, run) => (run.last > last ? run.last : last), ""),
        events: runs.reduce((sum, { events }) => sum + events, 0),
        runs,
      }
    })
}

function describeRun(row: RunRow, openPerson: OpenPerson): AgentRun {
  const { run, policy, gateway, outcome, events, started, ended } = row
  return {
    run,
    state: ended !== null ? "ended" : started !== null ? "running" : "seen",
    boxed: row.boxed === null ? null : row.boxed !== 0,
    operator: openPerson(row.operator),
    policy,
    gateway,
    first: timeOf(row.first),
    last: timeOf(row.last),
    started: started === null ? null : timeOf(started),
    ended: ended === null ? null : timeOf(ended),
    outcome,
    events,
  }
}

/** Milliseconds since the epoch as RFC 3339; what is no time, from a row that somebody altered, is shown as the epoch. */
export function timeOf(ms: number): string {
  return new Date(Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString()
}

const distinct = (values: readonly string[]) => [...new Set(values)].filter((value) => value !== "")
