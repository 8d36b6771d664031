// The probes in a real box, started as every other box is.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { Writable } from "node:stream"
import type { Context } from "../../context.ts"
import { operatorOf } from "../../gateway/operator.ts"
import { boxesDirectory } from "../boxes.ts"
import { type RunRequest, runBox, type Started } from "../run.ts"
import { prepareProbes } from "./prepare.ts"
import { readOutcomes } from "./read-outcomes.ts"
import type { SelftestReport } from "./types.ts"

/** Characters of the box's output that are read. */
const MOST = 1024 * 1024

/**
 * Runs every probe in a box of the gate that runs here, by its policy. Errors: as `runBox`. What a box did not say is no proof: such a
 * probe cannot be told.
 */
export async function runProbes(
  ctx: Context,
  options: Pick<RunRequest, "engine" | "runtime" | "image">,
): Promise<SelftestReport> {
  const prepared = await prepareProbes(ctx, otherSockets(ctx))
  try {
    const [stdout, printed] = collect()
    const [stderr, said] = collect()
    let started: Started | undefined
    const outcome = await runBox(
      { ...ctx, cwd: prepared.workspace, env: { ...ctx.env, ...prepared.environment }, stdout, stderr },
      {
        ...{ agent: "selftest", operator: operatorOf(ctx), command: prepared.command, root: prepared.workspace },
        ...{ ...options, workspace: "direct", timeout: "15m", tty: false },
      },
      {
        onStart: (now) => {
          started = now
          prepared.tellLimits(now.spec.limits)
        },
        ...{ onEvent: () => {}, onPause: () => {}, onNote: () => {} },
      },
    )
    await outcome.close()
    const { engine, spec } = started!
    const outcomes = readOutcomes(printed(), prepared.expected, { engine, runtime: spec.runtime })
    const counts = { held: 0, broke: 0, "cannot-tell": 0 }
    for (const { state } of outcomes) counts[state]++
    return {
      ...{ schema: "nanoguard.selftest/1", engine, counts, outcomes, exit: outcome.exit },
      ...(spec.runtime !== undefined && { runtime: spec.runtime }),
      ...(spec.image !== undefined && { image: spec.image }),
      ...(outcome.exit !== 0 && { said: said().slice(-2000) }),
    }
  } finally {
    await prepared.close()
  }
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
