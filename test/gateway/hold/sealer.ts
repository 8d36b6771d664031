// What a vault does for held bodies, without one: a second implementation of its contract.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { Vault } from "../../../src/vault/types.ts"

const NONCE = 12
const TAG = 16

/** AES-256-GCM with a key of 32 bytes; where none is given, one of its own. */
export function createSealer(key: Uint8Array = randomBytes(32)): Pick<Vault, "seal" | "open"> {
  return {
    seal: (bytes, context) => {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed)
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE), { authTagLength: TAG })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG))
      return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()])
    },
  }
}
