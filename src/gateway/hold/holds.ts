// Hold and release: a request that a rule asks about waits until a person has signed an answer, and is released at most once.
import { cancelApproval, cancelRunApprovals } from "../../approvals/cancel.ts"
import { hostHistory } from "../../approvals/host-history.ts"
import { approvalState, type Put, putQuestion } from "../../approvals/queue.ts"
import {
  consumeRequestGrant,
  coveringGrants,
  type RequestGrant,
  requestGrants,
} from "../../approvals/request-grants.ts"
import type { Json, NetworkArguments } from "../../approvals/types.ts"
import type { Decision, NewEvent } from "../../audit/types.ts"
import { Conflict } from "../../store/conflict.ts"
import type { Change, Store } from "../../store/types.ts"
import type { Vault } from "../../vault/types.ts"
import { createLru } from "../lru.ts"
import type { Attribution } from "../types.ts"
import { openBody } from "./body.ts"
import { nameProcess } from "./process.ts"
import { checkBody, requestQuestion } from "./question.ts"
import { insertHeld, markOf, takeOver, withdraw } from "./rows.ts"
import { sweepHeld } from "./sweep.ts"
import type { HeldItem, HoldOptions, Holds } from "./types.ts"
import { createWaiting } from "./waiting.ts"

/** Milliseconds for which what people said is not read again. */
const FRESH = 500
const AGENTS = 1_000
/** Bytes from which on a body is written after those before it: on its way to the disk each is in memory five times. */
const LARGE = 1024 * 1024

/** Holds of the gate `gateway` in `store`; bodies are kept under `vault`. `now` in milliseconds since the epoch. */
export function createHolds(
  store: Store,
  vault: Pick<Vault, "seal" | "open">,
  gateway: string,
  now: () => number,
  options: HoldOptions = {},
): Holds {
  const { db } = store
  /** Tells this process from one before it of the same name. */
  const process = nameProcess()
  const owner = options.owner ?? gateway
  /** The mark of each release, by what it consumes. */
  const marks = new WeakMap<readonly Change[], string>()
  let released = 0
  let recalls = 0
  const read = createLru<{ at: number; grants: Promise<readonly RequestGrant[]> }>(AGENTS)
  const waiting = createWaiting(store, now, () => read.clear())

  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }
  const finishing = (consumed: readonly Change[]): Change[] => {
    const mark = marks.get(consumed)
    return mark === undefined ? [] : [deleteRow(mark)]
  }
  const deleteRow = (approval: string) => db.deleteFrom("held").where("approval", "=", approval).compile()

  const toItem = ({ fresh, digest, requested: { id, expires } }: Put, request: NetworkArguments): HeldItem => ({
    ...{ state: "pending", id, digest, expires, reattached: !fresh },
    settled: async (signal) => {
      const state = await waiting.wait(id, Date.parse(expires), signal)
      if (state !== "denied") return { state }
      const { note } = (await approvalState(db, id, now()).catch(() => undefined)) ?? {}
      return { state, ...(note !== undefined && { note }) }
    },
    body: () => openBody(db, vault, id, request),
  })

  return {
    get waiting() {
      return waiting.size
    },
    grantsFor: async (who, policy, request) => {
      const key = `${who.agent}\0${policy.hash}`
      let known = read.get(key)
      if (known === undefined || performance.now() - known.at >= FRESH) {
        known = { at: performance.now(), grants: requestGrants(db, { agent: who.agent, policy, now: now() }) }
        read.set(key, known)
        known.grants.catch(() => read.delete(key))
      }
      return coveringGrants(await known.grants, policy, who, request, now())
    },
    hold: async (who, policy, verdict, request, body, decision) => {
      const asked = requestQuestion(who, policy, verdict, request, now())
      if ("state" in asked) return asked
      checkBody(request, body)
      const told = {
        ...request,
        provenance: [...(request.provenance ?? []), await hostHistory(db, who.agent, request)],
      }
      const question = { ...asked, arguments: told as unknown as Json }
      const keep = (id: string) => ({
        ...{ approval: id, gateway, time: now() },
        sealed: body === undefined || body.length === 0 ? Buffer.alloc(0) : vault.seal(body, id),
      })
      const putNow = () =>
        putQuestion(store, question, now(), gateway, {
          ...(options.limits && { limits: options.limits }),
          extra: ({ id }) => ({
            changes: [insertHeld(db, keep(id))],
            events: [heldEvent(who, verdict.subject, policy.hash, id, gateway, decision)],
          }),
        })
      const put = await (body !== undefined && body.length >= LARGE ? inTurn(putNow) : putNow())
      if ("state" in put) return put
      const { id, state, expires, note } = put.requested
      if (state === "denied") return { state, id, expires, ...(note !== undefined && { note }) }
      if (!put.fresh) {
        // Whoever had it before has left, or waits beside: only one of them can use what is granted.
        await store.write({ changes: [takeOver(db, id, gateway, now())], lax: true }).catch((error: unknown) => {
          if (!(error instanceof Conflict)) throw error
          return store.write({ changes: [insertHeld(db, keep(id))] })
        })
      }
      return toItem(put, request)
    },
    consume: (grants, item) => {
      read.clear()
      const [first] = grants
      const isOwn = item !== undefined && grants.some(({ grant }) => grant.id === item.id)
      const changes = grants.map((grant) => consumeRequestGrant(db, grant, now()))
      if (item !== undefined) changes.push(...(isOwn ? [] : [withdraw(db, item.id)]), deleteRow(item.id))
      for (const { grant } of grants) if (grant.id !== item?.id) changes.push(deleteRow(grant.id))
      const id = item?.id ?? first?.grant.id
      if (id !== undefined) {
        const mark = markOf(id, process, released++)
        marks.set(changes, mark)
        changes.push(insertHeld(db, { approval: mark, gateway: owner, time: now(), sealed: Buffer.alloc(0) }))
      }
      return changes
    },
    finishing,
    finish: async (consumed) => {
      const changes = finishing(consumed)
      if (changes.length > 0) await store.write({ changes, lax: true })
    },
    wake: waiting.wake,
    get recalls() {
      return recalls
    },
    recall: () => {
      recalls++
      waiting.release("recalled")
    },
    cancelRun: (run) => cancelRunApprovals(store, run, now(), gateway),
    cancel: async (id) => {
      read.clear()
      return cancelApproval(store, id, now(), gateway)
    },
    sweep: () => sweepHeld(store, { gateway, owner, process }, now()),
    close: () => waiting.release("left"),
  }
}

function heldEvent(
  { agent, run, operator, boxed }: Attribution,
  subject: string,
  policy: string,
  approval: string,
  gateway: string,
  decision: Decision | undefined,
): NewEvent {
  const who = { agent, run, operator, boxed, gateway }
  return { ...who, type: "network.held", subject, approval, policy, outcome: "held", ...(decision && { decision }) }
}
