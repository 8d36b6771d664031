// What a workspace leaves when nanoguard itself was killed.
import type { Context } from "../../context.ts"
import type { BoxFile } from "../types.ts"
import { finishWorkspace } from "./finish.ts"
import { loadState } from "./state.ts"
import { isStuck } from "./stuck.ts"
import type { WorkspaceReport } from "./types.ts"

/**
 * Undoes what a box of a process that is gone left behind, of one entry of its box.json; only once nothing of it runs. Commits come over as they would
 * have (`ended`: what was ended together with it); a copy that was not reviewed stays, and the report says so. With `keep` all that lies in the
 * directory of the box stays for another time. Undefined where there was nothing to do.
 */
export async function sweepWorkspace(
  ctx: Context,
  leftover: BoxFile["leftovers"][number],
  { ended = new Set(), keep = false }: { ended?: ReadonlySet<string>; keep?: boolean } = {},
): Promise<WorkspaceReport | undefined> {
  if (leftover.kind !== "workspace" || loadState(leftover.path) === undefined) return undefined
  const { finish, discard } = finishWorkspace(ctx, leftover.path, { ended })
  const report = await finish()
  if (!keep && !report.review && !isStuck(report)) await discard()
  return report
}
