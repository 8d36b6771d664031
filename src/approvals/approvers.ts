// Who may decide: a chain in which each entry but the first is signed by someone enrolled before it.
import { type Kysely, sql } from "kysely"
import { EXIT, NanoguardError } from "../errors.ts"
import type { ApproversTable, Tables } from "../store/schema.ts"
import { digestOf } from "./binding.ts"
import { verifySignature } from "./signature.ts"
import type { Approver } from "./types.ts"

/** A name as a policy's `approvers` may have it. */
export const APPROVER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/

/** Most entries that are read, and the last position that counts: the first is 1, and what somebody wrote before it is no root. */
export const MAX_ENTRIES = 10_000

/** The rows that may be entries. */
export const AMONG_ENTRIES = sql<boolean>`position between 1 and ${sql.lit(MAX_ENTRIES)}`

export interface Chain {
  /** By name; those who were removed are not in it. */
  approvers: Map<string, Approver>
  /** Those who were removed. */
  former: Approver[]
  /** Digest of the last entry that counts; "-" before the first. */
  last: string
  /** Rows that may be entries, whatever they are worth. */
  rows: number
  /** Where the next one goes: the first position behind the last that counts which no row has. */
  next: number
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

/** The chain as it stands. Errors: environment (store). */
export async function readChain(db: Kysely<Tables>): Promise<Chain> {
  const rows = await db.selectFrom("approvers").selectAll().where(AMONG_ENTRIES).orderBy("position").execute()
  const chain: Chain = { approvers: new Map(), former: [], last: "-", rows: rows.length, next: 1 }
  for (const row of rows) if (follow(chain, row) || row.position === chain.next) chain.next = row.position + 1
  return chain
}

/** Takes an entry in where it is signed by somebody enrolled, or is the first and signed by itself; whether it was. */
function follow(chain: Chain, row: ApproversTable): boolean {
  const { action, name, key, by, time, signature } = row
  const root = chain.last === "-"
  const signing = root ? (by === name && action === "add" ? key : undefined) : chain.approvers.get(by)?.key
  const message = entryMessage(chain.last, row)
  if (signing === undefined || !APPROVER_NAME.test(name) || !verifySignature(signing, message, signature)) return false
  if (action === "add" && !chain.approvers.has(name)) chain.approvers.set(name, { name, key, added: time, by })
  else if (action === "remove" && chain.approvers.get(name)?.key === key) {
    chain.former.push(chain.approvers.get(name)!)
    chain.approvers.delete(name)
  } else return false
  chain.last = digestOf(message)
  return true
}

/** What an entry says. */
export type Entry = Pick<ApproversTable, "action" | "name" | "key" | "time">

/** What is signed of an entry: the one before it is part of it, so that it counts at its own place alone. */
export const entryMessage = (last: string, { action, name, key, time }: Entry) =>
  `nanoguard-approver-v1\n${last}\n${action}\n${name}\n${key}\n${time}`

/** The approver of a name. Throws `NanoguardError` (findings) where nobody of that name is enrolled. */
export function requireApprover(approvers: ReadonlyMap<string, Approver>, name: string): Approver {
  const approver = approvers.get(name)
  if (approver) return approver
  const hint =
    approvers.size === 0 ? "enrol the first one: nanoguard approver add <name>" : "see `nanoguard approver list`"
  throw refuse(`${name} is not an approver`, hint)
}

/** An error that is about who may do what. */
export function refuse(message: string, hint: string): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.findings, hint })
}
