// What of the signed credentials counts now: values that open, and nothing that was replaced before.
import { EXIT } from "../errors.ts"
import type { Chain, Standing } from "./chain.ts"
import { valueContext } from "./change.ts"
import { vaultError } from "./errors.ts"
import type { VaultKeys } from "./keys.ts"
import { openBytes } from "./sealing.ts"
import type { Credential } from "./types.ts"

export interface InForce {
  credentials: readonly Credential[]
  /** Those that are not, though nobody removed them, with the reason. */
  refused: readonly { name: string; why: string }[]
}

/** Which credentials are in force: those whose value opens, too, where the keys are there to try it. */
export function judgeChain(chain: Chain, keys: VaultKeys | undefined): InForce {
  const credentials: Credential[] = []
  const refused: { name: string; why: string }[] = []
  for (const standing of chain.byName.values()) {
    const why = standing.refused ?? (keys && standing.credential && sealedWrong(keys, standing))
    if (why !== undefined) refused.push({ name: standing.name, why })
    else if (standing.credential) credentials.push(standing.credential)
  }
  return { credentials, refused }
}

/** Why a credential's value is no good; undefined where it is, or where its source is elsewhere. */
function sealedWrong(keys: VaultKeys, { credential, sealed, text }: Standing): string | undefined {
  if (!isKept(credential!)) return sealed === "" ? undefined : "it has a value besides its source"
  const bytes = openBytes(keys.values, Buffer.from(sealed, "base64"), valueContext(text))
  bytes?.fill(0)
  return bytes ? undefined : "its value was changed, or encrypted by another vault"
}

const isKept = ({ source, canary }: Credential) => !canary && (source.from === "value" || source.from === "login")

/** The value that the vault keeps. Throws (environment) where it was changed. */
export function openValue({ values }: VaultKeys, { name, sealed, text }: Standing): string {
  const bytes = openBytes(values, Buffer.from(sealed, "base64"), valueContext(text))
  if (!bytes)
    throw vaultError(`the value of ${name} does not open`, "set it again: nanoguard secret set", EXIT.environment)
  const value = bytes.toString("utf8")
  bytes.fill(0)
  return value
}

const MISSING = "changes of it are missing from the store: set it again"

/**
 * A chain whose last changes were cut off would bring back what they replaced, or what they removed. `before`: the last change of each name that is
 * known to have been made; what it was about stays refused until somebody sets it anew.
 */
export function withoutReturn(before: ReadonlyMap<string, { last: string; refused?: string }>, now: Chain): Chain {
  const byName = new Map(now.byName)
  for (const [name, old] of before) {
    const standing = byName.get(name) ?? { name, text: "", sealed: "", last: "-", version: 0 }
    const unchanged = old.last === standing.last
    if (unchanged ? old.refused !== MISSING : old.last === "-" || now.links.has(old.last)) continue
    byName.set(name, { ...standing, refused: MISSING })
  }
  return { ...now, byName }
}
