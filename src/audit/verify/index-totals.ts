// What the bodies of all ranges add up to, laid beside the tables that answer "who has it, since when".
import { type Kysely, sql } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { agentKey } from "../derive/derive-fold.ts"
import type { AgentTotal, IndexRange } from "./index-range.ts"
import type { Problems } from "./report.ts"
import { fromColumns, type UseSums, type UseTexts, useKeyOf } from "./use-columns.ts"

export interface IndexTotals {
  agents: Map<string, AgentTotal>
  uses: Map<string, UseSums>
  compared: number
}

/** Nothing added up yet. */
export function emptyTotals(): IndexTotals {
  return { agents: new Map(), uses: new Map(), compared: 0 }
}

/** Adds the next range, in order: what comes later overrides where the index keeps the last, and not where it keeps the first. */
export function addRange(totals: IndexTotals, range: IndexRange, problems: Problems): void {
  for (const { seq, what } of range.differences)
    problems.add({ code: "index.differs", seq, what: `record ${seq} ${what}` })
  totals.compared += range.compared
  for (const later of range.agents) {
    const key = agentKey(later)
    const row = totals.agents.get(key)
    totals.agents.set(key, row ? joinAgents(row, later) : later)
  }
  for (const [key, later] of fromColumns(range.uses)) {
    const use = totals.uses.get(key)
    if (!use) {
      totals.uses.set(key, later)
      continue
    }
    if (later.stored !== use.stored) {
      const what = `record ${later.firstSeq} is counted in the index as a use of something else`
      problems.add({ code: "index.differs", seq: later.firstSeq, what })
    }
    use.count += later.count
    use.lastSeq = later.lastSeq
    use.first = Math.min(use.first, later.first)
    use.last = Math.max(use.last, later.last)
    if (later.advisories.length > 0) use.advisories = [...new Set([...use.advisories, ...later.advisories])]
  }
}

function joinAgents(row: AgentTotal, later: AgentTotal): AgentTotal {
  return {
    ...row,
    operator: later.operator || row.operator,
    gateway: later.gateway || row.gateway,
    policy: later.policy || row.policy,
    boxed: later.boxed ?? row.boxed,
    first: Math.min(row.first, later.first),
    last: Math.max(row.last, later.last),
    events: row.events + later.events,
    started: row.started ?? later.started,
    ended: later.ended ?? row.ended,
    outcome: later.ended === null ? row.outcome : later.outcome,
  }
}

const PAGE = 1_000

/**
 * Compares the stored tables with the totals. Where `archived` records could not be read, rows that reach back to them are
 * only held to be no smaller than what was read.
 */
export async function compareTotals(
  db: Kysely<Tables>,
  totals: IndexTotals,
  range: { archived: number; derived: number },
  problems: Problems,
): Promise<void> {
  const differ = (what: string, seq?: number) =>
    problems.add({ code: "index.differs", ...(seq !== undefined && { seq }), what })
  const matched = await compareUses(db, totals.uses, range.archived, differ)
  await compareTouched(db, matched, range.archived, differ)
  await compareAgents(db, totals.agents, range.archived > 0, differ)
  const extra = await db
    .selectFrom("entries")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where(sql<boolean>`seq < 1 or seq > ${range.derived}`)
    .executeTakeFirst()
  if (Number(extra?.count ?? 0) > 0) differ(`the index has ${extra!.count} rows for records that are not in the log`)
}

type Differ = (what: string, seq?: number) => void

/** A use that is stored, and its name in a sentence. */
interface Matched extends UseSums {
  what: string
}

/** Returns the uses that are stored, by the number of their row. */
async function compareUses(
  db: Kysely<Tables>,
  uses: Map<string, UseSums>,
  archived: number,
  differ: Differ,
): Promise<Map<number, Matched>> {
  const matched = new Map<number, Matched>()
  const left = new Map(uses)
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom("uses")
      .innerJoin("items", "items.id", "uses.item")
      .select(["uses.id", "agent", "kind", "name", "version", "digest", "outcome", "operator", "policy", "approvers"])
      .select(["firstSeq", "lastSeq", "first", "last", "count"])
      .where("uses.id", ">", after)
      .orderBy("uses.id")
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      const key = useKeyOf(row)
      const use = uses.get(key)
      const old = row.firstSeq <= archived
      if (!use) {
        if (!old) differ(`the index says that ${nameOf(row)} was used, and no record does`, row.firstSeq)
        continue
      }
      left.delete(key)
      matched.set(row.id, { ...use, what: nameOf(row) })
      const same = old
        ? use.count <= row.count && use.lastSeq === row.lastSeq && use.first >= row.first && use.last <= row.last
        : use.count === row.count && use.firstSeq === row.firstSeq && use.lastSeq === row.lastSeq
      if (!same || (!old && (use.first !== row.first || use.last !== row.last))) {
        differ(`the index counts or dates the use of ${nameOf(row)} otherwise than the records do`, use.firstSeq)
      } else if (use.stored !== row.id) {
        differ(
          `record ${use.firstSeq} is counted in the index as a use of something else than ${nameOf(row)}`,
          use.firstSeq,
        )
      }
    }
    after = rows.at(-1)?.id ?? after
    if (rows.length < PAGE) break
  }
  for (const [key, { firstSeq }] of left) differ(`the index hides that ${nameOf(textsOf(key))} was used`, firstSeq)
  return matched
}

/** Which advisories touch a use: the stored ones must be those of its records, all of them, and no others. */
async function compareTouched(db: Kysely<Tables>, uses: Map<number, Matched>, archived: number, differ: Differ) {
  const left = new Map<Matched, Set<string>>()
  for (const use of uses.values()) if (use.advisories.length > 0) left.set(use, new Set(use.advisories))
  let last = { advisory: "", use: -1 }
  for (let full = true; full; ) {
    const { advisory, use } = last
    const after = sql<boolean>`advisory > ${advisory} or (advisory = ${advisory} and use > ${use})`
    const query = db.selectFrom("touched").selectAll().where(after).orderBy("advisory").orderBy("use").limit(PAGE)
    const rows = await query.execute()
    for (const row of rows) {
      const touched = uses.get(row.use)
      if (touched && left.get(touched)?.delete(row.advisory)) continue
      if (touched ? touched.firstSeq <= archived : archived > 0) continue
      const what = touched ? `${touched.what}, and no record does` : "a use that is not there"
      differ(`the index says that ${row.advisory} touches ${what}`, touched?.firstSeq)
    }
    last = rows.at(-1) ?? last
    full = rows.length === PAGE
  }
  for (const [use, advisories] of left) {
    for (const advisory of advisories) differ(`the index hides that ${advisory} touches ${use.what}`, use.firstSeq)
  }
}

/** The part of a key that a sentence names. */
function textsOf(key: string): Pick<UseTexts, "name" | "version" | "agent"> {
  const [, name = "", version = "", , agent = ""] = key.split("\0")
  return { name, version, agent }
}

function nameOf({ name, version, agent }: { name: string; version: string; agent: string }): string {
  return `${name}${version === "" ? "" : `@${version}`}${agent === "" ? "" : ` by ${agent}`}`
}

const AGENT_FIELDS = [
  "operator",
  "gateway",
  "policy",
  "boxed",
  "first",
  "last",
  "events",
  "started",
  "ended",
  "outcome",
] as const

async function compareAgents(db: Kysely<Tables>, agents: Map<string, AgentTotal>, partly: boolean, differ: Differ) {
  const left = new Map(agents)
  for (let after = 0; ; ) {
    const rows = await db.selectFrom("agents").selectAll().where("id", ">", after).orderBy("id").limit(PAGE).execute()
    for (const row of rows) {
      const key = agentKey(row)
      const expected = left.get(key)
      left.delete(key)
      const place = `agent ${row.agent}, run ${row.run}`
      if (!expected) {
        if (!partly) differ(`the index lists ${place}, and no record names it`)
      } else if (!partly && AGENT_FIELDS.some((field) => expected[field] !== row[field])) {
        differ(`the index says something else of ${place} than the records do`)
      }
    }
    after = rows.at(-1)?.id ?? after
    if (rows.length < PAGE) break
  }
  for (const { agent, run } of left.values()) differ(`the index hides agent ${agent}, run ${run}`)
}
