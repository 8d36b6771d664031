// `nanoguard secret init|unlock|lock`: the vault's own key, and what protects it.
import { resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { askGate } from "../gateway/control-client.ts"
import { renderVault, type VaultReport } from "../render/secret.ts"
import { vaultError } from "../vault/errors.ts"
import { defaultKind, ensureVault, type InitOptions, initVault, replaceProtection } from "../vault/init.ts"
import { isInside } from "../vault/key-file.ts"
import { deriveKeys, type VaultKeys } from "../vault/keys.ts"
import { describeProtection, type ProtectionKind } from "../vault/protection.ts"
import { keyFileOf, unlockVaultKey } from "../vault/unlock.ts"
import { readVaultFile, type VaultFile } from "../vault/vault-file.ts"
import { readInput } from "./secret-value.ts"
import { readPassphrase } from "./signing.ts"

interface Format {
  format?: "text" | "json"
}

export interface InitCommandOptions extends Format {
  key?: ProtectionKind
  keyFile?: string
  /** Move the key of the vault that is there. */
  replace?: boolean
  /** File with the passphrase that protects the vault now, and with the new one. */
  vaultPassphraseFile?: string
  newPassphraseFile?: string
}

/** Makes the vault, or moves its key under another protection. Exit: ok; findings (there is one), usage, environment. */
export async function secretInit(
  ctx: Context,
  options: InitCommandOptions,
): Promise<{ report: VaultReport; exit: ExitCode }> {
  const current = readVaultFile(ctx)
  if (current && !options.replace)
    throw vaultError("there is a vault already", "--replace moves its key under another protection", EXIT.findings)
  const kind = options.key ?? (options.keyFile === undefined ? await defaultKind(ctx) : "file")
  const wanted = await readWanted(ctx, kind, options)
  const file = current
    ? await replaceProtection(ctx, wanted, current, await passphraseOf(ctx, current, options.vaultPassphraseFile))
    : await initVault(ctx, wanted)
  const report: VaultReport = {
    ...{ schema: "nanoguard.vault/1", state: current ? "moved" : "made", protection: describeProtection(kind) },
    ...(file.protection.kind === "file" && { keyFile: keyFileOf(ctx, file.protection.path) }),
  }
  return say(ctx, report, options)
}

async function readWanted(ctx: Context, kind: ProtectionKind, options: InitCommandOptions): Promise<InitOptions> {
  const { keyFile, newPassphraseFile } = options
  if (kind === "passphrase") {
    const flag = "--new-passphrase-file"
    return { kind, passphrase: await readPassphrase(ctx, newPassphraseFile, "New passphrase of the vault", flag, true) }
  }
  if (keyFile === undefined) return { kind }
  if (kind !== "file") throw vaultError("--key-file goes with --key file", "leave one of them out", EXIT.usage)
  const path = resolve(ctx.cwd, keyFile)
  if (isInside(ctx.cwd, path))
    throw vaultError(
      "the key file would be in this directory",
      "what an agent works on is no place for it: put it elsewhere",
      EXIT.usage,
      keyFile,
    )
  return { kind, keyFile: path }
}

/** Opens the vault of the gate that runs. Exit: ok; findings (wrong passphrase), usage, environment (no gate). */
export async function secretUnlock(
  ctx: Context,
  options: Format & { passphraseFile?: string; stdin?: boolean } = {},
): Promise<{ report: VaultReport; exit: ExitCode }> {
  const current = readVaultFile(ctx)
  if (!current) throw vaultError("there is no vault yet", "nanoguard secret init", EXIT.environment)
  const { kind } = current.protection
  // Before anybody types for nothing.
  await askGate(ctx, "GET", "/v1/vault")
  const passphrase = options.stdin
    ? (await readInput(ctx)).split(/\r?\n/, 1)[0]!
    : await passphraseOf(ctx, current, options.passphraseFile, "--passphrase-file")
  await unlockVault(ctx, passphrase)
  return say(ctx, { schema: "nanoguard.vault/1", state: "unlocked", protection: describeProtection(kind) }, options)
}

/** Tells the gate to forget the vault's keys. Exit: ok; environment (no gate). */
export async function secretLock(ctx: Context, options: Format = {}): Promise<{ report: VaultReport; exit: ExitCode }> {
  await askGate(ctx, "POST", "/v1/vault/lock")
  return say(ctx, { schema: "nanoguard.vault/1", state: "locked" }, options)
}

/** Hands the passphrase to the gate that runs here, through its control socket. Errors: environment (no gate), findings (wrong). */
export async function unlockVault(ctx: Pick<Context, "env">, passphrase?: string): Promise<void> {
  await askGate(ctx, "POST", "/v1/vault/unlock", passphrase === undefined ? {} : { passphrase })
}

/** The keys of the vault, and what protects it where it was made for this. Errors: usage (no passphrase), findings, environment. */
export async function openKeys(
  ctx: Context,
  passphraseFile: string | undefined,
): Promise<{ keys: VaultKeys; made?: ProtectionKind }> {
  const { file, made } = await ensureVault(ctx)
  const vaultKey = await unlockVaultKey(ctx, file, await passphraseOf(ctx, file, passphraseFile))
  const keys = deriveKeys(vaultKey)
  vaultKey.fill(0)
  return { keys, ...(made && { made: file.protection.kind }) }
}

/** The passphrase of a vault that has one: from a file or a prompt. Errors: usage. */
function passphraseOf(
  ctx: Context,
  { protection }: VaultFile,
  file: string | undefined,
  flag = "--vault-passphrase-file",
): Promise<string | undefined> {
  if (protection.kind !== "passphrase") return Promise.resolve(undefined)
  return readPassphrase(ctx, file, "Passphrase of the vault", flag)
}

function say(ctx: Context, report: VaultReport, { format = "text" }: Format) {
  ctx.stdout.write(renderVault(report, format))
  return { report, exit: EXIT.ok }
}
