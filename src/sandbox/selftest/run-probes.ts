// The probes in a real box, started as every other box is.
import { Writable } from "node:stream"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { operatorOf } from "../../gateway/operator.ts"
import { cleanText } from "../../render/clean.ts"
import { type RunRequest, runBox, type Started } from "../run.ts"
import { onTerminal } from "../terminal/pty.ts"
import { openOthers } from "./other-runs.ts"
import { type Prepared, prepareProbes } from "./prepare.ts"
import { ALONE, readOutcomes } from "./read-outcomes.ts"
import type { Outcome, ProbeLimits, SelftestReport } from "./types.ts"

export type ProbeOptions = Pick<RunRequest, "engine" | "runtime" | "image">

/** Characters of the box's output that are read. */
const MOST = 1024 * 1024

/** What the boxes of K6 get where the policy gives more: little enough to be used up on any machine. Bytes; processes. */
const LEAST = { memory: 256 * 2 ** 20, pids: 512 }

type Changes = Partial<Pick<RunRequest, "limits" | "tty">>

/**
 * Runs every probe in a box of the gate that runs here, by its policy. Errors: as `runBox`. What a box did not say is no proof: such a
 * probe cannot be told.
 */
export async function runProbes(ctx: Context, options: ProbeOptions): Promise<SelftestReport> {
  const others = await openOthers(ctx)
  const prepared = await prepareProbes(ctx, others).catch(async (error: unknown) => {
    await others.close()
    throw error
  })
  const start = (words: readonly string[], changes?: Changes) => runIn(ctx, options, prepared, words, changes)
  try {
    const { engine, spec, ...first } = await start([`--without=${ALONE.join(",")}`])
    if (first.printed === "") throw notRun(first.exit, first.said)
    const box = { engine, runtime: spec.runtime }
    const isAlone = (probe: Outcome) => ALONE.includes(probe.probe)
    const outcomes = readOutcomes(
      first.printed,
      first.exit,
      prepared.expected.filter((one) => !isAlone(one)),
      box,
    )
    const written = prepared.findWritten()
    for (const probe of prepared.expected.filter(isAlone)) {
      const { printed, exit } = await start([probe.probe], changesFor(ctx, probe.probe, spec.limits))
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
    await others.close()
  }
}

/** How the box of one probe differs from the policy's. */
function changesFor(ctx: Context, probe: string, { memory, pids }: ProbeLimits): Changes {
  if (probe === "memory" && memory > LEAST.memory) return { limits: { memory: `${LEAST.memory / 2 ** 20}m` } }
  if (probe === "fork-bomb" && pids > LEAST.pids) return { limits: { pids: LEAST.pids } }
  // Nothing here is the person's terminal: script(1) makes one. That of macOS wants one to begin with.
  const canMake = process.platform === "linux" && onTerminal({ file: "true", args: [] }, ctx) !== undefined
  return probe === "terminal-input" && canMake ? { tty: true } : {}
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
async function runIn(
  ctx: Context,
  options: ProbeOptions,
  prepared: Prepared,
  words: readonly string[],
  changes: Changes = {},
) {
  const [stdout, printed] = collect()
  const [stderr, said] = collect()
  const { workspace, command, environment, tellLimits } = prepared
  let started: Started | undefined
  const outcome = await runBox(
    { ...ctx, cwd: workspace, env: { ...ctx.env, ...environment }, stdout, stderr },
    {
      ...{ agent: "selftest", operator: operatorOf(ctx), command: [...command, ...words], root: workspace },
      ...{ ...options, workspace: "direct", timeout: "15m", input: "ignore" },
      ...{ tty: false, ...changes },
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
