// `nanoguard secret set|rotate|list|remove`: credentials, their reach and their slots. Values come by a prompt, a pipe or a file.
import { resolve } from "node:path"
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import type { Signer } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import {
  renderSecret,
  renderSecrets,
  type SecretReport,
  type SecretsReport,
  type ShownCredential,
} from "../render/secret.ts"
import { openReader, openStore } from "../store/open.ts"
import type { Store } from "../store/types.ts"
import { readChain, requireStanding } from "../vault/chain.ts"
import { removeCredential, rotateCredential, type Sealing, setCredential } from "../vault/change.ts"
import type { Draft } from "../vault/credential.ts"
import { vaultError } from "../vault/errors.ts"
import { guessShape } from "../vault/shapes.ts"
import { formatSlot, formatSource } from "../vault/slot-text.ts"
import type { Credential } from "../vault/types.ts"
import { askFirst, refuseUnasked } from "./confirm.ts"
import { type DraftOptions, readDraft, refuseValues } from "./secret-draft.ts"
import { readValue } from "./secret-value.ts"
import { openKeys } from "./secret-vault.ts"
import { nameOfSigner, openSigner, type SigningOptions } from "./signing.ts"

export interface SecretFormat {
  format?: "text" | "json"
}

/** What says where a value comes from, and who signs. */
export interface SealingOptions extends SigningOptions, SecretFormat {
  stdin?: boolean
  file?: string
  vaultPassphraseFile?: string
}

export type SetOptions = SealingOptions & DraftOptions

/** Sets a credential. `more` is what stood behind the name, which may be a value. Exit: ok; findings, usage, environment. */
export async function secretSet(
  ctx: Context,
  name: string,
  more: readonly string[],
  options: SetOptions,
): Promise<{ report: SecretReport; exit: ExitCode }> {
  refuseValues(name, more)
  const wanted = await readDraft(ctx, name, options)
  return withSigner(ctx, options, async (store, signer) => {
    const { sealing, made, value } = await readSealing(ctx, wanted, options)
    const shape = options.shape ?? (value === undefined ? wanted.shape : guessOr(value, wanted.shape))
    const credential = await setCredential(store, { ...wanted, shape }, sealing, signer, ctx.now(), "secret")
    return done(ctx, options, "set", credential, made)
  })
}

/** Gives a credential another value. Exit: ok; findings (no such credential), usage, environment. */
export async function secretRotate(
  ctx: Context,
  name: string,
  more: readonly string[],
  options: SealingOptions,
): Promise<{ report: SecretReport; exit: ExitCode }> {
  refuseValues(name, more)
  return withSigner(ctx, options, async (store, signer) => {
    const { credential: before } = requireStanding(await readChain(store.db), name)
    if (before.source.from !== "value") {
      const hint =
        before.source.from === "login" ? "nanoguard secret import" : "change it there; nanoguard asks for it each time"
      throw vaultError(`the vault does not keep the value of ${name}`, hint, EXIT.usage)
    }
    const { sealing, made } = await readSealing(ctx, before, options)
    const credential = await rotateCredential(store, name, sealing, signer, ctx.now(), "secret")
    return done(ctx, options, "rotated", credential, made)
  })
}

/** Removes a credential. Exit: ok; findings (declined, no such), usage, environment. */
export async function secretRemove(
  ctx: Context,
  name: string,
  options: SigningOptions & SecretFormat & { yes?: boolean },
): Promise<{ report?: SecretReport; exit: ExitCode }> {
  refuseValues(name, [])
  refuseUnasked(ctx, "secret remove", options)
  return withSigner<{ report?: SecretReport; exit: ExitCode }>(ctx, options, async (store, signer) => {
    const chain = await readChain(store.db)
    if (chain.byName.get(name)?.refused === undefined) requireStanding(chain, name)
    if (!options.yes && !(await askFirst(ctx, `Remove ${name}?`))) return { exit: EXIT.findings }
    await removeCredential(store, name, signer, ctx.now(), "secret")
    const report: SecretReport = { schema: "nanoguard.secret/1", state: "removed", name, by: signer.name }
    ctx.stdout.write(renderSecret(report, options.format ?? "text"))
    return { report, exit: EXIT.ok }
  })
}

/** Shows what there is, never a value. Exit: ok; nothingChecked where there is none; findings where one is not in force. */
export async function secretList(
  ctx: Context,
  options: SecretFormat = {},
): Promise<{ report: SecretsReport; exit: ExitCode }> {
  const reader = await openReader(ctx)
  try {
    const standings = [...(await readChain(reader.db)).byName.values()]
    const report: SecretsReport = {
      schema: "nanoguard.secrets/1",
      credentials: standings.flatMap(({ credential, refused }) =>
        credential && refused === undefined ? [showCredential(credential)] : [],
      ),
      refused: standings.flatMap(({ name, refused }) => (refused === undefined ? [] : [{ name, why: refused }])),
    }
    ctx.stdout.write(renderSecrets(report, options.format ?? "text"))
    const none = report.credentials.length === 0 ? EXIT.nothingChecked : EXIT.ok
    return { report, exit: report.refused.length > 0 ? EXIT.findings : none }
  } finally {
    await reader.close()
  }
}

/** A credential as lists and answers show it. */
export function showCredential({ reach, slot, source, time, ...rest }: Credential): ShownCredential {
  return { ...reach, ...rest, slot: formatSlot(slot), source: formatSource(source), time: new Date(time).toISOString() }
}

/** Does what an approver signs, with the store open for it. */
export async function withSigner<T>(
  ctx: Context,
  options: SigningOptions,
  work: (store: Store, signer: Signer) => Promise<T>,
): Promise<T> {
  const store = await openStore(ctx, { gateway: "secret" })
  try {
    const approvers = await readApprovers(store.db)
    const approver = requireApprover(approvers, nameOfSigner(ctx, approvers, options))
    return await work(store, await openSigner(ctx, approver, options))
  } finally {
    await store.close()
  }
}

/** Says what was done. */
export function done(
  ctx: Context,
  { format = "text" }: SecretFormat,
  state: "set" | "rotated",
  credential: Credential,
  made: string | undefined,
  placeholder?: string,
): { report: SecretReport; exit: ExitCode } {
  const report: SecretReport = {
    ...{ schema: "nanoguard.secret/1", state, name: credential.name, credential: showCredential(credential) },
    ...{
      by: credential.by,
      ...(made !== undefined && { vault: made }),
      ...(placeholder !== undefined && { placeholder }),
    },
  }
  ctx.stdout.write(renderSecret(report, format))
  return { report, exit: EXIT.ok }
}

async function readSealing(
  ctx: Context,
  { name, slot, source }: Draft,
  { stdin, file, vaultPassphraseFile }: SealingOptions,
): Promise<{ sealing: Sealing; made?: string; value?: string }> {
  if (source.from !== "value") {
    if (stdin || file !== undefined)
      throw vaultError("a value has one source", "leave out --stdin and --file, or --from", EXIT.usage)
    return { sealing: undefined }
  }
  const { keys, made } = await openKeys(ctx, vaultPassphraseFile)
  const from = { ...(stdin && { stdin }), ...(file !== undefined && { file: resolve(ctx.cwd, file) }) }
  const value = await readValue(ctx, name, slot, from)
  return { sealing: { value, keys }, value, ...(made !== undefined && { made }) }
}

/** The value's own form, where it has one that is known. */
const guessOr = (value: string, otherwise: string) => {
  const shape = guessShape(value)
  return shape === "plain" ? otherwise : shape
}
