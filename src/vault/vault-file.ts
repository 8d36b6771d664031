// vault.json in the state directory: the vault's key, sealed under a key that is elsewhere, and how to get that one.
import { join } from "node:path"
import * as z from "zod/mini"
import { canonicalText } from "../audit/sealing/canonical.ts"
import type { Context } from "../context.ts"
import { EXIT } from "../errors.ts"
import { stateHome } from "../home.ts"
import { vaultError } from "./errors.ts"
import { KEY_SIZE } from "./keys.ts"
import { readPrivate, writePrivate } from "./private-file.ts"
import { openBytes, sealBytes } from "./sealing.ts"

const base64 = (bytes: number) => z.string().check(z.regex(/^[A-Za-z0-9+/]+={0,2}$/), z.maxLength(bytes))
const int = (from: number, to: number) => z.int().check(z.minimum(from), z.maximum(to))

/** Cost of scrypt (RFC 7914). What lies on disk may ask for 1 GiB at most, and never for less than we ask for. */
const scrypt = z.strictObject({
  logN: int(17, 20),
  r: z.literal(8),
  p: int(1, 4),
  salt: base64(64),
})

const protection = z.discriminatedUnion("kind", [
  // Without a path: the default place, so that a home directory may move.
  z.strictObject({ kind: z.literal("file"), path: z.optional(z.string().check(z.maxLength(4096))) }),
  z.strictObject({ kind: z.literal("passphrase"), scrypt }),
  z.strictObject({ kind: z.literal("systemd-creds"), sealed: base64(16_384) }),
  z.strictObject({ kind: z.literal("keychain"), account: z.string().check(z.regex(/^[a-z][\w-]{0,63}$/)) }),
])

const schema = z.strictObject({
  v: z.literal(1),
  /** Random: tells one vault from another. */
  id: z.string().check(z.regex(/^[\w-]{16}$/)),
  /** Milliseconds since the epoch. */
  created: int(0, 8.64e15),
  protection,
  /** base64 of the sealed vault key. */
  wrapped: base64(128),
})

export type VaultFile = z.infer<typeof schema>
export type FileProtection = z.infer<typeof protection>

const WHAT = "vault.json"

/** Where it is. */
export function vaultPath(ctx: Pick<Context, "env">): string {
  return join(stateHome(ctx), WHAT)
}

/** What it says; undefined where there is no vault yet. Errors: environment (not private, damaged). */
export function readVaultFile(ctx: Pick<Context, "env">): VaultFile | undefined {
  const file = vaultPath(ctx)
  const text = readPrivate(file, WHAT)
  if (text === undefined) return undefined
  try {
    const parsed = schema.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
  } catch {
    // The parser's message may quote it.
  }
  throw vaultError(
    `${WHAT} is damaged`,
    "restore it from a copy: without it no value can be read",
    EXIT.environment,
    file,
  )
}

/** Writes it; false where there is one already and `replace` is not set. Errors: environment. */
export function writeVaultFile(ctx: Pick<Context, "env">, content: VaultFile, replace = false): boolean {
  return writePrivate(vaultPath(ctx), `${JSON.stringify(content, null, 2)}\n`, WHAT, replace)
}

/** The file of a vault whose key is sealed under `kek`. */
export function wrapVaultKey(head: Omit<VaultFile, "wrapped">, kek: Uint8Array, vaultKey: Uint8Array): VaultFile {
  return { ...head, wrapped: sealBytes(kek, vaultKey, contextOf(head)).toString("base64") }
}

/** The vault's key; undefined where `kek` is another vault's, or anything in the file was changed. */
export function unwrapVaultKey({ wrapped, ...head }: VaultFile, kek: Uint8Array): Buffer | undefined {
  const key = openBytes(kek, Buffer.from(wrapped, "base64"), contextOf(head))
  return key?.length === KEY_SIZE ? key : undefined
}

const contextOf = (head: Omit<VaultFile, "wrapped">) => `nanoguard-vault-v1\n${canonicalText(head)}`
