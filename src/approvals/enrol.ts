// Adding to the chain of approvers: whoever enrols or removes somebody signs it.
import { sql } from "kysely"
import type { NanoguardError } from "../errors.ts"
import { Conflict } from "../store/conflict.ts"
import type { Store } from "../store/types.ts"
import {
  AMONG_ENTRIES,
  type Chain,
  type Entry,
  entryMessage,
  MAX_ENTRIES,
  readChain,
  refuse,
  requireApprover,
} from "./approvers.ts"
import { fingerprintOf, verifySignature } from "./signature.ts"
import type { Approver, Signer } from "./types.ts"

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

async function append(
  store: Store,
  chain: Chain,
  entry: Entry,
  signer: Signer,
  rootKey: string | undefined,
  gateway: string,
): Promise<void> {
  if (chain.next > MAX_ENTRIES)
    throw refuse("there are as many entries of approvers as are read", "nobody makes so many: look at the table")
  const message = entryMessage(chain.last, entry)
  const signature = await signer.sign(message)
  const signing = rootKey ?? requireApprover(chain.approvers, signer.name).key
  if (!verifySignature(signing, message, signature)) throw wrongKey(signer.name)
  const { action, name, key, time } = entry
  const insert = sql`insert into approvers (position, action, name, key, time, "by", signature)
    select ${sql.lit(chain.next)}, ${action}, ${name}, ${key}, cast(${time} as bigint), ${signer.name}, ${signature}
    where (select count(*) from approvers where ${AMONG_ENTRIES}) = ${sql.lit(chain.rows)}`
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

/** The error for a signature that is not by the key that its owner enrolled. */
export function wrongKey(name: string): NanoguardError {
  return refuse(`this is not the key that ${name} enrolled`, "name the right one with --key, or whose it is with --as")
}
