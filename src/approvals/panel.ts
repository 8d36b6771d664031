// Who may decide what a policy's rules ask.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Panel } from "./types.ts"

const MINUTE = 60_000

/** The group whose people decide what names nobody, where a policy has several. */
const DEFAULT_GROUP = "default"

/**
 * The people behind a rule's `approvers` ("" where it names none), and how long they are waited for (ms). A rule that names nobody
 * asks the group `default`, else the only group there is, else the people of all groups; a policy without groups, anyone who is
 * enrolled. A group that does not exist has nobody in it.
 */
export function panelOf(policy: Pick<CompiledPolicy, "approvers">, group: string): { panel: Panel; wait: number } {
  const { approvers } = policy
  const only = approvers.size === 1 ? [...approvers.values()][0] : undefined
  const found = group === "" ? (approvers.get(DEFAULT_GROUP) ?? only) : approvers.get(group)
  if (found) {
    const { people, quorum, expire } = found
    return { panel: { group, people: [...new Set(people)].sort(), quorum }, wait: expire }
  }
  const all = group === "" ? [...new Set([...approvers.values()].flatMap(({ people }) => people))].sort() : []
  const people = group === "" && approvers.size === 0 ? "anyone" : all
  return { panel: { group, people, quorum: 1 }, wait: 15 * MINUTE }
}

/** Whether someone is among those who may decide. */
export function mayDecide(panel: Panel, name: string): boolean {
  return panel.people === "anyone" || panel.people.includes(name)
}
