// The System of Record: which agents run and ran, what each consumed, by whose approval; now, or as the record stood at a time.
import type { Kysely } from "kysely"
import type { AdvisoryIndex } from "../../packages/advisories/types.ts"
import type { Tables } from "../../store/schema.ts"
import { readPosition } from "../derive/derive-log.ts"
import { indexText } from "../derive/index-rows.ts"
import { ERASED, openPeople } from "../sealing/people.ts"
import { groupAgents, type OpenPerson, readRuns, timeOf } from "./agents.ts"
import { findTouched, type Touched } from "./touched.ts"
import type { Inventory, InventoryItem, InventoryQuery, InventoryUse, Person, Reason } from "./types.ts"
import { type ItemRow, readUses, type UseRow, type Uses } from "./uses.ts"

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
  const uses = await readUses(db, asked, touched && [...touched.items.keys()])
  // Who has it: only the agents that do.
  const using = touched === undefined ? undefined : new Set(uses.rows.map(({ agent }) => agent))
  const shown = await readRuns(db, asked, using)
  const commitments = new Set<string>(shown.map(({ operator }) => operator))
  for (const { operator } of uses.rows) commitments.add(operator)
  for (const approvers of new Set(uses.rows.map(({ approvers }) => approvers)))
    for (const approver of approvers.split(" ")) commitments.add(approver)
  const openPerson = await openAll(db, commitments)
  return {
    schema: "nanoguard.audit-inventory/1",
    asOf: timeOf(query.asOf ?? now),
    seq: await readPosition(db),
    refused: query.refused === true,
    agents: groupAgents(shown, openPerson),
    items: groupItems(uses, openPerson, touched),
    others: uses.others,
    ...(touched && { touched: touched.report }),
  }
}

async function openAll(db: Kysely<Tables>, commitments: Set<string>): Promise<OpenPerson> {
  commitments.delete("")
  const people = new Map<string, Person>()
  for (const [commitment, value] of await openPeople(db, commitments))
    people.set(commitment, { commitment, name: value === ERASED ? null : value })
  return (commitment) => people.get(commitment) ?? null
}

/** Items by kind and name, each with its uses from the earliest on. */
function groupItems({ rows, items }: Uses, openPerson: OpenPerson, touched: Touched | undefined): InventoryItem[] {
  const used = new Map<number, UseRow[]>()
  for (const row of rows) {
    const own = used.get(row.item)
    if (own === undefined) used.set(row.item, [row])
    else own.push(row)
  }
  const sorted = [...used.keys()].map((id) => items.get(id)!).sort(compareItems)
  return sorted.map(({ id, kind, name, version, digest }) => {
    const own = used.get(id)!.sort((a, b) => a.first - b.first || a.firstSeq - b.firstSeq)
    return { kind, name, version, digest, uses: own.map((row) => describeUse(row, openPerson, touched)) }
  })
}

function compareItems(a: ItemRow, b: ItemRow): number {
  for (const field of ["kind", "name", "version", "digest"] as const) {
    if (a[field] !== b[field]) return a[field] < b[field] ? -1 : 1
  }
  return 0
}

const NOBODY: Person[] = []

function describeUse(row: UseRow, openPerson: OpenPerson, touched: Touched | undefined): InventoryUse {
  const { agent, outcome, policy, first, last, firstSeq, lastSeq, count, approvers } = row
  const use: InventoryUse = {
    agent,
    outcome,
    operator: openPerson(row.operator),
    policy,
    approvers: approvers === "" ? NOBODY : openApprovers(approvers, openPerson),
    first: timeOf(first),
    last: timeOf(last),
    firstSeq,
    lastSeq,
    count,
  }
  if (touched?.report.by === "advisory") use.because = reasonsOf(row, touched)
  return use
}

const openApprovers = (approvers: string, openPerson: OpenPerson) =>
  approvers
    .split(" ")
    .map(openPerson)
    .filter((person) => person !== null)

function reasonsOf({ id, item }: UseRow, { items, uses }: Touched): Reason[] {
  return (items.get(item) ?? []).map((reason) => (reason === "other-verdict" && uses.has(id) ? "verdict" : reason))
}
