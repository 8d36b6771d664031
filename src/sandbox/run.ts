// One run from beginning to end: prepared, started, followed while it lasts, finished; whatever becomes of it, everything is undone.
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { attend } from "./attend.ts"
import { finishRun, type LastedRun } from "./finish-run.ts"
import { leftBehind } from "./left-behind.ts"
import { type PreparedRun, prepareRun } from "./prepare-run.ts"
import type { RunHooks, RunOutcome, RunRequest } from "./run-types.ts"
import { readTimeout } from "./spec.ts"
import { type StartedRun, startRun } from "./start-run.ts"
import { attachLaunch, type Ended } from "./terminal/attach.ts"
import { type Interrupted, type Interrupts, watchInterrupts } from "./terminal/interrupts.ts"
import { createRunUndo, type RunUndo } from "./undo-run.ts"

export type { RunHooks, RunOutcome, RunRequest, Started } from "./run-types.ts"

/**
 * Runs a command in a box behind the gate that runs here. Errors: environment (no engine, no image, no gate), configuration (mounts),
 * what the gate refuses, and `Interrupted` where a signal asked it to end before the box began; nothing is left behind then.
 */
export async function runBox(ctx: Context, request: RunRequest, hooks: RunHooks): Promise<RunOutcome> {
  const interrupts = watchInterrupts()
  let undo: RunUndo | undefined
  try {
    const prepared = await prepareRun(ctx, request, interrupts.signal)
    undo = createRunUndo(ctx, prepared.opened.run, prepared.look)
    const started = await startRun(ctx, { request, hooks, interrupted: interrupts.signal }, prepared, undo)
    const lasted = await followRun(ctx, { request, hooks, interrupts }, prepared, started).catch((error: unknown) => {
      // What nanoguard says itself there comes before the box begins; whatever else it is, the box may have worked.
      if (error instanceof NanoguardError) throw error
      undo!.isLeft = true
      throw leftBehind(ctx, prepared.opened.run, error)
    })
    const outcome = await finishRun(ctx, prepared, started, lasted, undo)
    return {
      ...outcome,
      interrupted: () => (interrupts.signal.aborted ? (interrupts.signal.reason as Interrupted) : undefined),
      close: (keep) => outcome.close(keep).finally(interrupts.close),
    }
  } catch (error) {
    await undo?.close().catch(() => {})
    interrupts.close()
    throw error
  }
}

/** Characters of what a launcher says that are looked at where its box does not start. */
const SAID = 16_384

/** Launches the box on the person's streams, and resolves once what launched it is gone. */
async function followRun(
  ctx: Context,
  { request, hooks, interrupts }: { request: RunRequest; hooks: RunHooks; interrupts: Interrupts },
  { law, engine, asked, opened, look }: PreparedRun,
  { workspace, spec, launch, hand }: StartedRun,
): Promise<LastedRun> {
  // Once it is heard of, its mounts are made, and it stands still for others from then on; its command is next.
  let isHeard = false
  const onHeard = () => {
    isHeard = true
    look?.close()
  }
  const told: RunHooks = { ...hooks, onEvent: (event) => (event.event === "heard" ? onHeard() : hooks.onEvent(event)) }
  hooks.onStart({ run: opened.run, law, spec, engine: engine.name, workspace, notes: opened.notes })
  const attended = attend(ctx, { asked, opened, law, hand, hooks: told })
  const timeout = readTimeout(request.timeout, law.sandbox.timeout)
  let said = ""
  const onOutput = (chunk: Uint8Array) => {
    if (said.length < SAID) said += Buffer.from(chunk).toString("latin1")
  }
  const ended = await attachLaunch(ctx, launch, {
    ...{ tty: request.tty, signal: attended.signal, onNote: hooks.onNote, onOutput, stop: hand.stop },
    ...{ interrupts, isBegun: () => isHeard },
    onPause: async () => void (await hand.freeze("suspended")),
    onResume: async () => void (await hand.thaw("suspended")),
    ...(timeout !== undefined && { timeout }),
    ...(request.input && { input: request.input }),
    ...(request.keepOutput && { transcript: opened.run }),
  }).finally(attended.end)
  return { outcome: outcomeOf(ended, attended.killed()), by: ended.by, lost: attended.lost, said: () => said }
}

function outcomeOf({ code, by }: Ended, killed?: { reason?: string }): LastedRun["outcome"] {
  if (killed) return { exit: 137, ended: "killed", ...killed }
  return { exit: code, ended: by === "timeout" ? "timeout" : "itself" }
}
