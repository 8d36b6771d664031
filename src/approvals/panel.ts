// Who may decide what a policy's rules ask.
import type { Approvers, CompiledPolicy } from "../policy/compiled.ts"
import type { Binding, Panel } from "./types.ts"

const MINUTE = 60_000

/** The group whose people decide what names nobody, where a policy has several. */
const DEFAULT_GROUP = "default"

/**
 * The groups behind a rule's `approvers` ("" where it names none). A rule that names nobody asks the group `default`, else the only group there
 * is, else the people of all groups. Empty for a group that does not exist, and for a policy without groups.
 */
export function groupsOf({ approvers }: Pick<CompiledPolicy, "approvers">, group: string): readonly Approvers[] {
  const found = approvers.get(group === "" ? DEFAULT_GROUP : group)
  if (found) return [found]
  return group === "" ? [...approvers.values()] : []
}

/**
 * The people behind a rule's `approvers`, and how long they are waited for (ms). A policy without groups asks anyone who is enrolled; a group
 * that does not exist has nobody in it.
 */
export function panelOf(policy: Pick<CompiledPolicy, "approvers">, group: string): { panel: Panel; wait: number } {
  const groups = groupsOf(policy, group)
  const people = [...new Set(groups.flatMap((one) => one.people))].sort()
  const only = groups.length === 1 ? groups[0] : undefined
  const asked = group === "" && groups.length === 0 ? "anyone" : people
  const panel: Panel = { group, people: asked, quorum: only?.quorum ?? 1, ...withoutOperator(groups) }
  return { panel, wait: only?.expire ?? 15 * MINUTE }
}

/** What a panel says where one of its groups keeps the agent's operator out. */
function withoutOperator(groups: readonly Approvers[]): Pick<Panel, "operator"> {
  return groups.some(({ operator }) => operator === false) ? { operator: false } : {}
}

/**
 * Whether someone is among those who may decide about a request. Never who bears the name of the agent that asks; nor, where the policy says
 * so, who operates it.
 */
export function mayDecide(panel: Panel, name: string, asked: Pick<Binding, "agent" | "operator">): boolean {
  const person = personOf(name)
  if (person === personOf(asked.agent)) return false
  if (panel.operator === false && isOperator(name, asked)) return false
  return panel.people === "anyone" || panel.people.includes(name)
}

/** Whether an approver is who operates the agent that asks: by name. */
export function isOperator(name: string, { operator }: Pick<Binding, "operator">): boolean {
  return operator !== undefined && personOf(operator) === personOf(name)
}

/** Who a name stands for: `ana+laptop@acme.example` is another key of `ana@acme.example`, and capital letters make nobody else. */
export function personOf(name: string): string {
  return name.replace(/\+[^@]*/, "").toLowerCase()
}
