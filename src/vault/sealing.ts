// AES-256-GCM (NIST SP 800-38D) with a random nonce: a version byte, 12 bytes of nonce, the ciphertext, 16 bytes of tag.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

const VERSION = 1
const NONCE = 12
const TAG = 16

/** Bytes by which sealing makes something longer. */
export const OVERHEAD = 1 + NONCE + TAG

/** Encrypts bytes under a key of 32 bytes. `context` is authenticated, not kept: it has to be the same to open them. */
export function sealBytes(key: Uint8Array, bytes: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  cipher.setAAD(Buffer.from(context))
  const sealed = [cipher.update(bytes), cipher.final()]
  return Buffer.concat([Buffer.of(VERSION), nonce, ...sealed, cipher.getAuthTag()])
}

/** What was sealed; undefined where it was changed, or sealed under another key or context. */
export function openBytes(key: Uint8Array, sealed: Uint8Array, context: string): Buffer | undefined {
  if (sealed.length < OVERHEAD || sealed[0] !== VERSION) return undefined
  const end = sealed.length - TAG
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(1, 1 + NONCE), { authTagLength: TAG })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.subarray(end))
  const opened = decipher.update(sealed.subarray(1 + NONCE, end))
  try {
    return Buffer.concat([opened, decipher.final()])
  } catch {
    opened.fill(0)
    return undefined
  }
}
