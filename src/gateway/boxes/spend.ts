// What runs have spent, as far as budgets of the policy count money.
import type { Store } from "../../store/types.ts"

/** US dollars by run, of budgets per run; where several rules count the same requests, the highest. Runs without one are left out. */
export async function spentBy(db: Store["db"], runs: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  if (runs.length === 0) return found
  const rows = await db
    .selectFrom("usage")
    .select(["counter", "used"])
    .where("window", "=", 0)
    .where("counter", "like", "%/usd@%")
    .execute()
  const wanted = new Set(runs)
  for (const { counter, used } of rows) {
    const run = counter.slice(counter.lastIndexOf("@") + 1)
    if (wanted.has(run)) found.set(run, Math.max(found.get(run) ?? 0, Number(used)))
  }
  return found
}
