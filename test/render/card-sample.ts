// Requests as the gate would put them before a person.

import type { Background } from "../../src/approvals/background.ts"
import { bindRequest, digestOf, idOf } from "../../src/approvals/binding.ts"
import type { Waiting } from "../../src/approvals/live/types.ts"
import type { Approval, Asked, Json, NetworkArguments } from "../../src/approvals/types.ts"
import { canonicalText } from "../../src/audit/sealing/canonical.ts"
import type { Described } from "../../src/gateway/services/types.ts"
import { NOW } from "../context.ts"

/** What is charged, decoded. */
export const CHARGE: Described = {
  verb: "charge",
  resource: "customer cus_1",
  amount: "49.00 usd",
  parts: [
    {
      title: "form",
      values: [
        { name: "amount", value: "4900" },
        { name: "currency", value: "usd" },
        { name: "customer", value: "cus_1" },
        { name: "description", value: "November" },
      ],
    },
  ],
}

/** A charge that a rule asks about. */
export function charge(more: Partial<NetworkArguments> = {}): NetworkArguments {
  return {
    ...{
      method: "POST",
      scheme: "https",
      host: "api.example.com",
      port: 443,
      path: "/v1/charges",
      query: "",
      headers: {},
    },
    body: { sha256: "ab".repeat(32), size: 61, type: "application/x-www-form-urlencoded" },
    ...{ rule: "charges", also: [], codes: ["network.ask"], reason: "A rule of the policy asks about this request." },
    ...{ operation: "stripe:charges.create", access: "write", credential: "stripe-live" },
    shown: CHARGE as unknown as Json,
    provenance: ["first request of claude-1 to this host"],
    ...more,
  }
}

/** The question about it, as the gate asks it: one of ana, ben and cy decides, within ten minutes. */
export function askedFor(bound: NetworkArguments = charge(), more: Partial<Asked> = {}): Asked {
  return {
    ...{ kind: "network", agent: "claude-1", run: "r1", operator: "olga" },
    subject: `${bound.method} ${bound.scheme}://${bound.host}${bound.path}`,
    arguments: bound as unknown as Json,
    approvers: { group: "default", people: ["ana", "ben", "cy"], quorum: 1 },
    policyHash: `sha256:${"0".repeat(64)}`,
    wait: 600_000,
    ...more,
  }
}

/** A request as it waits. */
export function approvalOf(asked: Asked = askedFor(), more: Partial<Approval> = {}): Approval {
  const binding = { ...bindRequest(asked, NOW), nonce: "AAAAAAAAAAAAAAAAAAAAAA" }
  const digest = digestOf(canonicalText(binding))
  return { id: idOf(digest), digest, binding, state: "pending", uses: 0, decisions: [], ...more }
}

/** It, with what stands around it: an agent in a box, asked for the first time. */
export function waitingFor(asked: Asked = askedFor(), background: Background = { boxed: true }): Waiting {
  const approval = approvalOf(asked)
  return { approval, agreed: [], missing: asked.approvers.quorum, mine: true, background }
}
