// Who may decide what a policy's rules ask.
import { type Consulted, consult } from "../policy/consult.ts"
import { personOf } from "../policy/person.ts"
import { DEFAULT_RISK, type Risk, riskOf } from "../policy/risk.ts"
import type { Binding, Panel } from "./types.ts"

/**
 * The people behind a rule's `approvers` at a level of risk, and how long they are waited for (ms). A policy without groups asks anyone who is
 * enrolled; a group that does not exist has nobody in it.
 */
export function panelOf(policy: Consulted, group: string, risk?: Risk): { panel: Panel; wait: number } {
  const { groups, people, quorum, expire, level } = consult(policy, group, risk)
  const isWithoutOperator = !level.operator || groups.some(({ operator }) => operator === false)
  const panel: Panel = {
    ...{ group, people, quorum },
    ...(isWithoutOperator && { operator: false }),
    ...(riskOf(risk) !== DEFAULT_RISK && { risk: riskOf(risk) }),
    ...(!level.alike && { alike: false }),
  }
  return { panel, wait: expire }
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
