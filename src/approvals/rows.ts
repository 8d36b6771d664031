// Rows of the queue as what they mean.
import type { Kysely } from "kysely"
import { cleanText } from "../render/clean.ts"
import type { ApprovalsTable, Tables } from "../store/schema.ts"
import { readBinding } from "./binding.ts"
import type { Approval, ApprovalState, Decision, Requested, Terms } from "./types.ts"

/** Most requests that are read at once. */
export const MAX_LISTED = 1000

/** A row as the gate tells an agent of it. */
export async function toRequested(db: Kysely<Tables>, row: ApprovalsTable, now: number): Promise<Requested> {
  const state = stateAt(row, now)
  const answer = { id: row.id, state, expires: new Date(row.expires).toISOString() }
  if (state !== "denied") return answer
  const decisions = await readDecisions(db, [row.id])
  const note = decisions.find(({ answer }) => answer === "deny")?.terms.note
  return note === undefined ? answer : { ...answer, note: cleanText(String(note)) }
}

/** Rows with their decisions; those whose binding is not what their digest names are left out. */
export async function toApprovals(
  db: Kysely<Tables>,
  rows: readonly ApprovalsTable[],
  now: number,
): Promise<Approval[]> {
  const decisions = await readDecisions(
    db,
    rows.map(({ id }) => id),
  )
  return rows.flatMap((row) => {
    const { id, digest, uses } = row
    const binding = readBinding(id, digest, row.binding)
    const own = decisions.filter(({ approval }) => approval === id)
    return binding ? [{ id, digest, binding, uses, state: stateAt(row, now), decisions: own }] : []
  })
}

async function readDecisions(db: Kysely<Tables>, ids: readonly string[]): Promise<Decision[]> {
  if (ids.length === 0) return []
  const rows = await db.selectFrom("decisions").selectAll().where("approval", "in", ids).orderBy("time").execute()
  return rows.map((row) => ({ ...row, terms: readTerms(row.terms) }))
}

/** Terms that cannot be read are none: then the signature over them does not hold either. */
function readTerms(text: string): Terms {
  try {
    const terms: unknown = JSON.parse(text)
    return typeof terms === "object" && terms !== null && !Array.isArray(terms) ? terms : {}
  } catch {
    return {}
  }
}

function stateAt({ state, expires, ends }: ApprovalsTable, now: number): ApprovalState {
  const isOver = (state === "pending" && now >= expires) || (state === "granted" && now >= ends)
  return isOver ? "expired" : state
}
