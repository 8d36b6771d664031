// Who may decide: without anybody every question waits until it expires.
import { readdirSync } from "node:fs"
import { readApprovers } from "../../approvals/approvers.ts"
import { keyDirectory } from "../../approvals/keys.ts"
import type { Check, Tools } from "../types.ts"

const ENROL = "nanoguard approver add <your name>"

/** Whether anybody is enrolled, and whether those whom the policy names are. */
export const approversCheck: Check = {
  id: "approvers",
  title: "Approvers",
  run: async (tools) => {
    const reader = await tools.reader()
    const enrolled = reader ? [...(await readApprovers(reader.db)).keys()] : []
    const keys = countKeys(tools.ctx)
    const facts = { enrolled, keysHere: keys }
    if (enrolled.length === 0)
      return { state: "fail", facts, why: "nobody is enrolled, so that nobody can adopt a policy", fix: ENROL }
    const missing = (await namedByPolicy(tools)).filter((name) => !enrolled.includes(name))
    if (missing.length > 0)
      return {
        ...{ state: "warn", facts: { ...facts, missing } },
        why: `the policy names ${missing.slice(0, 3).join(", ")}, who ${missing.length === 1 ? "is" : "are"} not enrolled`,
        fix: `nanoguard approver add ${missing[0]}`,
      }
    const why = `${enrolled.slice(0, 5).join(", ")}${keys === 0 ? "; no key of theirs is on this machine" : ""}`
    return { state: "ok", facts, why }
  },
}

async function namedByPolicy(tools: Tools): Promise<string[]> {
  const adopted = await tools.law().then(
    (law) => law.adopted,
    () => undefined,
  )
  if (adopted === undefined || typeof adopted === "string") return []
  return [...new Set([...adopted.policy.approvers.values()].flatMap(({ people }) => people))]
}

/** Keys that nanoguard made and keeps here; those of OpenSSH are elsewhere. */
function countKeys(ctx: Tools["ctx"]): number {
  try {
    return readdirSync(keyDirectory(ctx)).filter((name) => name.endsWith(".json")).length
  } catch {
    return 0
  }
}
