// Kills that stand: whom they name does not start.
import { readKills } from "../../sandbox/kills/chain.ts"
import { readWaiting } from "../../sandbox/kills/sticky.ts"
import { stateHome } from "../../store/location.ts"
import type { Check } from "../types.ts"

/** Who is stopped now, in the store or waiting in the state directory. */
export const killsCheck: Check = {
  id: "kills",
  title: "Kills",
  run: async ({ ctx, reader }) => {
    const opened = await reader()
    const chain = opened && (await readKills(opened.db, stateHome(ctx)))
    const waiting = readWaiting(stateHome(ctx))
    const targets = [...new Set([...(chain?.standing.keys() ?? []), ...waiting.keys()])]
    const facts = { targets, waiting: waiting.size, refusedResumes: chain?.refused.length ?? 0 }
    const [first] = targets
    if (first !== undefined)
      return {
        ...{ state: "warn", facts, fix: `nanoguard resume ${first === "all" ? "--all" : first}` },
        why: chain?.cut ?? `stopped until an approver resumes: ${targets.slice(0, 5).join(", ")}`,
      }
    return { state: "ok", facts, why: "nobody is stopped" }
  },
}
