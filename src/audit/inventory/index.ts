// The System of Record: which agents run and ran, what each consumed, by whose approval; now, or as the record stood at a time.
import type { Kysely } from "kysely"
import type { AdvisoryIndex } from "../../packages/advisories/types.ts"
import type { Tables } from "../../store/schema.ts"
import { indexText } from "../index-rows.ts"
import { ERASED, openPeople } from "../people.ts"
import { groupAgents, type OpenPerson, readRuns, timeOf } from "./agents.ts"
import { findTouched, type Touched } from "./touched.ts"
import type { Inventory, InventoryItem, InventoryQuery, InventoryUse, Person, Reason } from "./types.ts"
import { readUses, type UseRow } from "./uses.ts"

/**
 * Answers a query from the derived tables: call `deriveAll` first. `advisories` (the local ones, or why they cannot be searched) are
 * needed for a `touched` that is an advisory. As of a time means every record whose own time is not after it: uses and runs that
 * began later are left out, and last times and counts are those of that instant; advisories are always today's.
 */
export async function readInventory(
  db: Kysely<Tables>,
  query: InventoryQuery,
  now: number,
  advisories: AdvisoryIndex | { reason: string },
): Promise<Inventory> {
  const asked = { ...query, agent: query.agent === undefined ? undefined : indexText(query.agent) }
  const touched = query.touched === undefined ? undefined : await findTouched(db, query.touched, advisories)
  const { rows, others } = await readUses(db, asked, touched && [...touched.items.keys()])
  const runs = await readRuns(db, asked)
  const using = new Set(rows.map(({ agent }) => agent))
  // Who has it: only the agents that do.
  const shown = touched === undefined ? runs : runs.filter(({ agent }) => using.has(agent))
  const openPerson = await openAll(db, [
    ...rows.flatMap(({ operator, approvers }) => [operator, ...approvers.split(" ")]),
    ...shown.map(({ operator }) => operator),
  ])
  return {
    schema: "nanoguard.audit-inventory/1",
    asOf: timeOf(query.asOf ?? now),
    seq: await readPosition(db),
    refused: query.refused === true,
    agents: groupAgents(shown, openPerson),
    items: groupItems(rows, openPerson, touched),
    others,
    ...(touched && { touched: touched.report }),
  }
}

/** The last sequence number that the derived tables contain. */
export async function readPosition(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom("derived").select("value").where("name", "=", "seq").executeTakeFirst()
  return Number(row?.value ?? 0)
}

async function openAll(db: Kysely<Tables>, commitments: readonly string[]): Promise<OpenPerson> {
  const distinct = new Set(commitments)
  distinct.delete("")
  const opened = await openPeople(db, distinct)
  const people = new Map<string, Person>()
  for (const [commitment, value] of opened)
    people.set(commitment, { commitment, name: value === ERASED ? null : value })
  return (commitment) => people.get(commitment) ?? null
}

/** Items by kind and name, each with its uses from the earliest on. */
function groupItems(rows: readonly UseRow[], openPerson: OpenPerson, touched: Touched | undefined): InventoryItem[] {
  const items = [...Map.groupBy(rows, ({ item }) => item).values()].map((own): InventoryItem => {
    const { kind, name, version, digest } = own[0]!
    const uses = own.toSorted((a, b) => a.first - b.first || a.firstSeq - b.firstSeq)
    return { kind, name, version, digest, uses: uses.map((row) => describeUse(row, openPerson, touched)) }
  })
  const keyOf = ({ kind, name, version, digest }: InventoryItem) => `${kind}\0${name}\0${version}\0${digest}`
  return items
    .map((item): [string, InventoryItem] => [keyOf(item), item])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, item]) => item)
}

function describeUse(row: UseRow, openPerson: OpenPerson, touched: Touched | undefined): InventoryUse {
  const approvers = row.approvers === "" ? [] : row.approvers.split(" ").map(openPerson)
  const because = touched?.report.by === "advisory" ? reasonsOf(row, touched) : undefined
  return {
    agent: row.agent,
    outcome: row.outcome,
    operator: openPerson(row.operator),
    policy: row.policy,
    approvers: approvers.filter((person) => person !== null),
    first: timeOf(row.first),
    last: timeOf(row.last),
    firstSeq: row.firstSeq,
    lastSeq: row.lastSeq,
    count: row.count,
    ...(because && { because }),
  }
}

function reasonsOf({ id, item }: UseRow, { items, uses }: Touched): Reason[] {
  return (items.get(item) ?? []).map((reason) => (reason === "other-verdict" && uses.has(id) ? "verdict" : reason))
}
