// Whether an agent was let through to a host before, in any of its runs: from the index of the record.
import type { Kysely } from "kysely"
import { indexText } from "../audit/derive/index-rows.ts"
import { hostItem } from "../audit/host-item.ts"
import type { Tables } from "../store/schema.ts"
import type { NetworkArguments } from "./types.ts"

/**
 * One sentence for a card. The index follows the log within moments, and forgets what an archive took over: then it is the first time that is
 * known. Errors: environment (store).
 */
export async function hostHistory(
  db: Kysely<Tables>,
  agent: string,
  at: Pick<NetworkArguments, "host" | "port">,
): Promise<string> {
  const { first, count } = await db
    .selectFrom("items")
    .innerJoin("uses", "uses.item", "items.id")
    .select(({ fn }) => [
      fn.min<number | string | null>("uses.first").as("first"),
      fn.sum<number | string | null>("uses.count").as("count"),
    ])
    .where("items.name", "=", indexText(hostItem(at).name))
    .where("items.kind", "=", "host")
    .where("uses.agent", "=", indexText(agent))
    .where("uses.outcome", "=", "released")
    .executeTakeFirstOrThrow()
  const times = Number(count ?? 0)
  if (times === 0) return "this agent was never let through to this host before, in any run on record"
  const day = new Date(Number(first)).toISOString().slice(0, 10)
  return `this agent was let through to this host ${times === 1 ? "once" : `${times} times`} before, first on ${day}`
}
