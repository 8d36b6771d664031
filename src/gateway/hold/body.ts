// The bytes of a request that waits, as they were sealed.
import { createHash } from "node:crypto"
import type { Kysely } from "kysely"
import type { NetworkArguments } from "../../approvals/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import type { Vault } from "../../vault/types.ts"
import { readSealed } from "./rows.ts"

/**
 * The body that a person is asked about; undefined where there is none, or where it is kept no more. Throws `NanoguardError` (environment)
 * where it cannot be opened, or is not the one that the request names.
 */
export async function openBody(
  db: Kysely<Tables>,
  vault: Pick<Vault, "open">,
  id: string,
  { body }: Pick<NetworkArguments, "body">,
): Promise<Buffer | undefined> {
  if (body === undefined) return undefined
  const sealed = await readSealed(db, id)
  if (sealed === undefined) return undefined
  const bytes = open(vault, sealed, id)
  if (bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === body.sha256) return bytes
  throw new NanoguardError(`the body of ${id} is not what was asked about`, {
    exit: EXIT.environment,
    hint: "it was changed where it is kept, or is under another key: deny the request, and have it asked again",
  })
}

function open(vault: Pick<Vault, "open">, sealed: Uint8Array, id: string): Buffer | undefined {
  try {
    return vault.open(sealed, id)
  } catch {
    return undefined
  }
}
