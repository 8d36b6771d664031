// The policy: that one is in force here, that it is the one in the files, and that it means what its author can have meant.
import type { AdoptedPolicy } from "../../approvals/types.ts"
import { checkPolicy } from "../../policy/check.ts"
import { checkLayers } from "../../policy/check-layers.ts"
import { loadPolicyTexts, parseLayer } from "../../policy/load.ts"
import type { Check, Finding, Law } from "../types.ts"
import { judgeSandbox } from "./sandbox.ts"

const ADOPT = "nanoguard policy adopt"

/** What is in force for this directory. */
export const policyCheck: Check = {
  id: "policy",
  title: "Policy",
  run: async ({ ctx, law: read }) => {
    const law = await read()
    const { texts, adopted, project } = law
    const facts = { project, files: texts.map(({ file }) => file) }
    if (adopted === undefined) return { state: "fail", facts, why: "no policy is in force here", fix: ADOPT }
    if (typeof adopted === "string") return { state: "fail", facts, why: adopted, fix: ADOPT }
    return { ...(await judge(law, adopted, ctx.now())), facts: { ...facts, hash: adopted.hash, by: adopted.by } }
  },
}

async function judge({ texts }: Law, adopted: AdoptedPolicy, now: number): Promise<Finding> {
  const { policy } = adopted
  if (policy.mode === "observe")
    return { state: "warn", why: "it observes: what it would refuse is only recorded", fix: "nanoguard policy replay" }
  const here = texts.length === 0 ? undefined : (await loadPolicyTexts(texts)).hash
  if (here !== undefined && here !== adopted.hash)
    return { state: "warn", why: "the files here say something else than what is in force", fix: ADOPT }
  const layers = adopted.texts.map(({ text, file }) => parseLayer(text, file))
  const findings = [...checkLayers(layers), ...checkPolicy(policy, now)]
  const worst = findings.find(({ level }) => level === "error") ?? findings[0]
  if (worst) return { state: "warn", why: worst.message, fix: "nanoguard policy check" }
  const sandbox = judgeSandbox(policy.sandbox)
  if (sandbox !== undefined) return { state: "warn", why: sandbox, fix: "nanoguard policy check" }
  return { state: "ok", why: `in force as ${adopted.hash.slice(0, 19)}, adopted by ${adopted.by}` }
}
