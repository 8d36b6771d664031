// From vault.json to the vault's key, by whichever way protects it.
import { randomBytes, scrypt } from "node:crypto"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { lockedError, vaultError } from "./errors.ts"
import { defaultKeyFile, readKeyFile } from "./key-file.ts"
import { decryptWithSystemd, readFromKeychain, type SystemContext } from "./system-keys.ts"
import { type FileProtection, unwrapVaultKey, type VaultFile, vaultPath } from "./vault-file.ts"

/** Fewest characters of a new passphrase. */
export const MIN_PASSPHRASE = 8

const MAX_MEMORY = 2 * 1024 ** 3

type ScryptCost = Extract<FileProtection, { kind: "passphrase" }>["scrypt"]

/** What a new passphrase is stretched with: 128 MiB and some tenths of a second a guess. */
export const newCost = (): ScryptCost => ({ logN: 17, r: 8, p: 1, salt: randomBytes(16).toString("base64") })

/**
 * The vault's key. `passphrase` where that protects it. Errors: environment (locked, key file or keychain not there), findings
 * (the passphrase is wrong).
 */
export async function unlockVaultKey(ctx: SystemContext, file: VaultFile, passphrase?: string): Promise<Buffer> {
  const { protection } = file
  if (protection.kind === "passphrase" && passphrase === undefined) throw lockedError()
  const kek = await keyFor(ctx, protection, passphrase ?? "")
  const key = unwrapVaultKey(file, kek)
  kek.fill(0)
  if (key) return key
  if (protection.kind === "passphrase")
    throw vaultError("the passphrase does not open the vault", "try again; nothing was changed", EXIT.findings)
  throw vaultError(
    "the vault does not open with its key",
    "vault.json was changed, or the key is another vault's: restore the one that belongs to it",
    EXIT.environment,
    vaultPath(ctx),
  )
}

function keyFor(ctx: SystemContext, protection: FileProtection, passphrase: string): Promise<Buffer> {
  switch (protection.kind) {
    case "file":
      return Promise.resolve(readKeyFile(ctx, keyFileOf(ctx, protection.path)))
    case "passphrase":
      return stretch(passphrase, protection.scrypt)
    case "systemd-creds":
      return decryptWithSystemd(ctx, protection.sealed)
    case "keychain":
      return readFromKeychain(ctx, protection.account)
  }
}

/** Where the key file is: `NANOGUARD_VAULT_KEY` (a service manager hands it over elsewhere), else what the vault says, else the default. */
export function keyFileOf(ctx: Pick<Context, "env">, path: string | undefined): string {
  return ctx.env["NANOGUARD_VAULT_KEY"] || path || defaultKeyFile(ctx)
}

/** A key of 32 bytes from a passphrase (scrypt, RFC 7914), off the main thread. */
export function stretch(passphrase: string, { logN, r, p, salt }: ScryptCost): Promise<Buffer> {
  const cost = { N: 2 ** logN, r, p, maxmem: MAX_MEMORY }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), Buffer.from(salt, "base64"), 32, cost, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
