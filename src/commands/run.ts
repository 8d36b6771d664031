// `nanoguard run -- <command>`: an agent in a box behind the gate, on this terminal.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError, OWN_FAILURE } from "../errors.ts"
import { type Begin, joinGate } from "../gateway/join.ts"
import { renderTrouble } from "../render/gateway.ts"
import { renderBoxEnd, renderBoxStart, renderHeld, renderPause } from "../render/run.ts"
import { loadStyle, type Style } from "../render/style.ts"
import { renderNotes } from "../render/workspace.ts"
import { type RunHooks, type RunRequest, runBox } from "../sandbox/run.ts"
import { Interrupted } from "../sandbox/terminal/interrupts.ts"
import type { EngineName } from "../sandbox/types.ts"
import type { WorkspaceMode } from "../sandbox/workspace/types.ts"
import type { GatewayStartOptions } from "./gateway-options.ts"
import { lawNotes } from "./run-law.ts"
import { checkOptions } from "./run-options.ts"
import { agentOf, checkArguments, readRequest } from "./run-request.ts"
import { writeSummary } from "./run-summary.ts"

export interface RunOptions extends GatewayStartOptions {
  agent?: string
  operator?: string
  engine?: "auto" | EngineName
  runtime?: string
  image?: string
  workspace?: WorkspaceMode
  publish?: string[]
  forward?: string[]
  timeout?: string
  /** What becomes of a copy's changes, without asking. */
  apply?: boolean
  discard?: boolean
  quiet?: boolean
  /** A file for what the run came to, as JSON. */
  summary?: string
  swarm?: string
  /** A run whose changes were kept; `true` or `list`: which there are. */
  review?: string | true
  /** Of that list. */
  format?: "text" | "json"
}

/**
 * Runs a command in a box. Resolves with the command's own exit code, 128 and the signal's number where one ended it; 124 where its time was
 * over, 137 where it was killed or may not start, 125 for a failure of nanoguard itself.
 */
export async function run(ctx: Context, command: readonly string[], options: RunOptions): Promise<{ exit: number }> {
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const say = (text: string) => void (text !== "" && ctx.stderr.write(text))
  const named = agentOf(ctx, command, options)
  let close = async () => {}
  try {
    checkOptions(command, options)
    if (options.review !== undefined) {
      const { reviewKept } = await import("./run-review.ts")
      return await reviewKept(ctx, options.review, options)
    }
    checkArguments(command, options)
    const request = readRequest(ctx, { named, command, options })
    const { port, project, offline, stale, wait } = options
    const start = async () => {
      const { readStart } = await import("./gateway-options.ts")
      // Boxes come to it by sockets of their own: its port matters to nobody, and must not be in the way of another's.
      return {
        ...readStart(ctx, { ...options, port: "0" }),
        onTrouble: (error: unknown) => say(renderTrouble(error, style)),
      }
    }
    const gate = await joinGate(ctx, { port, project, offline, stale, wait }, start, () => {})
    close = gate.close
    if (options.swarm !== undefined) {
      const { runSwarmFile } = await import("./run-swarm.ts")
      const { root, operator, engine, runtime, image, timeout } = request
      const base = { root, operator, engine, runtime, image, timeout }
      return await runSwarmFile(ctx, options.swarm, base, { ...options, style, begin: gate.begin })
    }
    return await runOne(ctx, request, { options, style, say }, gate.begin)
  } catch (error) {
    if (error instanceof Interrupted) {
      say(`nanoguard: ${error.message} before the box began\n`)
      return { exit: error.exit }
    }
    if (!(error instanceof NanoguardError)) throw error
    const { exit, explained } = await explainFailure(ctx, error, named)
    say(renderTrouble(explained, style))
    return { exit }
  } finally {
    await close()
  }
}

interface Telling {
  options: RunOptions
  style: Style
  say: (text: string) => void
}

/** One box, from its start to what becomes of its changes. */
async function runOne(
  ctx: Context,
  request: RunRequest,
  { options, style, say }: Telling,
  begin: Begin,
): Promise<{ exit: number }> {
  const hooks = hooksOf(request, { options, style, say })
  let settling: Promise<typeof import("./run-review.ts")> | undefined
  let outcome = await begin((begun) => {
    const onStart: RunHooks["onStart"] = (started) => {
      begun()
      hooks.onStart(started)
      // While the box is there and not at its end: hours later the files of this nanoguard may be those of another one.
      settling = import("./run-review.ts")
      settling.catch(() => {})
    }
    return runBox(ctx, request, { ...hooks, onStart })
  })
  try {
    const columns = ctx.stderr.columns ?? 80
    if (outcome.exit === 137) {
      const { explainEnd } = await import("./run-killed.ts")
      outcome = await explainEnd(ctx, outcome, request.agent)
    }
    if (options.quiet !== true) say(renderBoxEnd(outcome, { style, columns }))
    const { settleRun } = await (settling ?? import("./run-review.ts"))
    await settleRun(ctx, outcome, { ...options, style })
    if (options.summary !== undefined) writeSummary(ctx, request.root, options.summary, outcome)
  } finally {
    await outcome.close(true)
  }
  return { exit: outcome.interrupted()?.exit ?? outcome.exit }
}

/** What is said of a run while it lasts. */
const hooksOf = ({ root, tty }: RunRequest, { options, style, say }: Telling): RunHooks => ({
  onStart: (started) => {
    if (options.quiet === true) return
    say(renderBoxStart(started, style))
    say(renderNotes([...lawNotes(started.law, root), ...started.workspace.notes], style))
  },
  // On a terminal the screen is the agent's.
  onEvent: (event) => {
    if (event.event === "held" && !tty) say(renderHeld(event, style))
  },
  onPause: (why, paused) => say(renderPause(why, paused, style)),
  onNote: (note) => say(`nanoguard: ${note}\n`),
})

/** The exit code of a failure of nanoguard's own, and what is said of it; who stopped the agent is looked up where the gate did not let it start. */
async function explainFailure(ctx: Context, error: NanoguardError, agent: string) {
  // Exit 1 of its own is what the gate does not let start, and no failure of a run otherwise.
  if (error.exit !== EXIT.findings) return { exit: OWN_FAILURE, explained: error }
  const { explainRefusal } = await import("./run-killed.ts")
  return { exit: 137, explained: await explainRefusal(ctx, error, agent).catch(() => error) }
}
