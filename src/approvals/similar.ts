// Requests that a person may decide together: what the same rule asks of the same agent for the same kind of operation.
import type { Approval, NetworkArguments, PackageArguments } from "./types.ts"

/** What similar requests have in common. */
export function similarityOf({ binding }: Pick<Approval, "binding">): string {
  const { kind, agent, operator = "", policyHash } = binding
  const common = [kind, agent, operator, policyHash, binding.approvers.group]
  if (kind === "network") {
    const { rule, operation, method, host } = binding.arguments as unknown as NetworkArguments
    // Without an operation only the method and the host say what it is.
    return JSON.stringify([...common, rule, operation ?? `${method} ${host}`])
  }
  if (kind === "package" || kind === "exception") {
    return JSON.stringify([...common, ...(binding.arguments as unknown as PackageArguments).codes])
  }
  return JSON.stringify([...common, binding.subject])
}

/** Those of a queue that are similar to one of them, in the queue's order; at least that one. */
export function similarTo<T extends Pick<Approval, "id" | "binding">>(queue: readonly T[], id: string): T[] {
  const one = queue.find((item) => item.id === id)
  if (one === undefined) return []
  const key = similarityOf(one)
  return queue.filter((item) => similarityOf(item) === key)
}
