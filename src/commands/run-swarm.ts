// `nanoguard run --swarm <file>`: several agents side by side.
import { readFileSync, statSync } from "node:fs"
import { resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError, OWN_FAILURE } from "../errors.ts"
import type { PolicyInForce } from "../gateway/control.ts"
import { askGate } from "../gateway/control-client.ts"
import type { Begin } from "../gateway/join.ts"
import { cleanText } from "../render/clean.ts"
import { renderTrouble } from "../render/gateway.ts"
import { renderBoxEnd, renderBoxStart, renderHeld, renderPause } from "../render/run.ts"
import type { Style } from "../render/style.ts"
import { renderNotes } from "../render/workspace.ts"
import { prefixLines } from "../sandbox/swarm/output.ts"
import { MAX_SWARM, readSwarm } from "../sandbox/swarm/read.ts"
import { runSwarm, type SwarmRequest } from "../sandbox/swarm/run.ts"
import type { SwarmAgent } from "../sandbox/swarm/types.ts"
import { Interrupted } from "../sandbox/terminal/interrupts.ts"
import { explainEnd } from "./run-killed.ts"
import type { ReviewOptions } from "./run-review.ts"
import { writeSwarmSummary } from "./run-summary.ts"

/**
 * Runs the swarm of a file. Exit: 0 where every agent's was, else the highest of them; 125 where one did not start. `summary` names a file for
 * what it came to. Errors: usage, configuration.
 */
export async function runSwarmFile(
  ctx: Context,
  file: string,
  { root, ...base }: SwarmRequest["base"] & { root: string },
  review: ReviewOptions & { style: Style; summary?: string; begin: Begin },
): Promise<{ exit: number }> {
  const { style, quiet, summary, begin } = review
  const { sandbox, project } = (await begin(() => askGate<PolicyInForce>(ctx, "GET", "/v1/policy")))!
  const swarm = readSwarm(readText(resolve(ctx.cwd, file), file), cleanText(file), sandbox, base)
  const width = Math.max(...swarm.agents.map(({ name }) => name.length))
  const prefixOf = ({ name }: SwarmAgent) => `${style.cyan(name.padEnd(width))} | `
  const say = (agent: SwarmAgent, text: string) => {
    const lines = text.split("\n").filter((line) => line !== "")
    ctx.stderr.write(lines.map((line) => `${prefixOf(agent)}${line}\n`).join(""))
  }
  // Before it begins: hours later the files of this nanoguard may be those of another one.
  const { settleRun } = await import("./run-review.ts")
  const outcomes = await runSwarm(
    ctx,
    { swarm, root, project, base },
    {
      begin,
      outputOf: (agent) => prefixLines(ctx.stdout, prefixOf(agent)),
      hooksOf: (agent) => ({
        onStart: (started) => {
          if (quiet !== true) say(agent, renderBoxStart(started, style) + renderNotes(started.workspace.notes, style))
        },
        onEvent: (event) => {
          if (event.event === "held") say(agent, renderHeld(event, style))
        },
        onPause: (why, paused) => say(agent, renderPause(why, paused, style)),
        onNote: (note) => say(agent, `nanoguard: ${note}\n`),
      }),
    },
  )
  let exit = 0
  for (const { agent, outcome: ended, error } of outcomes) {
    const cut = error instanceof Interrupted ? error : ended?.interrupted()
    exit = Math.max(exit, cut?.exit ?? ended?.exit ?? OWN_FAILURE)
    const outcome = ended && (await explainEnd(ctx, ended, agent.name))
    if (outcome === undefined) {
      say(agent, cut ? `nanoguard: ${cut.message} before its box began` : renderTrouble(error, style))
      continue
    }
    try {
      ctx.stderr.write(
        `\n${style.bold(agent.name)}: ${outcome.ended === "itself" ? `exit ${outcome.exit}` : outcome.ended}\n`,
      )
      if (quiet !== true) ctx.stderr.write(renderBoxEnd(outcome, { style, columns: ctx.stderr.columns ?? 80 }))
      await settleRun(ctx, outcome, review)
    } finally {
      await outcome.close(true)
    }
  }
  if (summary !== undefined) writeSwarmSummary(ctx, root, summary, { exit, outcomes })
  return { exit }
}

function readText(path: string, file: string): string {
  try {
    if (statSync(path).size <= MAX_SWARM) return readFileSync(path, "utf8")
  } catch (cause) {
    throw new NanoguardError("the swarm's file cannot be read", {
      exit: EXIT.usage,
      where: { file },
      hint: "look at its name",
      cause,
    })
  }
  throw new NanoguardError("the swarm's file is too large", {
    exit: EXIT.usage,
    where: { file },
    hint: "1 MiB at most",
  })
}
