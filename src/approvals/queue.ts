// The queue: asking, and how a question stands. Answers are in answer.ts, using what was granted in grants.ts, looking in list.ts.
import { type Kysely, sql } from "kysely"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { Conflict } from "../store/conflict.ts"
import type { ApprovalsTable, Tables } from "../store/schema.ts"
import type { Batch, Change, Store } from "../store/types.ts"
import { bindRequest, digestOf, idOf, topicOf } from "./binding.ts"
import { eventOf } from "./events.ts"
import { MAX_LISTED, toApprovals, toRequested } from "./rows.ts"
import type { Approval, ApprovalState, Asked, Flooded, Requested } from "./types.ts"

/** Most requests that may wait for people: of one agent, and of all. Beyond it nobody would read them. */
export const MAX_PENDING = { agent: 20, all: 500 } as const

/** Milliseconds that a no holds for an agent without runs; with runs it holds for the run. */
const NO_HOLDS = 86_400_000

export interface AskOptions {
  /** In place of `MAX_PENDING`. */
  limits?: { readonly agent: number; readonly all: number }
  /** What else is in the batch that puts a new question into the queue: durable together, before anyone is told. */
  extra?: (put: Pick<Approval, "id" | "digest" | "binding">) => Pick<Batch, "changes" | "events">
}

/** How a question stands that was put, now or before. */
export interface Put {
  /** Whether it was put now. */
  fresh: boolean
  digest: string
  requested: Requested
}

/**
 * Puts a question into the queue and records it. The same question of the same run is asked once: while it waits, and after a
 * no, the answer is how that one stands. `flooded` where too much waits already. Errors: environment (store).
 */
export async function requestApproval(
  store: Store,
  asked: Asked,
  now: number,
  gateway: string,
): Promise<Requested | Flooded> {
  const put = await putQuestion(store, asked, now, gateway)
  return "state" in put ? put : put.requested
}

/** As `requestApproval`, with what else is to happen in the same batch, and with bounds of the caller's. */
export async function putQuestion(
  store: Store,
  asked: Asked,
  now: number,
  gateway: string,
  { limits = MAX_PENDING, extra }: AskOptions = {},
): Promise<Put | Flooded> {
  const topic = topicOf(asked)
  for (let tries = 1; ; tries++) {
    const known = await findSame(store.db, topic, asked, now)
    if (known) return known
    const flooded = await findFlood(store.db, asked.agent, now, limits)
    if (flooded) return flooded
    const binding = bindRequest(asked, now)
    const text = canonicalText(binding)
    const digest = digestOf(text)
    const { expires, requested, kind, agent, subject } = binding
    const row = { ...{ id: idOf(digest), digest, topic, binding: text, kind, agent, subject, requested, expires } }
    const approval: Approval = { ...{ id: row.id, digest, binding, state: "pending", uses: 0, decisions: [] } }
    const event = {
      ...eventOf(approval, "requested", gateway),
      ...(asked.boxed !== undefined && { boxed: asked.boxed }),
    }
    const { changes = [], events = [] } = extra?.(approval) ?? {}
    try {
      await store.write({
        changes: [expireTopic(store.db, topic, now), insertRequest(store.db, row, now, limits), ...changes],
        events: [event, ...events],
      })
      const state = { id: row.id, state: "pending" as const, expires: new Date(expires).toISOString() }
      return { fresh: true, digest, requested: state }
    } catch (error) {
      // Somebody else asked the same, or filled the queue.
      if (!(error instanceof Conflict) || tries > 4) throw error
    }
  }
}

/** How a request stands at a time; undefined where there is none of this id. */
export async function approvalState(db: Kysely<Tables>, id: string, now: number): Promise<Requested | undefined> {
  const row = await db.selectFrom("approvals").selectAll().where("id", "=", id).executeTakeFirst()
  return row && toRequested(db, row, now)
}

/** What rows call granted, of one agent and, where named, one package: what that is worth is not said here. */
export async function listGranted(
  db: Kysely<Tables>,
  filter: { agent: string; package?: string; now: number },
  kinds: readonly string[] = ["package", "exception"],
): Promise<Approval[]> {
  let query = db
    .selectFrom("approvals")
    .selectAll()
    .where("agent", "=", filter.agent)
    .where("state", "=", "granted")
    .where("ends", ">", filter.now)
    .where("kind", "in", kinds)
    .orderBy("requested", "desc")
    .limit(MAX_LISTED)
  if (filter.package !== undefined) {
    const start = `${filter.package}@`
    query = query.where(sql<boolean>`substr(subject, 1, ${sql.lit(start.length)}) = ${start}`)
  }
  return toApprovals(db, await query.execute(), filter.now)
}

/** Ends and records what nobody answered in time; resolves with how many. Any number of processes may do it at once. */
export async function expireApprovals(store: Store, now: number, gateway: string): Promise<number> {
  const rows = await store.db
    .selectFrom("approvals")
    .selectAll()
    .where("state", "=", "pending")
    .where("expires", "<=", now)
    .limit(MAX_LISTED)
    .execute()
  const results = await Promise.allSettled(
    (await toApprovals(store.db, rows, now)).map((approval) =>
      store.write({
        changes: [moveState(store.db, approval.id, "pending", "expired"), dropHeld(store.db, approval.id)],
        events: [eventOf(approval, "expired", gateway)],
      }),
    ),
  )
  const failed = results.find((result) => result.status === "rejected" && !(result.reason instanceof Conflict))
  if (failed?.status === "rejected") throw failed.reason
  return results.filter(({ status }) => status === "fulfilled").length
}

/** From one state to another, where it is still in the one: a compare-and-set. `ends`: when what is granted ends. */
export function moveState(db: Kysely<Tables>, id: string, from: ApprovalState, to: ApprovalState, ends = 0): Change {
  const query = db.updateTable("approvals").set({ state: to, ends }).where("id", "=", id).where("state", "=", from)
  return { ...query.compile(), expect: 1 }
}

/** Removes the body that was kept while a request waited. */
export function dropHeld(db: Kysely<Tables>, id: string): Change {
  return db.deleteFrom("held").where("approval", "=", id).compile()
}

async function findSame(db: Kysely<Tables>, topic: string, asked: Asked, now: number): Promise<Put | undefined> {
  const row = await db
    .selectFrom("approvals")
    .selectAll()
    .where("topic", "=", topic)
    .orderBy("requested", "desc")
    .limit(1)
    .executeTakeFirst()
  if (!row) return undefined
  const requested = await toRequested(db, row, now)
  const holds = asked.run !== undefined || now < row.expires + NO_HOLDS
  if (requested.state !== "pending" && !(requested.state === "denied" && holds)) return undefined
  return { fresh: false, digest: row.digest, requested }
}

async function findFlood(
  db: Kysely<Tables>,
  agent: string,
  now: number,
  limits: NonNullable<AskOptions["limits"]>,
): Promise<Flooded | undefined> {
  const { rows } = await sql<Record<"own" | "all" | "expires", number>>`
    select ${ownPending(agent, now)} as own, ${allPending(now)} as "all",
      (select min(expires) from approvals where state = 'pending' and expires > ${now}) as expires`.execute(db)
  const [counts] = rows
  if (counts === undefined || (Number(counts.own) < limits.agent && Number(counts.all) < limits.all)) return undefined
  return { state: "flooded", retry: new Date(Number(counts.expires)).toISOString() }
}

/**
 * How many requests of an agent wait: all of its rows that are pending, which an index alone tells, but those whose time is up, which are few.
 * (The concatenation keeps SQLite from looking all of them up by agent.) Measured with 5,000 pending: 0.3 ms, and 18 ms by looking at each row.
 */
const ownPending = (agent: string, now: number) => sql`(
  (select count(*) from approvals where agent = ${agent} and state = 'pending')
  - (select count(*) from approvals where state = 'pending' and expires <= ${now} and agent || '' = ${agent}))`

const allPending = (now: number) => sql`(select count(*) from approvals where state = 'pending' and expires > ${now})`

function expireTopic(db: Kysely<Tables>, topic: string, now: number): Change {
  return db
    .updateTable("approvals")
    .set({ state: "expired" })
    .where("topic", "=", topic)
    .where("state", "=", "pending")
    .where("expires", "<=", now)
    .compile()
}

/** Bounds and uniqueness are part of the statement: what was read before it may have changed. */
function insertRequest(
  db: Kysely<Tables>,
  row: Omit<ApprovalsTable, "state" | "uses" | "ends">,
  now: number,
  limits: NonNullable<AskOptions["limits"]>,
): Change {
  const { id, digest, topic, binding, kind, agent, subject, requested, expires } = row
  const insert = sql`insert into approvals
    (id, digest, topic, binding, kind, agent, subject, requested, expires, state, uses, ends)
    select ${id}, ${digest}, ${topic}, ${binding}, ${kind}, ${agent}, ${subject},
      cast(${requested} as bigint), cast(${expires} as bigint), 'pending', 0, 0
    where not exists (select 1 from approvals where id = ${id} or (topic = ${topic} and state = 'pending'))
      and ${ownPending(agent, now)} < ${sql.lit(limits.agent)} and ${allPending(now)} < ${sql.lit(limits.all)}`
  return { ...insert.compile(db), expect: 1 }
}
