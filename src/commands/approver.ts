// `nanoguard approver add|list|remove`: who may decide. `add` of the first one makes the root of trust of a store.
import { resolve } from "node:path"
import { APPROVER_NAME, readApprovers, requireApprover } from "../approvals/approvers.ts"
import { addApprover, removeApprover } from "../approvals/enrol.ts"
import { createKey, discardKey, findKey, keyDirectory, openKey } from "../approvals/keys.ts"
import { fingerprintOf } from "../approvals/signature.ts"
import { readPublicKeyFile, sshSigner } from "../approvals/ssh.ts"
import type { Approver, Signer } from "../approvals/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { type ApproverReport, type ApproversReport, renderApprover, renderApprovers } from "../render/approvers.ts"
import { openReader, openStore } from "../store/open.ts"
import { askFirst, refuseUnasked } from "./confirm.ts"
import { nameOfSigner, openSigner, readPassphrase, type SigningOptions } from "./signing.ts"

interface Format {
  format?: "text" | "json"
}

export interface AddOptions extends SigningOptions, Format {
  /** An OpenSSH public key to enrol, instead of a key that is made now. */
  key?: string
  /** File with the passphrase of the new key, where somebody else signs with theirs. */
  newPassphraseFile?: string
}

/** Enrols an approver, with a key of theirs or one that is made now. Exit: ok; findings (taken, not an approver), usage, environment. */
export async function approverAdd(
  ctx: Context,
  name: string,
  options: AddOptions = {},
): Promise<{ report: ApproverReport; exit: ExitCode }> {
  if (!APPROVER_NAME.test(name)) {
    const hint = "letters, digits and . _ @ + -, as in the policy's approvers"
    throw new NanoguardError("this is no name of an approver", { exit: EXIT.usage, hint })
  }
  const store = await openStore(ctx, { gateway: "approver" })
  try {
    const approvers = await readApprovers(store.db)
    const root = approvers.size === 0
    const made = await keyFor(ctx, name, options, root)
    try {
      const signer = root && (options.as ?? name) === name ? made.signer : await signerFor(ctx, approvers, options)
      const added = await addApprover(store, { name, key: made.key }, signer, ctx.now(), "approver")
      const report: ApproverReport = {
        ...{ schema: "nanoguard.approver/1", state: "added", name, fingerprint: fingerprintOf(made.key) },
        ...{ by: added.by, root: added.root, ...(made.file !== undefined && { file: made.file }) },
      }
      ctx.stdout.write(renderApprover(report, options.format ?? "text"))
      return { report, exit: EXIT.ok }
    } catch (error) {
      if (made.file !== undefined) discardKey(made.file)
      throw error
    }
  } finally {
    await store.close()
  }
}

/** Shows who is enrolled. Exit: ok; nothingChecked where nobody is; environment. */
export async function approverList(
  ctx: Context,
  options: Format = {},
): Promise<{ report: ApproversReport; exit: ExitCode }> {
  const reader = await openReader(ctx)
  try {
    const approvers = [...(await readApprovers(reader.db)).values()].map(({ name, key, added, by }) => ({
      ...{ name, fingerprint: fingerprintOf(key), added: new Date(added).toISOString(), by, key },
    }))
    const report: ApproversReport = { schema: "nanoguard.approvers/1", approvers }
    ctx.stdout.write(renderApprovers(report, options.format ?? "text"))
    return { report, exit: approvers.length === 0 ? EXIT.nothingChecked : EXIT.ok }
  } finally {
    await reader.close()
  }
}

/** Removes an approver: what they signed counts no more. Exit: ok; findings (declined, no such approver, the last one), usage. */
export async function approverRemove(
  ctx: Context,
  name: string,
  options: SigningOptions & Format & { yes?: boolean } = {},
): Promise<{ report?: ApproverReport; exit: ExitCode }> {
  refuseUnasked(ctx, "approver remove", options)
  const store = await openStore(ctx, { gateway: "approver" })
  try {
    const approvers = await readApprovers(store.db)
    const { key } = requireApprover(approvers, name)
    const question = `Remove ${name}? Grants and policies that rest on their signature end with it.`
    if (!options.yes && !(await askFirst(ctx, question))) return { exit: EXIT.findings }
    const signer = await signerFor(ctx, approvers, options)
    await removeApprover(store, name, signer, ctx.now(), "approver")
    const report: ApproverReport = {
      ...{ schema: "nanoguard.approver/1", state: "removed", name, fingerprint: fingerprintOf(key) },
      ...{ by: signer.name, root: false },
    }
    ctx.stdout.write(renderApprover(report, options.format ?? "text"))
    return { report, exit: EXIT.ok }
  } finally {
    await store.close()
  }
}

async function signerFor(
  ctx: Context,
  approvers: ReadonlyMap<string, Approver>,
  options: SigningOptions,
): Promise<Signer> {
  return openSigner(ctx, requireApprover(approvers, nameOfSigner(ctx, approvers, options)), options)
}

/** The new approver's key, and what signs with it where they enrol themselves. */
async function keyFor(
  ctx: Context,
  name: string,
  options: AddOptions,
  root: boolean,
): Promise<{ key: string; signer: Signer; file?: string }> {
  if (options.key !== undefined) {
    const path = resolve(ctx.cwd, options.key)
    const key = readPublicKeyFile(path, options.key)
    return { key, signer: sshSigner(ctx, name, key, resolve(ctx.cwd, options.signWith ?? options.key)) }
  }
  const directory = keyDirectory(ctx)
  const own = findKey(directory, name)
  const file = options.newPassphraseFile ?? (root ? options.passphraseFile : undefined)
  const flag = root ? "--passphrase-file" : "--new-passphrase-file"
  if (own) {
    // Theirs already, for another store or from before.
    const passphrase = await readPassphrase(ctx, file, `Passphrase of ${name}'s key`, flag)
    return { key: own.publicKey, signer: openKey(own, passphrase) }
  }
  const passphrase = await readPassphrase(ctx, file, `New passphrase for ${name}'s key`, flag, true)
  const made = createKey(directory, name, passphrase)
  return { key: made.publicKey, file: made.file, signer: openKey(findKey(directory, name)!, passphrase) }
}
