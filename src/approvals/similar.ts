// Requests that a person may decide together: what the same rule asks of the same agent for the same kind of operation.
import { readNetwork, readPackage } from "./read-arguments.ts"
import type { Approval } from "./types.ts"

/** What similar requests have in common. */
export function similarityOf({ binding }: Pick<Approval, "binding">): string {
  const { kind, agent, operator = "", policyHash, ruleHash = policyHash } = binding
  const common = [kind, agent, operator, binding.approvers.group]
  const request = readNetwork(binding)
  if (request !== undefined) {
    const { rule, operation, method, host } = request
    // Without an operation only the method and the host say what it is.
    return JSON.stringify([...common, ruleHash, rule, operation ?? `${method} ${host}`])
  }
  return JSON.stringify([...common, policyHash, ...(readPackage(binding)?.codes ?? [binding.subject])])
}

/** Those of a queue that are similar to one of them, in the queue's order; at least that one. */
export function similarTo<T extends Pick<Approval, "id" | "binding">>(queue: readonly T[], id: string): T[] {
  const one = queue.find((item) => item.id === id)
  if (one === undefined) return []
  const key = similarityOf(one)
  return queue.filter((item) => similarityOf(item) === key)
}
