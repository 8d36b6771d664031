// Boxes whose files cannot be read: nobody knows where they write, nor can ask them to stand still.
import type { Context } from "../../context.ts"
import { boxDirectory } from "../box-directory.ts"
import { findBoxes } from "../end.ts"
import { openEngines } from "../engines/index.ts"
import { NeighbourBusy } from "./busy.ts"

/** Throws `NeighbourBusy` where one of `runs` is in a box that goes on, or an engine does not say whether it is. */
export async function requireOver(ctx: Context, runs: readonly string[]): Promise<void> {
  if (runs.length === 0) return
  const { boxes, engines } = await findBoxes(openEngines(ctx))
  const running = boxes.find(({ found }) => runs.includes(found.run) && found.state !== "stopped")?.found.run
  if (running === undefined && engines.every(({ problem }) => problem === undefined)) return
  const run = running ?? runs[0]!
  throw new NeighbourBusy(
    `the file of a box (${run}) cannot be read, and the box ${running === undefined ? "may run" : "runs"}: nobody can tell where it writes`,
    `end it (nanoguard kill ${run}), then remove ${boxDirectory(ctx, run)}`,
  )
}
