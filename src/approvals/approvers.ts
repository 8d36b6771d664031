// Who may decide: a chain in which each entry but the first is signed by someone enrolled before it.
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../errors.ts"
import { Conflict } from "../store/conflict.ts"
import type { ApproversTable, Tables } from "../store/schema.ts"
import type { Store } from "../store/types.ts"
import { digestOf } from "./binding.ts"
import { fingerprintOf, verifySignature } from "./signature.ts"
import type { Approver, Signer } from "./types.ts"

/** A name as a policy's `approvers` may have it. */
export const APPROVER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/

/** Most entries that are read. */
const MAX_ENTRIES = 10_000

interface Chain {
  /** By name; those who were removed are not in it. */
  approvers: Map<string, Approver>
  /** Those who were removed. */
  former: Approver[]
  /** Digest of the last entry that counts; "-" before the first. */
  last: string
  /** Highest position, whatever the row there is worth. */
  position: number
}

/** Those who are enrolled now by name, and those who were. */
export type Enrolled = Pick<Chain, "approvers" | "former">

/** As `readApprovers`, with those who were removed: what they signed counts no more, and was no forgery either. */
export function readEnrolled(db: Kysely<Tables>): Promise<Enrolled> {
  return readChain(db)
}

/** Those who are enrolled now, by name. An entry whose signature does not hold counts for nothing. Errors: environment (store). */
export async function readApprovers(db: Kysely<Tables>): Promise<ReadonlyMap<string, Approver>> {
  return (await readChain(db)).approvers
}

/**
 * Enrols an approver. The very first is taken on their own word, as the root of trust of this store: then `signer` is themselves.
 * Errors: findings where the name or the key is taken or the signer is not enrolled, environment (store).
 */
export async function addApprover(
  store: Store,
  { name, key }: Pick<Approver, "name" | "key">,
  signer: Signer,
  now: number,
  gateway: string,
): Promise<Approver & { root: boolean }> {
  const chain = await readChain(store.db)
  const root = chain.last === "-"
  if (root && signer.name !== name)
    throw refuse("the first approver enrols themselves", "leave --as out, or give your own name")
  if (chain.approvers.has(name))
    throw refuse(`${name} is enrolled already`, "remove them first to give them another key")
  if ([...chain.approvers.values()].some((other) => other.key === key))
    throw refuse("this key is another approver's", "each person needs a key of their own: people are counted by it")
  await append(store, chain, { action: "add", name, key, time: now }, signer, root ? key : undefined, gateway)
  return { name, key, added: now, by: signer.name, root }
}

/** Removes an approver: from now on nothing that they signed counts. Errors: findings (nobody of that name, the last one), environment. */
export async function removeApprover(
  store: Store,
  name: string,
  signer: Signer,
  now: number,
  gateway: string,
): Promise<Approver> {
  const chain = await readChain(store.db)
  const approver = chain.approvers.get(name)
  if (!approver) throw refuse(`there is no approver ${name}`, "see `nanoguard approver list`")
  if (chain.approvers.size === 1)
    throw refuse(
      `${name} is the last approver: nobody could decide, or enrol anyone, after that`,
      "add another one first",
    )
  await append(store, chain, { action: "remove", name, key: approver.key, time: now }, signer, undefined, gateway)
  return approver
}

async function readChain(db: Kysely<Tables>): Promise<Chain> {
  const rows = await db.selectFrom("approvers").selectAll().orderBy("position").limit(MAX_ENTRIES).execute()
  const chain: Chain = { approvers: new Map(), former: [], last: "-", position: rows.at(-1)?.position ?? 0 }
  for (const row of rows) follow(chain, row)
  return chain
}

/** Takes an entry in where it is signed by somebody enrolled, or is the first and signed by itself. */
function follow(chain: Chain, row: ApproversTable): void {
  const { action, name, key, by, time, signature } = row
  const root = chain.last === "-"
  const signing = root ? (by === name && action === "add" ? key : undefined) : chain.approvers.get(by)?.key
  const message = entryMessage(chain.last, row)
  if (signing === undefined || !APPROVER_NAME.test(name) || !verifySignature(signing, message, signature)) return
  if (action === "add" && !chain.approvers.has(name)) chain.approvers.set(name, { name, key, added: time, by })
  else if (action === "remove" && chain.approvers.get(name)?.key === key) {
    chain.former.push(chain.approvers.get(name)!)
    chain.approvers.delete(name)
  } else return
  chain.last = digestOf(message)
}

type Entry = Pick<ApproversTable, "action" | "name" | "key" | "time">

const entryMessage = (last: string, { action, name, key, time }: Entry) =>
  `nanoguard-approver-v1\n${last}\n${action}\n${name}\n${key}\n${time}`

async function append(
  store: Store,
  chain: Chain,
  entry: Entry,
  signer: Signer,
  rootKey: string | undefined,
  gateway: string,
): Promise<void> {
  const message = entryMessage(chain.last, entry)
  const signature = await signer.sign(message)
  const signing = rootKey ?? requireApprover(chain.approvers, signer.name).key
  if (!verifySignature(signing, message, signature)) throw wrongKey(signer.name)
  const { action, name, key, time } = entry
  const insert = sql`insert into approvers (position, action, name, key, time, "by", signature)
    select ${sql.lit(chain.position + 1)}, ${action}, ${name}, ${key}, cast(${time} as bigint), ${signer.name}, ${signature}
    where (select coalesce(max(position), 0) from approvers) = ${sql.lit(chain.position)}`
  const event = {
    ...{ type: `configuration.approver-${action === "add" ? "added" : "removed"}`, gateway },
    ...{ subject: `approver ${fingerprintOf(key)}`, by: [signer.name], note: name },
    detail: { root: rootKey !== undefined },
  }
  try {
    await store.write({ changes: [{ ...insert.compile(store.db), expect: 1 }], events: [event] })
  } catch (error) {
    if (error instanceof Conflict)
      throw refuse("somebody else changed the approvers meanwhile", "look at `nanoguard approver list` and repeat")
    throw error
  }
}

/** The approver of a name. Throws `NanoguardError` (findings) where nobody of that name is enrolled. */
export function requireApprover(approvers: ReadonlyMap<string, Approver>, name: string): Approver {
  const approver = approvers.get(name)
  if (approver) return approver
  const hint =
    approvers.size === 0 ? "enrol the first one: nanoguard approver add <name>" : "see `nanoguard approver list`"
  throw refuse(`${name} is not an approver`, hint)
}

/** The error for a signature that is not by the key that its owner enrolled. */
export function wrongKey(name: string): NanoguardError {
  return refuse(`this is not the key that ${name} enrolled`, "name the right one with --key, or whose it is with --as")
}

function refuse(message: string, hint: string): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.findings, hint })
}
