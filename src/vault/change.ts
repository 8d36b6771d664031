// Setting, rotating and removing credentials: signed, encrypted and recorded in one transaction.
import { sql } from "kysely"
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import { digestOf } from "../approvals/binding.ts"
import { wrongKey } from "../approvals/enrol.ts"
import { verifySignature } from "../approvals/signature.ts"
import type { Signer } from "../approvals/types.ts"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { EXIT } from "../errors.ts"
import { Conflict } from "../store/conflict.ts"
import type { Store } from "../store/types.ts"
import { type Chain, type Change, changeMessage, readChain, requireStanding } from "./chain.ts"
import { checkDraft, type Draft } from "./credential.ts"
import { vaultError } from "./errors.ts"
import type { VaultKeys } from "./keys.ts"
import { sealBytes } from "./sealing.ts"
import type { Credential } from "./types.ts"

/** What is changed: `value` where the vault keeps it, with the keys to encrypt it. */
export type Sealing = { value: string; keys: Pick<VaultKeys, "values"> } | undefined

/**
 * Sets a credential, or replaces it. Errors: usage (what it says cannot be), findings (the signer is no approver, or somebody else
 * changed the credentials meanwhile), environment.
 */
export async function setCredential(
  store: Store,
  draft: Draft,
  sealing: Sealing,
  signer: Signer,
  now: number,
  gateway: string,
): Promise<Credential> {
  const wrong = checkDraft(draft)
  if (wrong !== undefined)
    throw vaultError(`this cannot be a credential (${wrong})`, "nanoguard secret set --help", EXIT.usage)
  return put(store, await readChain(store.db), draft, sealing, signer, now, gateway, "credential.set")
}

/** Gives a credential another value; all else stays. Errors: as `setCredential`; findings where there is none of that name. */
export async function rotateCredential(
  store: Store,
  name: string,
  sealing: Sealing,
  signer: Signer,
  now: number,
  gateway: string,
): Promise<Credential> {
  const chain = await readChain(store.db)
  const { version: _, by: __, time: ___, ...draft } = requireStanding(chain, name).credential
  return put(store, chain, draft, sealing, signer, now, gateway, "credential.rotated")
}

/** Removes a credential: whatever has its placeholder gets nothing more. Errors: findings (no such), environment. */
export async function removeCredential(store: Store, name: string, signer: Signer, now: number, gateway: string) {
  const chain = await readChain(store.db)
  const standing = chain.byName.get(name)
  // One that is refused can be removed, too.
  if (!standing?.credential && standing?.refused === undefined) requireStanding(chain, name)
  const change = { action: "remove" as const, name, credential: "", sealed: "", time: now, by: signer.name }
  await append(store, chain, change, signer, gateway, { type: "credential.removed", version: standing!.version })
  return standing!.credential
}

async function put(
  store: Store,
  chain: Chain,
  draft: Draft,
  sealing: Sealing,
  signer: Signer,
  time: number,
  gateway: string,
  type: string,
): Promise<Credential> {
  const { name } = draft
  const version = (chain.byName.get(name)?.version ?? 0) + 1
  const credential: Credential = { ...draft, version, by: signer.name, time }
  const text = canonicalText(credential)
  const sealed = sealing === undefined ? "" : sealValue(sealing.keys, text, sealing.value)
  const change = { action: "set" as const, name, credential: text, sealed, time, by: signer.name }
  await append(store, chain, change, signer, gateway, { type, version, source: draft.source.from })
  return credential
}

/** What a value is encrypted with: all that the credential says, so that it opens for nothing else. */
export const valueContext = (text: string) => `nanoguard-credential-v1\n${text}`

function sealValue({ values }: Pick<VaultKeys, "values">, text: string, value: string): string {
  return sealBytes(values, Buffer.from(value), valueContext(text)).toString("base64")
}

async function append(
  store: Store,
  { byName, position }: Chain,
  change: Change,
  signer: Signer,
  gateway: string,
  { type, ...said }: { type: string; version: number; source?: string },
): Promise<void> {
  const { action, name, credential, sealed, time, by } = change
  const approver = requireApprover(await readApprovers(store.db), signer.name)
  const message = changeMessage(byName.get(name)?.last ?? "-", change)
  const signature = await signer.sign(message)
  if (!verifySignature(approver.key, message, signature)) throw wrongKey(signer.name)
  const insert = sql`insert into credentials (position, name, action, credential, sealed, time, "by", signature)
    select ${sql.lit(position + 1)}, ${name}, ${action}, ${credential}, ${sealed}, cast(${time} as bigint), ${by}, ${signature}
    where (select coalesce(max(position), 0) from credentials) = ${sql.lit(position)}`
  const detail = { credential: name, ...said, change: digestOf(message) }
  const event = { type, subject: `credential ${name}`, gateway, by: [by], detail }
  try {
    await store.write({ changes: [{ ...insert.compile(store.db), expect: 1 }], events: [event] })
  } catch (error) {
    if (!(error instanceof Conflict)) throw error
    throw vaultError(
      "somebody else changed the credentials meanwhile",
      "look at `nanoguard secret list` and repeat",
      EXIT.findings,
    )
  }
}
