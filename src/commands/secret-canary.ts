// `nanoguard secret canary`: a credential that nobody may use, so that whoever does is known.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import type { SecretReport } from "../render/secret.ts"
import { setCredential } from "../vault/change.ts"
import type { Draft } from "../vault/credential.ts"
import { vaultError } from "../vault/errors.ts"
import { makePlaceholder } from "../vault/placeholder.ts"
import { SHAPES } from "../vault/shapes.ts"
import { done, type SecretFormat, withSigner } from "./secret.ts"
import { refuseValues } from "./secret-draft.ts"
import { openKeys } from "./secret-vault.ts"
import type { SigningOptions } from "./signing.ts"

export interface CanaryOptions extends SigningOptions, SecretFormat {
  shape?: string
  vaultPassphraseFile?: string
}

/** The run that a planted placeholder belongs to: none that is ever opened. */
const PLANTED = "planted"

/** Makes a canary and shows its placeholder, which is no secret. Exit: ok; findings, usage, environment. */
export async function secretCanary(
  ctx: Context,
  name: string,
  more: readonly string[],
  options: CanaryOptions,
): Promise<{ report: SecretReport; exit: ExitCode }> {
  refuseValues(name, more)
  const { shape = "plain" } = options
  if (!Object.hasOwn(SHAPES, shape))
    throw vaultError("there is no such shape", Object.keys(SHAPES).join(", "), EXIT.usage)
  return withSigner(ctx, options, async (store, signer) => {
    const { keys, made } = await openKeys(ctx, options.vaultPassphraseFile)
    const reach = { hosts: ["canary.invalid"] }
    const draft: Draft = { name, reach, slot: { in: "bearer" }, source: { from: "value" }, shape, canary: true }
    const credential = await setCredential(store, draft, undefined, signer, ctx.now(), "secret")
    return done(ctx, options, "set", credential, made, makePlaceholder(keys.placeholders, name, PLANTED, shape))
  })
}
