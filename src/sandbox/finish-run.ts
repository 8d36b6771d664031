// The end of a run: its box removed, the gate told, the workspace compared with what it was; or why the box did not start at all.
import type { Context } from "../context.ts"
import { leftBehind } from "./left-behind.ts"
import type { PreparedRun } from "./prepare-run.ts"
import type { RunOutcome } from "./run-types.ts"
import type { StartedRun } from "./start-run.ts"
import type { Ended } from "./terminal/attach.ts"
import type { RunUndo } from "./undo-run.ts"

/** What is known of a box once what launched it is gone. */
export interface LastedRun {
  outcome: Pick<RunOutcome, "exit" | "ended" | "reason">
  /** Who ended it, where it did not end by itself. */
  by: Ended["by"]
  /** Whether the gate was gone for a while: another one knows nothing of what was before. */
  lost: () => boolean
  /** The first of what its launcher printed. */
  said: () => string
}

/**
 * Ends a run and says what it came to. Errors: environment (a box that cannot be removed, a launcher that failed, a workspace that cannot be
 * looked at), `NeighbourBusy` where another box keeps it from that. Whatever keeps the workspace from being finished, a full disk among it: what
 * the box left stays for the next sweep.
 */
export async function finishRun(
  ctx: Pick<Context, "env">,
  { engine, opened, look }: Pick<PreparedRun, "engine" | "opened" | "look">,
  { workspace, removeBox }: Pick<StartedRun, "workspace" | "removeBox">,
  { outcome, by, lost, said }: LastedRun,
  undo: RunUndo,
): Promise<Omit<RunOutcome, "interrupted">> {
  // What started the box may be gone before the box is, such as a client of Docker that nobody reads any more.
  await removeBox()
  const summing = undo.endBox(outcome.exit).catch(() => undefined)
  const report = await finishWork(workspace, look, undo).catch((error: unknown) => {
    throw leftBehind(ctx, opened.run, error)
  })
  const summary = await summing
  // The relay asks the gate first of all, so nothing of the command has run: what failed is what starts boxes.
  if (summary?.heard === false && outcome.exit > 0 && outcome.exit < 128 && by === undefined && !lost()) {
    const { explainLaunchFailure } = await import("./engines/launchFailure.ts")
    throw explainLaunchFailure(engine.name, outcome.exit, said())
  }
  return { run: opened.run, ...outcome, summary, report, workspace, close: undo.close }
}

/** What the box did is the agent's work and nowhere else: until it is known what becomes of it, no error removes it. */
async function finishWork(
  workspace: StartedRun["workspace"],
  look: PreparedRun["look"],
  undo: RunUndo,
): ReturnType<StartedRun["workspace"]["finish"]> {
  undo.isLeft = true
  const report = await workspace.finish()
  look?.close()
  undo.isLeft = false
  return report
}
