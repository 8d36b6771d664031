// A place with approvers and a vault, and credentials in it.
import type { TestContext } from "vitest"
import { setCredential } from "../../src/vault/change.ts"
import type { Draft } from "../../src/vault/credential.ts"
import { type InitOptions, initVault } from "../../src/vault/init.ts"
import { deriveKeys } from "../../src/vault/keys.ts"
import { openVault } from "../../src/vault/open.ts"
import { unlockVaultKey } from "../../src/vault/unlock.ts"
import { newPlace, type Prepare } from "../approvals/support.ts"
import { NOW } from "../context.ts"

/** A value that nothing but a test has. */
export const VALUE = "correct-Horse-battery-7261"

export const PASSPHRASE = "a long passphrase"

/** A credential for api.example.com, as a bearer. */
export const draft = (more: Partial<Draft> = {}): Draft => ({
  ...{ name: "example", reach: { hosts: ["api.example.com"] }, slot: { in: "bearer" }, source: { from: "value" } },
  ...{ shape: "plain", ...more },
})

/** A store with the approvers ana, ben and cy, and a vault. */
export async function newVaultPlace(
  t: TestContext,
  init: InitOptions = { kind: "file" },
  prepare: Prepare = async () => ({}),
) {
  const place = await newPlace(prepare, t)
  const { ctx, store, people } = place
  const file = await initVault(ctx, init)
  const keys = deriveKeys(await unlockVaultKey(ctx, file, init.passphrase))
  const [ana, ben, cy] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]]
  /** Without a value where that is empty. */
  const set = (more: Partial<Draft> = {}, value = VALUE, by = ana) =>
    setCredential(store, draft(more), value === "" ? undefined : { value, keys }, by, NOW, "test")
  const open = async (on = store) => {
    const vault = await openVault(ctx, on)
    t.onTestFinished(() => vault.close())
    return vault
  }
  return { ...place, ana, ben, cy, file, keys, set, openVault: open }
}
