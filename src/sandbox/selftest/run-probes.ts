// The probes in a real box, started as every other box is.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { Writable } from "node:stream"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { OpenedRun } from "../../gateway/control.ts"
import { askGate } from "../../gateway/control-client.ts"
import { operatorOf } from "../../gateway/operator.ts"
import { cleanText } from "../../render/clean.ts"
import { boxesDirectory } from "../boxes.ts"
import { type RunRequest, runBox, type Started } from "../run.ts"
import { type Prepared, prepareProbes } from "./prepare.ts"
import { ENDING, readOutcomes } from "./read-outcomes.ts"
import type { Outcome, SelftestReport } from "./types.ts"

export type ProbeOptions = Pick<RunRequest, "engine" | "runtime" | "image">

/** Characters of the box's output that are read. */
const MOST = 1024 * 1024

/** Milliseconds that a token of another run is good for, at most. */
const TOKENS_LAST = 30 * 60_000

/**
 * Runs every probe in a box of the gate that runs here, by its policy. Errors: as `runBox`. What a box did not say is no proof: such a
 * probe cannot be told.
 */
export async function runProbes(ctx: Context, options: ProbeOptions): Promise<SelftestReport> {
  const tokens = await openTokens(ctx)
  const prepared = await prepareProbes(ctx, { sockets: otherSockets(ctx), tokens: tokens.tokens })
  const start = (words: readonly string[]) => runIn(ctx, options, prepared, words)
  try {
    const { engine, spec, ...first } = await start([`--without=${ENDING.join(",")}`])
    if (first.printed === "") throw notRun(first.exit, first.said)
    const box = { engine, runtime: spec.runtime }
    const byItself = (probe: Outcome) => ENDING.includes(probe.probe)
    const outcomes = readOutcomes(
      first.printed,
      first.exit,
      prepared.expected.filter((one) => !byItself(one)),
      box,
    )
    const written = prepared.findWritten()
    for (const probe of prepared.expected.filter(byItself)) {
      const { printed, exit } = await start([probe.probe])
      outcomes.push(...readOutcomes(printed, exit, [probe], box))
    }
    return {
      ...{ schema: "nanoguard.selftest/1", engine, exit: first.exit },
      ...(spec.runtime !== undefined && { runtime: spec.runtime }),
      ...(spec.image !== undefined && { image: spec.image }),
      ...(first.exit !== 0 && { said: first.said.slice(-2000) }),
      ...countOutcomes(outcomes.map((one) => (one.probe === "protected" ? judgeWritten(one, written) : one))),
    }
  } finally {
    await prepared.close()
    await tokens.close()
  }
}

/** A run that has no box, and one that had none and is over: their tokens are as good as any that an agent could come by. */
async function openTokens(ctx: Context) {
  const open = async () =>
    (await askGate<OpenedRun>(ctx, "POST", "/v1/runs", {
      agent: "selftest",
      operator: operatorOf(ctx),
      boxed: false,
      lasts: TOKENS_LAST,
    }))!
  const end = ({ visit }: OpenedRun) => askGate(ctx, "DELETE", `/v1/runs/${visit}`)
  const [live, dead] = await Promise.all([open(), open()])
  await end(dead)
  return {
    tokens: { "another run's": live.token, "of a run that is over": dead.token },
    close: () => end(live).catch(() => {}),
  }
}

function notRun(exit: number, said: string): NanoguardError {
  return new NanoguardError(`the box ended with ${exit} before a probe ran: ${cleanText(said.trim().slice(-300))}`, {
    exit: EXIT.environment,
    hint: "nanoguard doctor; the image needs node",
  })
}

function countOutcomes(outcomes: Outcome[]): Pick<SelftestReport, "counts" | "outcomes"> {
  const counts = { held: 0, broke: 0, "cannot-tell": 0 }
  for (const { state } of outcomes) counts[state]++
  return { counts, outcomes }
}

/** One box with the probes; what it printed. */
async function runIn(ctx: Context, options: ProbeOptions, prepared: Prepared, words: readonly string[]) {
  const [stdout, printed] = collect()
  const [stderr, said] = collect()
  const { workspace, command, environment, tellLimits } = prepared
  let started: Started | undefined
  const outcome = await runBox(
    { ...ctx, cwd: workspace, env: { ...ctx.env, ...environment }, stdout, stderr },
    {
      ...{ agent: "selftest", operator: operatorOf(ctx), command: [...command, ...words], root: workspace },
      ...{ ...options, workspace: "direct", timeout: "15m", tty: false },
    },
    {
      onStart: (now) => {
        started = now
        tellLimits(now.spec.limits)
      },
      ...{ onEvent: () => {}, onPause: () => {}, onNote: () => {} },
    },
  )
  await outcome.close()
  const { engine, spec } = started!
  return { engine, spec, exit: outcome.exit, printed: printed(), said: said() }
}

/** What counts is what came to the host: a box may have written to a repository of its own, of which only commits come over. */
function judgeWritten(outcome: Outcome, written: readonly string[]): Outcome {
  if (written.length > 0) return { ...outcome, state: "broke", saw: `on the host: ${written.join(", ")}` }
  return outcome.state === "broke" ? { ...outcome, state: "held", saw: "none of it came to the host" } : outcome
}

/** Sockets of runs that are open now, where the host has them. */
function otherSockets(ctx: Context): string[] {
  try {
    return readdirSync(boxesDirectory(ctx))
      .slice(0, 20)
      .map((run) => join(boxesDirectory(ctx), run, "gate", "gate.sock"))
  } catch {
    return []
  }
}

function collect(): [Writable, () => string] {
  let text = ""
  const stream = new Writable({
    write: (chunk, _, done) => {
      if (text.length < MOST) text += String(chunk)
      done()
    },
  })
  return [stream, () => text]
}
