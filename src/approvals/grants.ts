// Using what was granted: only what the signatures say, checked anew each time.
import type { Kysely } from "kysely"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Tables } from "../store/schema.ts"
import type { Change } from "../store/types.ts"
import { readApprovers } from "./approvers.ts"
import { tallyDecisions } from "./decision.ts"
import { panelOf } from "./panel.ts"
import { listGranted } from "./queue.ts"
import type { ActiveGrant, Approval, Approver, PackageArguments, Panel, Terms } from "./types.ts"

export interface GrantFilter {
  policy: Pick<CompiledPolicy, "hash" | "approvers" | "risks">
  agent: string
  run?: string | undefined
  operator?: string | undefined
  /** Only those of this package: a purl without version. */
  package?: string
  /** Milliseconds since the epoch. */
  now: number
}

/**
 * The grants for packages that an agent holds now, under this policy: of each the signatures were verified against those who are
 * enrolled now. One that rests on a row without them is none. Errors: environment (store).
 */
export async function activeGrants(db: Kysely<Tables>, filter: GrantFilter): Promise<ActiveGrant[]> {
  const granted = await listGranted(db, filter)
  if (granted.length === 0) return []
  const approvers = await readApprovers(db)
  return granted.flatMap((approval) => toGrant(approval, approvers, filter) ?? [])
}

/** What a batch that uses a grant has to change with it: a compare-and-set. Nothing where it may be used without end. */
export function consumeGrant(db: Kysely<Tables>, { grant, uses, limit }: ActiveGrant): Change[] {
  if (limit === undefined) return []
  const query = db
    .updateTable("approvals")
    .set({ uses: uses + 1, state: uses + 1 >= limit ? "consumed" : "granted" })
    .where("id", "=", grant.id)
    .where("state", "=", "granted")
    .where("uses", "=", uses)
  return [{ ...query.compile(), expect: 1 }]
}

function toGrant(
  approval: Approval,
  approvers: Awaited<ReturnType<typeof readApprovers>>,
  { policy, agent, run, operator, now }: GrantFilter,
): ActiveGrant | undefined {
  const { binding, id, uses } = approval
  if (binding.agent !== agent || binding.operator !== operator || binding.policyHash !== policy.hash) return undefined
  const verified = verifyGrant(approval, approvers, policy, now)
  if (!verified || !isInScope(verified.terms, binding, run)) return undefined
  const { terms, by, panel } = verified
  const { purl, integrity, codes, advisories, missing } = binding.arguments as unknown as PackageArguments
  return {
    ...{ purl, by, uses },
    ...(integrity !== undefined && { integrity }),
    ...(terms.uses !== undefined && { limit: terms.uses }),
    grant: {
      ...{ id, codes, approvers: panel.group, expires: terms.expires! },
      kind: binding.kind === "exception" ? "exception" : "ask",
      ...(panel.risk !== undefined && { risk: panel.risk }),
      ...(advisories && { advisories }),
      ...(missing && { missing }),
    },
  }
}

export interface VerifiedGrant {
  /** Those who agreed. */
  by: readonly string[]
  terms: Terms
  /** The policy's own people: they count, whatever the row says of them. */
  panel: Panel
}

/** What the signatures of a request amount to under the policy in force; undefined where they grant nothing, nothing any more, or no further use. */
export function verifyGrant(
  approval: Approval,
  approvers: ReadonlyMap<string, Approver>,
  policy: GrantFilter["policy"],
  now: number,
): VerifiedGrant | undefined {
  const { group, risk } = approval.binding.approvers
  // A row that names a lesser risk than the rules do lifts none of them.
  const { panel } = panelOf(policy, group, risk)
  const { denied, by, terms } = tallyDecisions(approval, panel, approvers)
  if (denied || by.length < panel.quorum || !(now < (terms.expires ?? 0))) return undefined
  if (terms.uses !== undefined && approval.uses >= terms.uses) return undefined
  return { by, terms, panel }
}

/** Whether terms hold for a run: that of the request, or any of the agent where they say so. */
export function isInScope(terms: Terms, binding: Pick<Approval["binding"], "run">, run: string | undefined): boolean {
  return terms.scope === "agent" || (run !== undefined && binding.run === run)
}
