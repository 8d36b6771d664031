// A run's box, made ready: its workspace, what it is made of, its file on the host, and how it is launched.
import { setImmediate as turn } from "node:timers/promises"
import type { Context } from "../context.ts"
import { boxDirectory } from "./box-directory.ts"
import { writeBoxFile } from "./boxes.ts"
import { beginningOf } from "./command.ts"
import { createHand, type Hand } from "./hand.ts"
import type { Look } from "./neighbours/look.ts"
import { writtenBy } from "./neighbours/places.ts"
import { answerNeighbours } from "./neighbours/still.ts"
import { ownIdentity } from "./owner.ts"
import { type PreparedRun, takeSurvey } from "./prepare-run.ts"
import type { RunHooks, RunRequest } from "./run-types.ts"
import { buildSpec } from "./spec.ts"
import type { BoxFile, BoxSpec, Launch } from "./types.ts"
import type { RunUndo } from "./undo-run.ts"
import { finishWorkspace } from "./workspace/finish.ts"
import { openWorkspace } from "./workspace/open.ts"
import type { Workspace } from "./workspace/types.ts"

export interface StartedRun {
  workspace: Workspace
  spec: BoxSpec
  /** Not begun yet. */
  launch: Launch
  hand: Hand
  /** Removes the box, once, whoever asks: nothing of it runs afterwards. */
  removeBox: () => Promise<void>
}

/**
 * Makes everything that a box is launched with; what was made is undone by `undo`. Errors: environment, configuration (mounts), what went
 * wrong with the workspace, and the reason of `interrupted`.
 */
export async function startRun(
  ctx: Context,
  { request, hooks, interrupted }: { request: RunRequest; hooks: Pick<RunHooks, "onNote">; interrupted: AbortSignal },
  prepared: PreparedRun,
  undo: RunUndo,
): Promise<StartedRun> {
  const { engine, place, opened, look } = prepared
  interrupted.throwIfAborted()
  const survey = takeSurvey(prepared)
  for (const note of look?.notes ?? []) hooks.onNote(note)
  engine.expect?.()
  const directory = boxDirectory(ctx, opened.run)
  // Before anything is made: what is left of a run that is killed meanwhile is found by this.
  const leftovers: BoxFile["leftovers"] = [{ kind: "workspace", path: directory }]
  writeBox(ctx, request, prepared, { writes: [], leftovers })
  undo.push((keep) => keep || undo.isLeft || finishWorkspace(ctx, directory, { look }).discard())
  const workspace = await openWorkspace(ctx, { ...place, cwd: ctx.cwd, run: opened.run, directory, survey, look })
  // A copy is made in one go: a signal that came meanwhile is heard in the next whole turn, and this one may be past the place for that.
  await turn().then(() => turn())
  interrupted.throwIfAborted()
  engine.expect?.()
  const spec = specOf(ctx, request, prepared, workspace)
  writeBox(ctx, request, prepared, { writes: writtenBy(spec), leftovers })
  if (workspace.decisions.length > 0) {
    const { recordMounts } = await import("./record-mounts.ts")
    await recordMounts(ctx, request, { run: opened.run, decisions: workspace.decisions })
  }
  const launch = await engine.launch(spec)
  const hand = createHand(ctx, engine, spec)
  const removeBox = createRemoval(hand, undo)
  undo.push(removeBox)
  for (const warning of launch.warnings ?? []) hooks.onNote(warning)
  interrupted.throwIfAborted()
  undo.answering = answerNeighbours(ctx, opened.run, hand)
  const late = endLate(look, hand, hooks)
  undo.push(() => clearTimeout(late))
  return { workspace, spec, launch, hand, removeBox }
}

function specOf(
  ctx: Context,
  request: RunRequest,
  { law: { sandbox }, runtime, image, opened }: PreparedRun,
  workspace: Workspace,
): BoxSpec {
  return buildSpec({
    ...{ opened, agent: request.agent, command: request.command, workspace, env: ctx.env },
    sandbox: { ...sandbox, ...request.limits },
    ...{ tty: request.tty, image, runtime, relay: relayOptions(request) },
    mounts: request.mounts?.(workspace.user) ?? [],
  })
}

function relayOptions({ publish = [], forward = [] }: RunRequest): string[] {
  return [...publish.flatMap(({ box }) => ["--publish", String(box)]), ...forward.flatMap((one) => ["--forward", one])]
}

function writeBox(
  ctx: Context,
  request: RunRequest,
  { law, engine, opened }: PreparedRun,
  { writes, leftovers }: Pick<BoxFile, "writes" | "leftovers">,
): void {
  writeBoxFile(ctx, {
    ...{ schema: "nanoguard.box/1", run: opened.run, agent: request.agent, operator: request.operator },
    ...{ project: law.project, engine: engine.name, owner: ownIdentity(), started: ctx.now() },
    ...{ command: beginningOf(request.command), writes, leftovers },
    ...(request.parent !== undefined && { parent: request.parent }),
  })
}

function createRemoval(hand: Pick<Hand, "remove">, undo: RunUndo): () => Promise<void> {
  let removed: Promise<void> | undefined
  return () => {
    removed ??= hand.remove().then(
      () => undo.answering?.over(),
      (error: unknown) => {
        // What may still run may still write: others have to see it.
        undo.isLeft = true
        throw error
      },
    )
    return removed
  }
}

/** Milliseconds that others stand still for one that starts, at most. */
const STARTS_MS = 60_000

/** Has others go on where the box is not heard of in time: its look is closed then, or it is ended where they stand still for it. */
function endLate(look: Look | undefined, hand: Pick<Hand, "kill">, hooks: Pick<RunHooks, "onNote">): NodeJS.Timeout {
  return setTimeout(() => {
    if (look?.isOpen !== true) return
    // Nobody stands still for it, and nobody else need wait: what asks it from now on is told whether it does.
    if (!look.holdsOthers) return look.close()
    hooks.onNote("the box did not start in time, while others stand still for it: it is ended")
    void hand.kill()
  }, STARTS_MS).unref()
}
