// The keys of a vault: one random key, and one of its own for each purpose (HKDF-SHA256, RFC 5869).
import { hkdfSync, randomBytes } from "node:crypto"

/** What each key is for: none of them opens what another one sealed. */
const PURPOSES = ["values", "placeholders", "bodies", "authorities", "logins"] as const

export type Purpose = (typeof PURPOSES)[number]

/** 32 bytes for each purpose. */
export type VaultKeys = Readonly<Record<Purpose, Buffer>>

/** Bytes of every key. */
export const KEY_SIZE = 32

/** A new vault key. */
export const newKey = (): Buffer => randomBytes(KEY_SIZE)

/** The keys that follow from a vault key: HKDF-SHA256 without salt, `nanoguard-vault-v1/<purpose>` as info. */
export function deriveKeys(vaultKey: Uint8Array): VaultKeys {
  const derive = (purpose: Purpose) =>
    Buffer.from(hkdfSync("sha256", vaultKey, new Uint8Array(0), `nanoguard-vault-v1/${purpose}`, KEY_SIZE))
  return Object.fromEntries(PURPOSES.map((purpose) => [purpose, derive(purpose)])) as Record<Purpose, Buffer>
}

/** Overwrites keys that are needed no more: memory that is read later shows none. */
export function forgetKeys(keys: VaultKeys): void {
  for (const key of Object.values(keys)) key.fill(0)
}
