// The vault's part of the gate's control API: open it, lock it, say how it stands.
import { EXIT } from "../errors.ts"
import type { Store } from "../store/types.ts"
import { vaultError } from "./errors.ts"
import type { OpenVault, VaultStatus } from "./open.ts"

export interface VaultControl {
  status: () => VaultStatus
  /** Opens it; `passphrase` where that protects it. Errors: findings (wrong; somebody else tries just now), usage, environment. */
  unlock: (body: Readonly<Record<string, unknown>>) => Promise<VaultStatus>
  lock: () => Promise<VaultStatus>
}

/** Longest passphrase, in UTF-16 units. */
const MAX_PASSPHRASE = 1024

/** The control of a gate's vault. What is done with it is recorded; a wrong passphrase, too. */
export function createVaultControl(vault: OpenVault, store: Pick<Store, "append">, gateway: string): VaultControl {
  let busy = false
  const note = (step: "unlocked" | "locked" | "refused") =>
    store.append({
      ...{ type: `configuration.vault-${step}`, subject: "vault", gateway },
      ...(step === "refused" && { outcome: "refused" as const }),
    })
  return {
    status: vault.status,
    async unlock({ passphrase }) {
      if (passphrase !== undefined && (typeof passphrase !== "string" || passphrase.length > MAX_PASSPHRASE))
        throw vaultError("this is no passphrase", "one line of text", EXIT.usage)
      // Each try takes 128 MiB: one at a time, whoever asks.
      if (busy) throw vaultError("somebody else opens the vault just now", "repeat it in a moment", EXIT.findings)
      busy = true
      try {
        await vault.unlock(passphrase)
      } catch (error) {
        await note("refused")
        throw error
      } finally {
        busy = false
      }
      await note("unlocked")
      return vault.status()
    },
    async lock() {
      vault.lock()
      await note("locked")
      return vault.status()
    },
  }
}
