// Ordering and lifting kills: the row and what the log says of it, in one transaction.
import { sql } from "kysely"
import { readApprovers, requireApprover } from "../../approvals/approvers.ts"
import { wrongKey } from "../../approvals/enrol.ts"
import { verifySignature } from "../../approvals/signature.ts"
import type { Signer } from "../../approvals/types.ts"
import type { NewEvent } from "../../audit/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { Conflict } from "../../store/conflict.ts"
import type { KillsTable } from "../../store/schema.ts"
import type { Change, Store } from "../../store/types.ts"
import type { KillTarget } from "../types.ts"
import { type KillChain, keepHead, readKills, resumeMessage } from "./chain.ts"
import { readWaiting, removeWaiting } from "./sticky.ts"
import { formatTarget, type Kill } from "./types.ts"

/** What a kill or a resume says. */
export type Order = Pick<Kill, "time" | "by" | "reason">

type Writes = Pick<Store, "db" | "write">

/** Of others that write at the same moment; each of them came through. */
const MAX_TRIES = 50

/** Stops targets, in one batch; resolves once that is durable. `state`: as `readKills` has it. Errors: environment (store). */
export async function orderKills(
  store: Writes,
  targets: readonly KillTarget[],
  order: Order,
  gateway: string,
  state?: string,
): Promise<void> {
  await insertAtEnd(store, { gateway, state }, async ({ position }) => {
    const rows = targets.map((target, i) => ({
      ...{ position: position + 1 + i, action: "kill" as const, target: formatTarget(target) },
      ...{ ...order, signature: "" },
    }))
    return { rows, events: rows.map((row, i) => eventOf("kill.ordered", targets[i]!, row, gateway)) }
  })
}

/**
 * Lifts the kill of one target, signed over every row before it. Errors: findings (it is not stopped by a kill of its own, the signer is
 * no approver), environment.
 */
export async function liftKill(
  store: Writes,
  target: KillTarget,
  signer: Signer,
  { time, reason }: Omit<Order, "by">,
  gateway: string,
  state?: string,
): Promise<void> {
  const { key } = requireApprover(await readApprovers(store.db), signer.name)
  const text = formatTarget(target)
  let seen: number | undefined
  await insertAtEnd(store, { gateway, state }, async ({ position, link, standing }) => {
    const kill = standing.get(text)
    if (!kill) throw refuse(`${text} is not stopped`, "see `nanoguard ps`")
    // Whoever decided to lift the one has not seen the other.
    if (seen !== undefined && seen !== kill.position)
      throw refuse(`${text} was stopped again meanwhile: ${kill.reason}`, "look at it, and repeat")
    seen = kill.position
    const row = { position: position + 1, action: "resume" as const, target: text, time, by: signer.name, reason }
    const message = resumeMessage(link, row)
    const signature = await signer.sign(message)
    if (!verifySignature(key, message, signature)) throw wrongKey(signer.name)
    return { rows: [{ ...row, signature }], events: [eventOf("kill.lifted", target, row, gateway)] }
  })
}

/** Brings what waited in the state directory into the store. May be done by several at once. Errors: environment (store). */
export async function takeWaiting(store: Writes, stateDirectory: string, gateway: string): Promise<number> {
  const waiting = readWaiting(stateDirectory)
  for (const [text, kill] of waiting) {
    await insertAtEnd(store, { gateway, state: stateDirectory }, async ({ position }) => {
      const { time, by, reason, target } = kill
      const same = store.db.selectFrom("kills").select("position").where("target", "=", text).where("time", "=", time)
      if ((await same.where("action", "=", "kill").executeTakeFirst()) !== undefined) return undefined
      const row = { position: position + 1, action: "kill" as const, target: text, time, by, reason, signature: "" }
      return { rows: [row], events: [eventOf("kill.ordered", target, row, gateway)] }
    })
    removeWaiting(stateDirectory, text)
  }
  return waiting.size
}

interface Added {
  rows: readonly KillsTable[]
  events: readonly NewEvent[]
}

interface Where {
  gateway: string
  state: string | undefined
}

/** Adds what `make` makes of the chain as it stands; again where somebody was faster. */
async function insertAtEnd(
  store: Writes,
  { gateway, state }: Where,
  make: (chain: KillChain) => Promise<Added | undefined>,
): Promise<void> {
  let known = state
  for (let tries = 1; ; tries++) {
    const chain = await readKills(store.db, known)
    // What comes after a row that is gone would hide that: first it is said where it stays, and everything is stopped by a row of its own.
    const added = chain.cut === undefined ? await make(chain) : sayCut(chain, gateway)
    if (!added) return
    try {
      await store.write({ changes: added.rows.map((row) => insertOf(store, row)), events: added.events })
      if (state !== undefined) await keepHead(store.db, state, await readKills(store.db))
      if (chain.cut === undefined) return
      // Said once: where that cannot be noted here, as on a disk that is full, the next one says it again.
      known = undefined
    } catch (error) {
      if (!(error instanceof Conflict) || tries === MAX_TRIES) throw error
    }
  }
}

function sayCut({ position, cut = "" }: KillChain, gateway: string): Added {
  const order = { time: Date.now(), by: "nanoguard", reason: cut }
  const row = { position: position + 1, action: "kill" as const, target: "all", ...order, signature: "" }
  return { rows: [row], events: [eventOf("kill.ordered", { kind: "all" }, row, gateway)] }
}

function insertOf(store: Writes, row: KillsTable): Change {
  const { position, action, target, time, by, reason, signature } = row
  const insert = sql`insert into kills (position, action, target, time, "by", reason, signature)
    select ${sql.lit(position)}, ${action}, ${target}, cast(${time} as bigint), ${by}, ${reason}, ${signature}
    where (select coalesce(max(position), 0) from kills) = ${sql.lit(position - 1)}`
  return { ...insert.compile(store.db), expect: 1 }
}

function eventOf(type: string, target: KillTarget, row: Omit<KillsTable, "signature">, gateway: string): NewEvent {
  const { by, reason, position } = row
  return {
    ...{ type, subject: `kill ${formatTarget(target)}`, gateway, by: [by], note: reason },
    ...(target.kind === "agent" && { agent: target.name }),
    ...(target.kind === "run" && { run: target.name }),
    detail: { target: formatTarget(target), position },
  }
}

function refuse(message: string, hint: string): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.findings, hint })
}
