// Which credentials are in force: a chain in which each change is signed by an approver over the change of the same name before it.
import { type Kysely, sql } from "kysely"
import { type Enrolled, readEnrolled } from "../approvals/approvers.ts"
import { digestOf } from "../approvals/binding.ts"
import { verifySignature } from "../approvals/signature.ts"
import { EXIT } from "../errors.ts"
import { NAME } from "../policy/names.ts"
import type { CredentialsTable, Tables } from "../store/schema.ts"
import { MAX_TEXT, readCredential } from "./credential.ts"
import { vaultError } from "./errors.ts"
import type { Credential } from "./types.ts"

/** Most changes that are read: somebody who sets a credential every hour gets there in a year. */
const MAX_ENTRIES = 10_000

/** Longest base64 of an encrypted value. */
const MAX_SEALED = 262_144

/** How a name stands after its last change. */
export interface Standing {
  name: string
  /** What its last change that was signed says; undefined after a removal. */
  credential?: Credential
  /** The same, as it was signed: what the value is bound to. */
  text: string
  sealed: string
  /** Why it is not in force, though nobody removed it. Where the last change is no good, the one before does not come back. */
  refused?: string
  /** Digest of the last change that was signed; "-" before the first. */
  last: string
  /** Of the last change that was signed; 0 before the first. */
  version: number
}

export interface Chain {
  byName: ReadonlyMap<string, Standing>
  /** Digests of all changes that were signed. */
  links: ReadonlySet<string>
  /** Highest position, whatever the row there is worth. */
  position: number
}

/** The chain as it stands. Errors: environment (store, more rows than can be). */
export async function readChain(db: Kysely<Tables>): Promise<Chain> {
  const enrolled = await readEnrolled(db)
  const { rows } = await selectBounded.execute(db)
  if (rows.length > MAX_ENTRIES)
    throw vaultError(
      `there are more than ${MAX_ENTRIES} changes of credentials`,
      "nobody makes so many: look at the record",
      EXIT.environment,
    )
  const byName = new Map<string, Standing>()
  const links = new Set<string>()
  for (const row of rows) {
    // A name that is none can belong to no credential: nothing follows from such a row.
    if (!NAME.test(row.name)) continue
    const standing = follow(byName.get(row.name), row, enrolled)
    byName.set(row.name, standing)
    links.add(standing.last)
  }
  return { byName, links, position: rows.at(-1)?.position ?? 0 }
}

/** A column, or nothing where it is longer than any can be: then its signature does not hold. */
const upTo = (limit: number, column: string) =>
  sql`case when length(${sql.ref(column)}) > ${sql.lit(limit)} then '' else ${sql.ref(column)} end as ${sql.ref(column)}`

const selectBounded = sql<CredentialsTable>`select position, action, time, ${upTo(128, "name")}, ${upTo(100, "by")},
  ${upTo(MAX_TEXT, "credential")}, ${upTo(MAX_SEALED, "sealed")}, ${upTo(16_384, "signature")}
  from credentials order by position limit ${sql.lit(MAX_ENTRIES + 1)}`

/** How a name stands after one more row. */
function follow(before: Standing | undefined, row: CredentialsTable, enrolled: Enrolled): Standing {
  const now = before ?? { name: row.name, text: "", sealed: "", last: "-", version: 0 }
  const message = changeMessage(now.last, row)
  const signedBy = ({ name, key }: { name: string; key: string }) =>
    name === row.by && verifySignature(key, message, row.signature)
  const approver = enrolled.approvers.get(row.by)
  const holds = approver !== undefined && signedBy(approver)
  if (!holds && !enrolled.former.some(signedBy))
    return { ...now, refused: "a change of it in the store was signed by no approver: set it again" }
  const link = {
    name: row.name,
    last: digestOf(message),
    text: row.credential,
    sealed: row.sealed,
    version: now.version,
  }
  // A removal stays one, whoever leaves afterwards.
  if (row.action === "remove") return { ...link, text: "", sealed: "" }
  const credential = readCredential(row.credential)
  if (!credential || !fits(credential, row, now.version))
    return { ...link, refused: "this version of nanoguard cannot read it: set it again" }
  const set = { ...link, credential, version: credential.version }
  return holds
    ? set
    : { ...set, refused: `${row.by} set it, and is no approver any more: another one has to set it again` }
}

const fits = ({ name, by, time, version }: Credential, row: CredentialsTable, before: number) =>
  name === row.name && by === row.by && time === row.time && version > before

/** A change as it is signed. */
export type Change = Pick<CredentialsTable, "action" | "name" | "credential" | "sealed" | "time" | "by">

/** What is signed of a change: the one before it is part of it, so that it counts at its own place alone. */
export const changeMessage = (last: string, { action, name, credential, sealed, time, by }: Change) =>
  `nanoguard-credential-v1\n${last}\n${action}\n${name}\n${credential}\n${digestOf(sealed)}\n${time}\n${by}`

/** The credential of a name that is in force. Errors: findings (nobody set it), environment (refused). */
export function requireStanding(chain: Chain, name: string): Standing & { credential: Credential } {
  const standing = chain.byName.get(name)
  if (!standing || (standing.refused === undefined && !standing.credential))
    throw vaultError("there is no credential of that name", "see `nanoguard secret list`", EXIT.findings)
  if (standing.refused === undefined) return standing as Standing & { credential: Credential }
  throw vaultError(
    `the credential ${name} is not in force: ${standing.refused}`,
    "nanoguard secret set",
    EXIT.environment,
  )
}
