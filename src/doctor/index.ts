// Everything that `nanoguard doctor` looks at, in the order in which it is shown: what comes first is needed by what follows.
import type { Context } from "../context.ts"
import { VERSION } from "../version.ts"
import { advisoriesCheck } from "./checks/advisories.ts"
import { agentsCheck } from "./checks/agents.ts"
import { approversCheck } from "./checks/approvers.ts"
import { clockCheck } from "./checks/clock.ts"
import { engineChecks } from "./checks/engines.ts"
import { gateCheck } from "./checks/gate.ts"
import { keychainCheck } from "./checks/keychain.ts"
import { killsCheck } from "./checks/kills.ts"
import { leftoversCheck } from "./checks/leftovers.ts"
import { mountsCheck } from "./checks/mounts.ts"
import { nodeCheck } from "./checks/node.ts"
import { policyCheck } from "./checks/policy.ts"
import { proofCheck } from "./checks/proof.ts"
import { storeCheck } from "./checks/store.ts"
import { vaultCheck } from "./checks/vault.ts"
import { runChecks } from "./run-checks.ts"
import { openTools } from "./tools.ts"
import type { Check, DoctorReport } from "./types.ts"

/** Milliseconds that one check may take. */
const LIMIT = 8000

const checksOf = (ctx: Context): Check[] => [
  ...[nodeCheck, ...engineChecks(ctx), agentsCheck],
  ...[storeCheck, proofCheck, clockCheck, approversCheck, policyCheck, mountsCheck],
  ...[vaultCheck, keychainCheck, advisoriesCheck, gateCheck, killsCheck, leftoversCheck],
]

const NOTES = [
  "The gate is a boundary for what runs in a box (nanoguard run). A command behind `gateway exec` or `gateway env` can go round it, and the record says so (boxed: false).",
]

/** Looks at every part. `limit`: milliseconds that one of them may take. Changes nothing. */
export async function examine(ctx: Context, limit = LIMIT): Promise<DoctorReport> {
  const tools = openTools(ctx, limit)
  try {
    const checks = await runChecks(checksOf(tools.ctx), tools, limit)
    const counts = { ok: 0, warn: 0, fail: 0, skip: 0 }
    for (const { state } of checks) counts[state]++
    return {
      schema: "nanoguard.doctor/1",
      time: new Date(ctx.now()).toISOString(),
      version: VERSION,
      platform: `${process.platform}-${process.arch}`,
      ...{ counts, checks, notes: NOTES },
    }
  } finally {
    await Promise.race([tools.close().catch(() => undefined), pause(limit)])
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref())
