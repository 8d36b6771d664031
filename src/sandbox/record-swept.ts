// The end of a box whose nanoguard was killed, in the record: once, by whoever cleans up.
import type { Context } from "../context.ts"
import { hasMounted, removeMounted } from "../gateway/boxes/directory.ts"
import { askGate } from "../gateway/control-client.ts"
import { openStore } from "../store/open.ts"
import { boxDirectory } from "./box-directory.ts"
import { readBoxFile } from "./boxes.ts"
import { claimPlaces } from "./neighbours/claims.ts"
import type { BoxFile } from "./types.ts"

/** Milliseconds that another process may take to record the same. */
const PATIENCE = 10_000

/**
 * Records `sandbox.ended` of a box that nothing runs of any more: by its gate where that still lives, else here, with `swept` in its detail.
 * What a gate has ended it has no directory of any more. Errors: environment (the record).
 */
export async function recordSwept(ctx: Context, box: BoxFile): Promise<void> {
  const { run, agent, operator, engine, started, parent } = box
  if (!hasMounted(ctx, run)) return
  const { release } = await claimPlaces(ctx, { places: [boxDirectory(ctx, run)], alone: true }, PATIENCE)
  try {
    if (!hasMounted(ctx, run) || readBoxFile(ctx, run) === undefined) return
    const known = await askGate(ctx, "DELETE", `/v1/boxes/${run}`, {}).catch(() => undefined)
    if (known === undefined && hasMounted(ctx, run)) {
      const store = await openStore(ctx, { gateway: "sweep" })
      try {
        await store.append({
          ...{ type: "sandbox.ended", outcome: "unknown", subject: agent, gateway: "sweep" },
          ...{ agent, run, operator, boxed: true },
          detail: {
            ...{ engine, swept: true, seconds: Math.max(0, Math.round((ctx.now() - started) / 1000)) },
            ...(parent !== undefined && { parent }),
          },
        })
      } finally {
        await store.close()
      }
    }
    removeMounted(ctx, run)
  } finally {
    release()
  }
}
