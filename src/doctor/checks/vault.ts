// The vault: whether it opens, and which attackers the protection of its key stops.
import { describeProtection } from "../../vault/protection.ts"
import { unlockVaultKey } from "../../vault/unlock.ts"
import { readVaultFile } from "../../vault/vault-file.ts"
import type { Check, Finding, Tools } from "../types.ts"

/** How the gate has it; where no gate runs, whether its key is there. No value is opened. */
export const vaultCheck: Check = {
  id: "vault",
  title: "Vault",
  run: async (tools) => {
    const file = readVaultFile(tools.ctx)
    if (!file)
      return { state: "skip", why: "none yet: the first secret or gate makes it", fix: "nanoguard secret init" }
    const { kind } = file.protection
    const { title, stops, not, person } = describeProtection(kind)
    const facts = { kind, protection: title, stops, doesNotStop: not, needsPerson: person }
    const status = (await tools.gate().catch(() => undefined))?.vault
    const finding = status ? judgeStatus(status) : await tryKey(tools, file)
    return { ...finding, facts: { ...facts, ...finding.facts } }
  },
}

type VaultStatus = NonNullable<NonNullable<Awaited<ReturnType<Tools["gate"]>>>["vault"]>

function judgeStatus({ state, trouble, credentials, refused }: VaultStatus): Finding {
  const facts = { state, credentials, refused: refused.map(({ name }) => name) }
  if (state !== "open" && trouble !== undefined) return { state: "fail", facts, why: trouble }
  if (state !== "open")
    return { state: "warn", facts, why: "locked: what needs a key gets 503", fix: "nanoguard secret unlock" }
  const first = refused[0]
  if (first) return { state: "warn", facts, why: `${first.name}: ${first.why}`, fix: "nanoguard secret list" }
  return { state: "ok", facts, why: `open, ${credentials} ${credentials === 1 ? "credential" : "credentials"}` }
}

/** Without a gate: a passphrase is the person's, any other key has to be where the vault says. */
async function tryKey({ ctx }: Tools, file: NonNullable<ReturnType<typeof readVaultFile>>): Promise<Finding> {
  if (file.protection.kind === "passphrase")
    return { state: "ok", why: "opens with a passphrase that is written nowhere; the gate waits for it" }
  const key = await unlockVaultKey(ctx, file)
  key.fill(0)
  return { state: "ok", why: `opens: ${describeProtection(file.protection.kind).title}` }
}
