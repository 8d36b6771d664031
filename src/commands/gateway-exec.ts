// `nanoguard gateway exec -- <command>`: one command behind the gate, without a box, and what the gate said to it.
import { spawn } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError, OWN_FAILURE } from "../errors.ts"
import { findWayRound } from "../gateway/around.ts"
import type { GateStatus, OpenedRun } from "../gateway/control.ts"
import { askGate } from "../gateway/control-client.ts"
import { withEgress } from "../gateway/egress-settings.ts"
import { joinGate } from "../gateway/join.ts"
import { operatorOf } from "../gateway/operator.ts"
import { readProject } from "../gateway/project.ts"
import type { RunSummary } from "../gateway/runs.ts"
import { clientSettings, likelyYarn } from "../gateway/settings.ts"
import { settingsDirectory, writeSettings } from "../gateway/write-settings.ts"
import { homeDirectory } from "../home.ts"
import { renderTrouble } from "../render/gateway.ts"
import { renderExecStart, renderRunSummary, renderWaiting, renderWayRound } from "../render/gateway-exec.ts"
import { loadStyle } from "../render/style.ts"
import { readAgent } from "./agent-name.ts"
import { type GatewayStartOptions, readStart } from "./gateway-options.ts"

export interface GatewayExecOptions extends GatewayStartOptions {
  agent?: string
  run?: string
  operator?: string
  quiet?: boolean
  /** Whether all requests go through the gate; as the policy has rules for them where absent. */
  network?: boolean
}

/** Milliseconds for which a token of a command is good at most. */
const LONGEST = 24 * 60 * 60_000

/**
 * Runs a command with every package manager in it pointed at the gate: the one that runs here, else one of its own for as long as
 * the command takes. Resolves with the command's own exit code, 128 and the signal's number where one ended it, 125 for a failure
 * of this wrapper.
 */
export async function gatewayExec(
  ctx: Context,
  command: readonly string[],
  options: GatewayExecOptions,
): Promise<{ exit: number }> {
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const say = (text: string) => void (text !== "" && ctx.stderr.write(text))
  const around = findWayRound(command)
  if (around !== undefined) {
    say(renderWayRound(around, style))
    return { exit: OWN_FAILURE }
  }
  let close = async () => {}
  try {
    const { port, project, offline, stale, wait } = options
    const start = async () => ({
      ...readStart(ctx, options),
      onTrouble: (error: unknown) => say(renderTrouble(error, style)),
    })
    const gate = await joinGate(ctx, { port, project, offline, stale, wait }, start, () => say(renderWaiting(style)))
    close = gate.close
    const visit = await gate.begin(() => openVisit(ctx, options))
    const directory = settingsDirectory(ctx, visit.origin)
    const packages = clientSettings({
      ...{ base: visit.origin, token: visit.token, directory, env: ctx.env },
      yarnClassic: likelyYarn(command, readText(join(ctx.cwd, "yarn.lock"))),
      npmrc: readText(join(homeDirectory(ctx.env), ".npmrc")),
    })
    const settings = withEgress(packages, visit, directory, options.network)
    writeSettings(directory, settings.files)
    if (options.quiet !== true)
      say(
        renderExecStart({ origin: visit.origin, project: await projectOfGate(ctx), all: settings !== packages }, style),
      )
    // Whatever becomes of the gate meanwhile, what the command came to is passed on.
    const endVisit = () =>
      askGate<RunSummary>(ctx, "DELETE", `/v1/runs/${visit.visit}`).catch((error: unknown) => {
        say(renderTrouble(error, style))
      })
    const childEnv = { ...ctx.env, ...settings.env, NANOGUARD_RUN: visit.run }
    const exit = await runChild(ctx, command, childEnv).catch(async (error: unknown) => {
      await endVisit()
      throw error
    })
    const summary = await endVisit()
    if (summary) say(renderRunSummary(summary, { failed: exit !== 0, style, columns: ctx.stderr.columns ?? 80 }))
    return { exit }
  } catch (error) {
    if (error instanceof NanoguardError) {
      say(renderTrouble(error, style))
      return { exit: OWN_FAILURE }
    }
    throw error
  } finally {
    await close()
  }
}

/** Characters of JSON that a gate is told of a project. Without it corrections are less exact, and nothing else. */
const MAX_PROJECT = 16 * 1024 * 1024

async function projectOfGate(ctx: Context): Promise<string> {
  return (await askGate<GateStatus>(ctx, "GET", "/v1/status"))!.policy.project
}

async function openVisit(ctx: Context, options: GatewayExecOptions): Promise<OpenedRun> {
  const project = await readProject(ctx.cwd)
  const agent = readAgent(options.agent ?? ctx.env["NANOGUARD_AGENT"] ?? "local")
  return (await askGate<OpenedRun>(ctx, "POST", "/v1/runs", {
    agent,
    // Without a box nothing tells one session of an agent from the next: what a person agrees to is good for all of them.
    run: readAgent(options.run ?? ctx.env["NANOGUARD_RUN"] ?? `exec-${agent}`),
    operator: options.operator ?? operatorOf(ctx),
    boxed: false,
    lasts: LONGEST,
    ...(JSON.stringify(project).length <= MAX_PROJECT && { project }),
  }))!
}

/** Runs the command on this terminal; signals go on to it. */
function runChild(ctx: Context, [file, ...args]: readonly string[], env: Context["env"]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { cwd: ctx.cwd, env: env as NodeJS.ProcessEnv, stdio: "inherit" })
    const forward = (signal: NodeJS.Signals) => void child.kill(signal)
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const
    // A terminal sends an interrupt to the child itself; it only must not end this process first.
    for (const signal of signals) process.on(signal, signal === "SIGINT" ? ignore : forward)
    const done = () => {
      for (const signal of signals) process.off(signal, signal === "SIGINT" ? ignore : forward)
    }
    child.once("error", (cause: NodeJS.ErrnoException) => {
      done()
      reject(
        new NanoguardError(cause.code === "ENOENT" ? "there is no such command" : "the command cannot be started", {
          exit: EXIT.environment,
          hint: "give it after the two dashes: nanoguard gateway exec -- npm ci",
          cause,
        }),
      )
    })
    child.once("close", (code, signal) => {
      done()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/** A small file's text; "" where there is none. */
function readText(path: string): string {
  try {
    return statSync(path).size > MAX_TEXT ? "" : readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const MAX_TEXT = 1024 * 1024

function ignore(): void {}
