// `nanoguard run -- <command>`: an agent in a box behind the gate, on this terminal.
import { accessSync, constants, existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { PublishedPort } from "../gateway/boxes/types.ts"
import { joinGate } from "../gateway/join.ts"
import { operatorOf } from "../gateway/operator.ts"
import { renderTrouble } from "../render/gateway.ts"
import { renderBoxEnd, renderBoxStart, renderHeld, renderPause } from "../render/run.ts"
import { loadStyle } from "../render/style.ts"
import { renderNotes } from "../render/workspace.ts"
import { type RunHooks, type RunOutcome, type RunRequest, runBox } from "../sandbox/run.ts"
import type { EngineName } from "../sandbox/types.ts"
import type { WorkspaceMode } from "../sandbox/workspace/types.ts"
import { readAgent } from "./agent-name.ts"
import type { GatewayStartOptions } from "./gateway-options.ts"
import { writeOutput } from "./output.ts"
import { lawNotes } from "./run-law.ts"

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
  /** A run whose changes were kept. */
  review?: string
}

/** Its own failures; a command's own codes are below it. */
const OWN_FAILURE = 125

/**
 * Runs a command in a box. Resolves with the command's own exit code, 128 and the signal's number where one ended it; 124 where its time was
 * over, 137 where it was killed or may not start, 125 for a failure of nanoguard itself.
 */
export async function run(ctx: Context, command: readonly string[], options: RunOptions): Promise<{ exit: number }> {
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const say = (text: string) => void (text !== "" && ctx.stderr.write(text))
  let close = async () => {}
  try {
    if (options.review !== undefined) {
      const { reviewKept } = await import("./run-review.ts")
      return await reviewKept(ctx, options.review, options)
    }
    if ((command.length === 0) === (options.swarm === undefined))
      throw new NanoguardError(
        options.swarm === undefined
          ? "run wants a command, or --swarm with a file"
          : "a swarm's file names its commands",
        {
          exit: EXIT.usage,
          hint:
            options.swarm === undefined
              ? "give the command after two dashes: nanoguard run -- claude"
              : "leave out the one after the two dashes",
        },
      )
    const request = readRequest(ctx, command, options)
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
      return await runSwarmFile(ctx, options.swarm, request, { ...options, style })
    }
    const hooks: RunHooks = {
      onStart: (started) => {
        if (options.quiet === true) return
        say(renderBoxStart(started, style))
        say(renderNotes([...lawNotes(started.law, request.root), ...started.workspace.notes], style))
      },
      // On a terminal the screen is the agent's.
      onEvent: (event) => {
        if (event.event === "held" && !request.tty) say(renderHeld(event, style))
      },
      onPause: (why, paused) => say(renderPause(why, paused, style)),
      onNote: (note) => say(`nanoguard: ${note}\n`),
    }
    let outcome = await runBox(ctx, request, hooks)
    let keep = true
    try {
      const columns = ctx.stderr.columns ?? 80
      if (outcome.exit === 137) {
        const { explainEnd } = await import("./run-killed.ts")
        outcome = await explainEnd(ctx, outcome, request.agent)
      }
      if (options.quiet !== true) say(renderBoxEnd(outcome, { style, columns }))
      const { reviewWorkspace } = await import("./run-review.ts")
      keep = await reviewWorkspace(ctx, outcome.run, outcome, { ...options, style })
      if (options.summary !== undefined) writeSummary(ctx, request.root, options.summary, outcome)
    } finally {
      await outcome.close(keep)
    }
    return { exit: outcome.exit }
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    if (error.exit !== EXIT.findings) {
      say(renderTrouble(error, style))
      return { exit: OWN_FAILURE }
    }
    const agent = readAgent(options.agent ?? ctx.env["NANOGUARD_AGENT"] ?? nameOf(command[0] ?? ""))
    // Exit 1 of its own is what the gate does not let start, and no failure of a run otherwise.
    const { explainRefusal } = await import("./run-killed.ts")
    say(renderTrouble(await explainRefusal(ctx, error, agent).catch(() => error), style))
    return { exit: 137 }
  } finally {
    await close()
  }
}

function readRequest(ctx: Context, command: readonly string[], options: RunOptions): RunRequest {
  const [program = ""] = command
  const { engine, runtime, image, workspace, timeout } = options
  if (options.summary !== undefined) checkSummary(ctx, options.summary)
  if (timeout !== undefined && !/^[1-9]\d{0,5}[smhd]$/.test(timeout))
    throw new NanoguardError("--timeout is no duration", { exit: EXIT.usage, hint: "write it as 90s, 30m or 2h" })
  return {
    agent: readAgent(options.agent ?? ctx.env["NANOGUARD_AGENT"] ?? nameOf(program)),
    operator: options.operator ?? operatorOf(ctx),
    ...{ command, root: rootOf(ctx.cwd), engine, runtime, image, workspace, timeout },
    publish: (options.publish ?? []).map(readPublish),
    forward: (options.forward ?? []).map(readForward),
    tty: ctx.stdin.isTTY === true && ctx.stdout.isTTY === true,
    keepOutput: true,
  }
}

/** An agent goes by its program where nobody named it. */
const nameOf = (program: string) =>
  program
    .split("/")
    .at(-1)!
    .replace(/[^A-Za-z0-9._@-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 64) || "agent"

/** What becomes the workspace: where the policy lies, else the repository, else the directory itself. */
function rootOf(cwd: string): string {
  for (const mark of ["nanoguard.yaml", ".git"]) {
    for (let at = cwd; ; at = dirname(at)) {
      if (existsSync(join(at, mark))) return at
      if (dirname(at) === at) break
    }
  }
  return cwd
}

const isPort = (text: string | undefined) => /^[1-9]\d{0,4}$/.test(text ?? "") && Number(text) < 65_536

function readPublish(text: string): PublishedPort {
  const parts = text.split(":")
  if (parts.length <= 2 && parts.every(isPort)) return { host: Number(parts[0]), box: Number(parts.at(-1)) }
  throw new NanoguardError("--publish wants a port, or two: 3000, or 8080:3000", { exit: EXIT.usage })
}

function readForward(text: string): string {
  const [, local, host, port] = /^(\d+):([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):(\d+)$/.exec(text) ?? []
  if (isPort(local) && isPort(port) && host !== undefined) return text
  throw new NanoguardError("--forward wants a port of the box, a host and its port: 5432:db.example:5432", {
    exit: EXIT.usage,
  })
}

/** Said before the run and not after hours of it. */
function checkSummary({ cwd }: Context, file: string): void {
  try {
    accessSync(dirname(resolve(cwd, file)), constants.W_OK)
  } catch (cause) {
    throw noSummary(file, cause)
  }
}

const noSummary = (file: string, cause: unknown) =>
  new NanoguardError("the summary cannot be written", {
    exit: EXIT.usage,
    where: { file },
    hint: "name another file",
    cause,
  })

function writeSummary(
  { cwd }: Context,
  root: string,
  file: string,
  { run: id, exit, ended, summary, report }: RunOutcome,
): void {
  const document = {
    schema: "nanoguard.run/1",
    run: id,
    exit,
    ended,
    ...(summary && { gate: summary }),
    workspace: report,
  }
  try {
    // The agent knows the workspace, and may have put a link where the file is to be.
    writeOutput(root, resolve(cwd, file), `${JSON.stringify(document, undefined, 2)}\n`)
  } catch (cause) {
    throw noSummary(file, cause)
  }
}
