// Making a vault, and moving its key under another protection.
import { randomBytes } from "node:crypto"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { vaultError } from "./errors.ts"
import { defaultKeyFile, makeKeyFile } from "./key-file.ts"
import { KEY_SIZE, newKey } from "./keys.ts"
import type { ProtectionKind } from "./protection.ts"
import { encryptWithSystemd, isKeychainThere, storeInKeychain } from "./system-keys.ts"
import { MIN_PASSPHRASE, newCost, stretch, unlockVaultKey } from "./unlock.ts"
import {
  type FileProtection,
  readVaultFile,
  type VaultFile,
  vaultPath,
  wrapVaultKey,
  writeVaultFile,
} from "./vault-file.ts"

export type InitContext = Pick<Context, "env" | "exec" | "now">

export interface InitOptions {
  kind: ProtectionKind
  /** For `file`: an absolute path; the default place where absent. */
  keyFile?: string
  /** For `passphrase`. */
  passphrase?: string
}

/** Makes a vault. Errors: findings (there is one), usage (passphrase too short), environment (its key cannot be kept). */
export async function initVault(ctx: InitContext, options: InitOptions): Promise<VaultFile> {
  const file = await seal(ctx, options, randomBytes(12).toString("base64url"), ctx.now(), newKey())
  if (writeVaultFile(ctx, file)) return file
  throw vaultError(
    "there is a vault already",
    "--replace moves its key under another protection",
    EXIT.findings,
    vaultPath(ctx),
  )
}

/** Moves the key of the vault that is there under another protection; values stay as they are. Errors: as `initVault`, `unlockVaultKey`. */
export async function replaceProtection(
  ctx: InitContext,
  options: InitOptions,
  current: VaultFile,
  passphrase?: string,
): Promise<VaultFile> {
  const vaultKey = await unlockVaultKey(ctx, current, passphrase)
  const file = await seal(ctx, options, current.id, current.created, vaultKey)
  writeVaultFile(ctx, file, true)
  return file
}

/** The vault's file; makes the vault, under what protects it by default, where there is none. Errors: environment. */
export async function ensureVault(ctx: InitContext): Promise<{ file: VaultFile; made: boolean }> {
  const there = readVaultFile(ctx)
  if (there) return { file: there, made: false }
  const kind = await defaultKind(ctx)
  try {
    return { file: await initVault(ctx, { kind }), made: true }
  } catch (error) {
    // Another process may have made it meanwhile.
    const file = readVaultFile(ctx)
    if (file) return { file, made: false }
    throw error
  }
}

/** The keychain where one works, else a key file. */
export async function defaultKind(ctx: InitContext): Promise<ProtectionKind> {
  return (await isKeychainThere(ctx)) ? "keychain" : "file"
}

async function seal(
  ctx: InitContext,
  options: InitOptions,
  id: string,
  created: number,
  vaultKey: Buffer,
): Promise<VaultFile> {
  const { kek, protection } = await protect(ctx, options, id)
  const file = wrapVaultKey({ v: 1, id, created, protection }, kek, vaultKey)
  kek.fill(0)
  vaultKey.fill(0)
  return file
}

async function protect(
  ctx: InitContext,
  { kind, keyFile, passphrase = "" }: InitOptions,
  id: string,
): Promise<{ kek: Buffer; protection: FileProtection }> {
  switch (kind) {
    case "file":
      return {
        kek: makeKeyFile(ctx, keyFile ?? defaultKeyFile(ctx)),
        protection: { kind, ...(keyFile !== undefined && { path: keyFile }) },
      }
    case "passphrase": {
      if (passphrase.length < MIN_PASSPHRASE)
        throw vaultError(
          `the passphrase is shorter than ${MIN_PASSPHRASE} characters`,
          "whoever has vault.json can guess a short one",
          EXIT.usage,
        )
      const cost = newCost()
      return { kek: await stretch(passphrase, cost), protection: { kind, scrypt: cost } }
    }
    case "systemd-creds": {
      const kek = randomBytes(KEY_SIZE)
      return { kek, protection: { kind, sealed: await encryptWithSystemd(ctx, kek) } }
    }
    case "keychain": {
      const [kek, account] = [randomBytes(KEY_SIZE), `vault-${id}-${randomBytes(4).toString("hex")}`]
      await storeInKeychain(ctx, account, kek)
      return { kek, protection: { kind, account } }
    }
  }
}
