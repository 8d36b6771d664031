// What the log says of approvals.
import type { NewEvent } from "../audit/types.ts"
import { riskOf } from "../policy/risk.ts"
import type { Approval, PackageArguments } from "./types.ts"

type Step = "requested" | "agreed" | "granted" | "denied" | "expired" | "cancelled"

/** The event of a step in a request's life. Who decided, and in which words, is the caller's to add. */
export function eventOf({ id, digest, binding }: Approval, step: Step, gateway: string): NewEvent {
  const { agent, run, operator, subject, policyHash, kind, approvers } = binding
  const { codes } = binding.arguments as unknown as Partial<PackageArguments>
  return {
    ...{ type: `approval.${step}`, subject, gateway, agent, approval: id, policy: policyHash },
    ...(run !== undefined && { run }),
    ...(operator !== undefined && { operator }),
    ...(step === "requested" && { outcome: "held" as const }),
    ...(["denied", "expired", "cancelled"].includes(step) && { outcome: "refused" as const }),
    detail: {
      ...{ request: kind, digest, approvers: approvers.group, risk: riskOf(approvers.risk) },
      ...(codes && { codes }),
    },
  }
}
