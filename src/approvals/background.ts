// What the record knows around a request: whether its agent is boxed, what was said about the same before, and the verdict that asks.
import { type Kysely, sql } from "kysely"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { readBody } from "../audit/sealing/record-shape.ts"
import type { Verdict } from "../policy/types.ts"
import type { Tables } from "../store/schema.ts"
import { tallyDecisions, verifyDecision } from "./decision.ts"
import { readNetwork, readPackage } from "./read-arguments.ts"
import { toApprovals } from "./rows.ts"
import type { Approval, Approver, Json } from "./types.ts"

/** Nothing of it is signed: it stands beside the request, and is labelled so. */
export interface Background {
  /** Absent where the record does not say. */
  boxed?: boolean
  /** The box that asked has ended: what is granted for its run alone is of no use to anybody. */
  over?: true
  /** The request of the same rule, host and operation that people agreed to last. */
  approved?: Approval
  /** A no to the same subject of the same agent. */
  denied?: Denied
  /** The verdict about a package that asks, or that an exception would lift, and its number in the log. */
  decided?: { seq: number; verdict: Verdict }
}

export interface Denied {
  id: string
  by: string
  /** Milliseconds since the epoch. */
  time: number
  note?: string
  /** How often the very same was asked before. */
  asked: number
  /** Whether it is the very same that was denied, or the same subject with other arguments. */
  same: boolean
}

type Db = Kysely<Tables>
type Approvers = ReadonlyMap<string, Approver>

/** Most rows that are looked through for what came before. */
const MAX_BEFORE = 20
const MAX_ASKED = 50

/** Reads all that is known around one request. Errors: environment (store). */
export async function readBackground(db: Db, approval: Approval, approvers: Approvers): Promise<Background> {
  const [box, approved, denied, decided] = [
    await readBox(db, approval.binding),
    await findApproved(db, approval, approvers),
    await findDenied(db, approval, approvers),
    await findVerdict(db, approval),
  ]
  return {
    ...box,
    ...(approved && { approved }),
    ...(denied && { denied }),
    ...(decided && { decided }),
  }
}

/** What the events of a run say of its box; the least of it where several gateways differ. Errors: environment (store). */
export async function readBox(
  db: Db,
  { agent, run }: Pick<Approval["binding"], "agent" | "run">,
): Promise<Pick<Background, "boxed" | "over">> {
  const rows = await db
    .selectFrom("agents")
    .select(["boxed", "ended"])
    .where("agent", "=", agent)
    .where("run", "=", run ?? "")
    .limit(MAX_BEFORE)
    .execute()
  const known = rows.flatMap(({ boxed }) => (boxed === null ? [] : [boxed !== 0]))
  return {
    ...(known.length > 0 && { boxed: known.every(Boolean) }),
    ...(rows.some(({ ended }) => ended !== null) && { over: true }),
  }
}

async function findApproved(db: Db, { id, binding }: Approval, approvers: Approvers): Promise<Approval | undefined> {
  const request = readNetwork(binding)
  if (request === undefined) return undefined
  const { rule, host, operation } = request
  // The binding is canonical JSON, so that its members can be found as text; what was found is compared once it is read.
  const member = (name: string, value: string) =>
    sql<boolean>`binding like ${`%${`"${name}":${JSON.stringify(value)}`.replace(/[!%_]/g, "!$&")}%`} escape '!'`
  const rows = await db
    .selectFrom("approvals")
    .selectAll()
    .where("kind", "=", "network")
    .where("state", "in", ["granted", "consumed"])
    .where("id", "!=", id)
    .where(member("rule", rule))
    .where(member("host", host))
    .orderBy("requested", "desc")
    .limit(MAX_BEFORE)
    .execute()
  const before = await toApprovals(db, rows, binding.requested)
  return before.find((one) => {
    const other = readNetwork(one.binding)
    if (other?.rule !== rule || other.host !== host || other.operation !== operation) return false
    const { denied, by } = tallyDecisions(one, one.binding.approvers, approvers)
    return !denied && by.length >= one.binding.approvers.quorum
  })
}

/** The newest no, the one to the very same rather than to the same subject. */
async function findDenied(db: Db, { id, binding }: Approval, approvers: Approvers): Promise<Denied | undefined> {
  const before = db
    .selectFrom("approvals")
    .selectAll()
    .where("kind", "=", binding.kind)
    .where("agent", "=", binding.agent)
    .where("subject", "=", binding.subject)
    .where("id", "!=", id)
    .where("requested", "<=", binding.requested)
    .orderBy("requested", "desc")
    .limit(MAX_ASKED)
  // By themselves, too: however often something is asked, a no to it is not forgotten.
  const rows = [...(await before.execute()), ...(await before.where("state", "=", "denied").execute())]
  const once = [...new Map(rows.map((row) => [row.id, row])).values()]
  const asked = whatIsAsked(binding)
  const found = (await toApprovals(db, once, binding.requested)).map((one) => ({
    one,
    same: whatIsAsked(one.binding) === asked,
  }))
  for (const { one, same } of [...found.filter(({ same }) => same), ...found.filter(({ same }) => !same)]) {
    const no = one.decisions.find(
      (decision) => decision.answer === "deny" && verifyDecision(one, decision, one.binding.approvers, approvers),
    )
    if (no === undefined) continue
    return {
      ...{ id: one.id, by: no.by, time: no.time, same, asked: found.filter((other) => other.same).length },
      ...(typeof no.terms.note === "string" && { note: no.terms.note }),
    }
  }
  return undefined
}

/** The arguments without what only says how they are shown: that differs from one time to the next. */
function whatIsAsked({ arguments: bound }: Approval["binding"]): string {
  const { shown: _, provenance: __, reason: ___, ...asked } = bound as { readonly [name: string]: Json }
  return canonicalText(asked)
}

/** The newest verdict about a package's version, for the agent that asks, that is in the way of it: of this run, else of another. */
async function findVerdict(db: Db, { binding }: Approval): Promise<Background["decided"]> {
  const bound = readPackage(binding)
  if (bound === undefined) return undefined
  const { purl, codes } = bound
  const at = purl.lastIndexOf("@")
  if (at <= 0) return undefined
  const uses = db
    .selectFrom("uses")
    .innerJoin("items", "items.id", "uses.item")
    .where("items.kind", "=", "package")
    .where("items.name", "=", purl.slice(0, at))
    .where("items.version", "=", purl.slice(at + 1))
    .where("uses.agent", "=", binding.agent)
  const own = await uses
    .innerJoin("entries", "entries.use", "uses.id")
    .select("entries.seq as seq")
    .where("entries.run", "=", binding.run ?? "")
    .orderBy("entries.seq", "desc")
    .limit(MAX_BEFORE)
    .execute()
  const last = await uses.select("lastSeq as seq").orderBy("lastSeq", "desc").limit(MAX_BEFORE).execute()
  return (await firstVerdict(db, own, codes)) ?? (await firstVerdict(db, last, codes))
}

/** Of these records the newest with a verdict that holds something up for one of the codes. */
async function firstVerdict(
  db: Db,
  rows: readonly { seq: number }[],
  codes: readonly string[],
): Promise<Background["decided"]> {
  if (rows.length === 0) return undefined
  const seqs = rows.map(({ seq }) => seq)
  const events = await db.selectFrom("events").selectAll().where("seq", "in", seqs).orderBy("seq", "desc").execute()
  for (const { seq, body } of events) {
    // One that cannot be read keeps nobody from deciding.
    const verdict = readBody(body)?.verdict
    if (verdict && verdict.effect !== "allow" && codes.includes(verdict.code)) return { seq: Number(seq), verdict }
  }
  return undefined
}
