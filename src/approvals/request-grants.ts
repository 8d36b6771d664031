// What people agreed to about requests of the network: verified like every grant, and bound to the rules that asked.
import type { Kysely } from "kysely"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Grant } from "../policy/grant-types.ts"
import type { Tables } from "../store/schema.ts"
import type { Change } from "../store/types.ts"
import { readApprovers } from "./approvers.ts"
import { isInScope, type VerifiedGrant, verifyGrant } from "./grants.ts"
import { listGranted } from "./queue.ts"
import { hashRules, isAlike, isSameRequest } from "./requests.ts"
import type { ActiveGrant, Approval, NetworkArguments } from "./types.ts"

type Policy = Pick<CompiledPolicy, "hash" | "approvers" | "listRules" | "risks">

/** A yes about a request, with what it was said about. */
export interface RequestGrant extends VerifiedGrant {
  approval: Approval
}

/**
 * What people agreed to about the requests of an agent, under this policy at this time. One whose rules say something else by now, or that
 * rests on a row without signatures, is none. Errors: environment (store).
 */
export async function requestGrants(
  db: Kysely<Tables>,
  { agent, policy, now }: { agent: string; policy: Policy; now: number },
): Promise<RequestGrant[]> {
  const granted = await listGranted(db, { agent, now }, ["network"])
  if (granted.length === 0) return []
  const approvers = await readApprovers(db)
  return granted.flatMap((approval) => {
    // What is not signed may be of any shape.
    const verified = verifyGrant(approval, approvers, policy, now)
    if (!verified) return []
    const { rule, also = [] } = argumentsOf(approval)
    const { ruleHash } = approval.binding
    return ruleHash !== undefined && ruleHash === hashRules(policy, [rule, ...also]) ? [{ ...verified, approval }] : []
  })
}

/** Those among grants that cover a request of a run: the same request, or one alike where that was agreed to. */
export function coveringGrants(
  grants: readonly RequestGrant[],
  policy: Policy,
  who: { run?: string | undefined; operator?: string | undefined },
  request: NetworkArguments,
  now: number,
): ActiveGrant[] {
  return grants.flatMap(({ approval, by, terms, panel }) => {
    const { id, binding, uses } = approval
    const granted = argumentsOf(approval)
    if (binding.operator !== who.operator || !isInScope(terms, binding, who.run) || !(now < terms.expires!)) return []
    const covers =
      isSameRequest(granted, request) || (terms.covers === "alike" && isAlike(policy, panel.group, granted, request))
    if (!covers) return []
    const grant: Grant = {
      ...{ id, codes: granted.codes, approvers: panel.group, expires: terms.expires!, kind: "ask" },
      ...(panel.risk !== undefined && { risk: panel.risk }),
    }
    return [{ purl: "", by, uses, grant, ...(terms.uses !== undefined && { limit: terms.uses }) }]
  })
}

/** What a batch has to change that uses a grant about a request: where it was used up, or withdrawn, the batch is undone. */
export function consumeRequestGrant(db: Kysely<Tables>, { grant, uses, limit }: ActiveGrant, now: number): Change {
  const counted = (count: number) => (limit !== undefined && count >= limit ? "consumed" : "granted")
  let query = db
    .updateTable("approvals")
    .set((is) => (limit === undefined ? { uses: is("uses", "+", 1) } : { uses: uses + 1, state: counted(uses + 1) }))
    .where("id", "=", grant.id)
    .where("state", "=", "granted")
    .where("ends", ">", now)
  if (limit !== undefined) query = query.where("uses", "=", uses)
  return { ...query.compile(), expect: 1 }
}

function argumentsOf({ binding }: Approval): NetworkArguments {
  return binding.arguments as unknown as NetworkArguments
}
