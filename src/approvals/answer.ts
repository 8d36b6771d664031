// One person's answer: signed, written once, together with what follows from it.
import { type Kysely, sql } from "kysely"
import { canonicalText } from "../audit/sealing/canonical.ts"
import type { NewEvent } from "../audit/types.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { personOf } from "../policy/person.ts"
import { riskOf } from "../policy/risk.ts"
import { Conflict } from "../store/conflict.ts"
import type { Tables } from "../store/schema.ts"
import type { Change, Store } from "../store/types.ts"
import { readApprovers, requireApprover } from "./approvers.ts"
import { decisionMessage, tallyDecisions } from "./decision.ts"
import { wrongKey } from "./enrol.ts"
import { eventOf } from "./events.ts"
import { readApproval } from "./list.ts"
import { isOperator, mayDecide } from "./panel.ts"
import { dropHeld, moveState } from "./queue.ts"
import { verifySignature } from "./signature.ts"
import type { Approval, ApprovalState, Approver, Decision, Signer, Terms } from "./types.ts"

export interface Answer {
  answer: "approve" | "deny"
  terms: Terms
}

export interface Answered {
  /** `pending` where more people have to agree. */
  state: ApprovalState
  /** How many more. */
  missing: number
  /** Number of the record that says so. */
  seq: number
}

/** Longest reason of a person, in UTF-16 units. */
export const MAX_NOTE = 400

/** Milliseconds that an approval may hold at most. */
export const LONGEST = 366 * 86_400_000

/** Milliseconds that the clock of whoever signs may be ahead. */
const AHEAD = 120_000

/**
 * Signs an answer and writes it, the request's new state and its event in one batch: exactly once, whoever else answers. `clock` says what time
 * it is once it is signed: a key may ask its owner for minutes, and what is over by then is over. Errors:
 * findings (not theirs to decide, decided already), approvalTimeout (nobody may decide any more), usage (terms), environment.
 */
export async function answerApproval(
  store: Store,
  id: string,
  { answer, terms }: Answer,
  signer: Signer,
  now: number,
  gateway: string,
  clock = () => now,
): Promise<Answered> {
  requireTerms(answer, terms, now)
  const { approval, approvers } = await readOpen(store.db, id, signer.name, now)
  requireApprover(approvers, signer.name)
  if (answer === "approve") requireSingle(approval.binding, terms)
  const time = Math.max(now, approval.binding.requested)
  const signature = await signer.sign(decisionMessage(approval.digest, { answer, terms, time }))
  return submitDecision(store, { approval: id, by: signer.name, answer, terms, time, signature }, clock(), gateway)
}

/**
 * As `answerApproval`, for an answer that was signed elsewhere: nothing of it counts but what its signature says. Errors: the same;
 * findings where it is signed by another key than the one that is enrolled.
 */
export async function submitDecision(
  store: Store,
  decision: Decision,
  now: number,
  gateway: string,
): Promise<Answered> {
  const { approval: id, by: name, answer, terms } = decision
  requireTerms(answer, terms, now)
  for (let tries = 1; ; tries++) {
    const { approval, approvers } = await readOpen(store.db, id, name, now)
    const { digest, binding } = approval
    if (answer === "approve") requireSingle(binding, terms)
    if (!verifySignature(requireApprover(approvers, name).key, decisionMessage(digest, decision), decision.signature))
      throw wrongKey(name)
    if (
      decision.time < binding.requested ||
      decision.time >= binding.expires ||
      decision.time > Math.max(now, binding.requested) + AHEAD
    )
      throw refuse("this was signed at another time", "compare the clocks of this machine and of the gateway")
    const after = { ...approval, decisions: [...approval.decisions, decision] }
    const { by, denied, terms: agreed } = tallyDecisions(after, binding.approvers, approvers)
    const missing = denied ? 0 : Math.max(0, binding.approvers.quorum - by.length)
    const state = denied ? "denied" : missing > 0 ? "pending" : "granted"
    const step = state === "pending" ? "agreed" : state
    const event = eventOf(approval, step, gateway)
    const written: NewEvent = {
      ...event,
      by: state === "granted" ? by : [name],
      detail: { ...event.detail, ...(isOperator(name, binding) && { selfApproved: true }) },
      ...(terms.note !== undefined && { note: terms.note }),
    }
    try {
      const { seqs } = await store.write({
        changes: changesOf(store.db, after, decision, { state, ends: agreed.expires ?? 0 }, now),
        events: [written],
      })
      return { state, missing, seq: seqs[0]! }
    } catch (error) {
      // Somebody else answered: what follows from this answer may be something else now.
      if (!(error instanceof Conflict) || tries > 20) throw error
    }
  }
}

/**
 * Answers several requests in one go, each with a signature of its own. Resolves with what became of each, in their order: an error for
 * one that was not theirs to decide any more, or never was.
 */
export async function answerApprovals(
  store: Store,
  ids: readonly string[],
  answer: Answer,
  signer: Signer,
  now: number,
  gateway: string,
): Promise<(Answered | NanoguardError)[]> {
  const answered: (Answered | NanoguardError)[] = []
  // One after the other: a key that asks its owner asks once at a time.
  for (const id of new Set(ids)) {
    try {
      answered.push(await answerApproval(store, id, answer, signer, now, gateway))
    } catch (error) {
      if (!(error instanceof NanoguardError)) throw error
      answered.push(error)
    }
  }
  return answered
}

/** A request that somebody may still decide. */
async function readOpen(db: Kysely<Tables>, id: string, name: string, now: number) {
  const approval = await readApproval(db, id, now)
  const approvers = await readApprovers(db)
  requireOpen(approval, id)
  requireTurn(approval, name, approvers)
  return { approval, approvers }
}

/** The decision, and the state that it leads to: only where no other decision came between. */
function changesOf(
  db: Kysely<Tables>,
  { id, decisions }: Approval,
  decision: Decision,
  { state, ends }: { state: ApprovalState; ends: number },
  now: number,
): Change[] {
  const { by, answer, terms, time, signature } = decision
  const insert = sql`insert into decisions (approval, "by", answer, terms, time, signature)
    select id, ${by}, ${answer}, ${canonicalText(terms)}, cast(${time} as bigint), ${signature} from approvals
    where id = ${id} and state = 'pending' and expires > ${now}
      and (select count(*) from decisions where approval = ${id}) = ${sql.lit(decisions.length - 1)}`
  const move = state === "pending" ? [] : [moveState(db, id, "pending", state, ends)]
  const drop = state === "denied" ? [dropHeld(db, id)] : []
  return [{ ...insert.compile(db), expect: 1 }, ...move, ...drop]
}

function requireOpen(approval: Approval | undefined, id: string): asserts approval is Approval {
  if (!approval) throw noApproval(id)
  const { state, binding } = approval
  if (state === "pending") return
  if (state === "expired") {
    const at = new Date(binding.expires).toISOString()
    throw refuse(`${id} expired at ${at}`, "the agent has to ask again", EXIT.approvalTimeout)
  }
  throw refuse(
    `${id} is decided already: it was ${state === "denied" ? "denied" : "granted"}`,
    `nanoguard approve --list --state ${state}`,
  )
}

function requireTurn(
  { id, binding, decisions }: Approval,
  name: string,
  approvers: ReadonlyMap<string, Approver>,
): void {
  requireApprover(approvers, name)
  const { group, people } = binding.approvers
  if (!mayDecide(binding.approvers, name, binding)) {
    const { agent } = binding
    if (personOf(agent) === personOf(name)) throw refuse(`${name} may not decide ${id}`, "it is the agent that asks")
    if (binding.approvers.operator === false && isOperator(name, binding))
      throw refuse(
        `${name} may not decide ${id}`,
        "who operates the agent does not, by policy: another approver has to",
      )
    const who = people === "anyone" || people.length === 0 ? "nobody" : people.join(", ")
    throw refuse(`${name} may not decide ${id}`, `it asks ${group === "" ? "" : `${group}: `}${who}`)
  }
  if (decisions.some(({ by }) => by === name)) throw refuse(`${name} has answered ${id} already`, "it waits for others")
}

function requireTerms(answer: Answer["answer"], terms: Terms, now: number): void {
  const { expires, uses, note, scope, covers } = terms
  const wrong =
    (scope !== undefined && scope !== "run" && scope !== "agent" && "a scope is run or agent") ||
    (covers !== undefined && covers !== "this" && covers !== "alike" && "an approval covers this or what is alike") ||
    (note !== undefined && note.length > MAX_NOTE && `the reason is longer than ${MAX_NOTE} characters`) ||
    (answer === "approve" &&
      !(expires !== undefined && expires > now && expires <= now + LONGEST) &&
      "an approval ends within a year") ||
    (uses !== undefined && !(Number.isSafeInteger(uses) && uses >= 1) && "an approval is for at least one use")
  if (wrong) throw refuse(wrong, "see nanoguard approve --help", EXIT.usage)
}

/** Where a yes is for one request only, one for more is no yes: its signer would mean something that does not hold. */
function requireSingle({ kind, run, approvers }: Approval["binding"], { uses, scope, covers }: Terms): void {
  if (kind !== "network" || approvers.alike !== false) return
  if (covers === "alike" || (scope === "agent" && run !== undefined) || (uses ?? 1) > 1)
    throw refuse(
      `a request of ${riskOf(approvers.risk)} risk is approved by itself: once, for its run`,
      "leave out --for, --uses and alike, by policy",
      EXIT.usage,
    )
}

/** The error for an id that is none. */
export function noApproval(id: string): NanoguardError {
  return refuse(`there is no request ${id.slice(0, 20)}`, "see `nanoguard approve --list`", EXIT.usage)
}

function refuse(message: string, hint: string, exit: 1 | 2 | 6 = EXIT.findings): NanoguardError {
  return new NanoguardError(message, { exit, hint })
}
