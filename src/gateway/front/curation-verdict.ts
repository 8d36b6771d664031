// A refusal that is the upstream's own, as a verdict of ours: its texts are evidence, one plain line each, and decide nothing else.
import { reasonOf } from "../../policy/codes.ts"
import { subjectOf } from "../../policy/decide.ts"
import { plainId, plainText } from "../../policy/text.ts"
import type { Ecosystem, Evidence, Verdict } from "../../policy/types.ts"
import type { CurationBlock } from "../upstream/curation.ts"
import type { Law } from "./types.ts"

const MAX_POLICIES = 5

/** The verdict over a version that the upstream's own policy refuses; "" for the version where the whole package is. */
export function curationVerdict(
  law: Law,
  ecosystem: Ecosystem,
  name: string,
  version: string,
  block: CurationBlock,
): Verdict {
  const evidence: Evidence[] = block.policies
    .slice(0, MAX_POLICIES)
    .map(({ policy, condition, explanation, recommendation }) => ({
      kind: "registry-policy",
      policy: plainText(policy, 100),
      condition: plainText(condition, 200),
      ...(explanation !== undefined && { explanation: plainText(explanation, 300) }),
      ...(recommendation !== undefined && { recommendation: plainText(recommendation, 300) }),
    }))
  if (block.cves !== undefined && block.cves.length > 0)
    evidence.push({ kind: "registry-cves", ids: block.cves.slice(0, 20).map(plainId) })
  if (block.upgrades !== undefined && block.upgrades.length > 0)
    evidence.push({ kind: "registry-upgrades", versions: block.upgrades.slice(0, 10).map(plainId) })
  if (block.waiver || block.pending)
    evidence.push({ kind: "registry-state", waiver: block.waiver === true, pending: block.pending === true })
  return {
    effect: "deny",
    code: "registry.refused",
    rule: "the registry's own policy",
    subject: subjectOf(law.evidence.actionFor(ecosystem, name, version)),
    reason: reasonOf("registry.refused", evidence),
    evidence,
    mode: "enforce",
    policyHash: law.policy.hash,
  }
}
