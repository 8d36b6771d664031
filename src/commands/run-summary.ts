// `nanoguard run --summary <file>`: what a run or a swarm came to, as JSON.
import { accessSync, constants } from "node:fs"
import { dirname, resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError, OWN_FAILURE } from "../errors.ts"
import { describeError } from "../render/error.ts"
import type { RunOutcome } from "../sandbox/run.ts"
import type { AgentOutcome } from "../sandbox/swarm/run.ts"
import { Interrupted } from "../sandbox/terminal/interrupts.ts"
import { writeOutput } from "./output.ts"

/** Throws `NanoguardError` (usage) where the summary cannot be written: said before the run and not after hours of it. */
export function checkSummary({ cwd }: Pick<Context, "cwd">, file: string): void {
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

/** Writes what a run came to, `nanoguard.run/1`, to `file`, a path from the current directory; `root` is the workspace. Errors: usage. */
export function writeSummary(ctx: Pick<Context, "cwd">, root: string, file: string, outcome: RunOutcome): void {
  writeDocument(ctx, root, file, { schema: "nanoguard.run/1", ...summaryOf(outcome) })
}

/** Writes what a swarm came to, `nanoguard.swarm/1`, as `writeSummary` does: its exit code, and each agent's run or why it has none. */
export function writeSwarmSummary(
  ctx: Pick<Context, "cwd">,
  root: string,
  file: string,
  { exit, outcomes }: { exit: number; outcomes: readonly AgentOutcome[] },
): void {
  const agents = outcomes.map(({ agent: { name, parent }, outcome, error }) => ({
    name,
    ...(parent !== undefined && { parent }),
    ...(outcome ? summaryOf(outcome) : noRunOf(error)),
  }))
  writeDocument(ctx, root, file, { schema: "nanoguard.swarm/1", exit, agents })
}

/** Why there is no run; a signal is what somebody wanted. */
function noRunOf(error: unknown): object {
  if (!(error instanceof Interrupted)) return { exit: OWN_FAILURE, error: describeError(error) }
  return { exit: error.exit, error: { message: `${error.message} before its box began`, exit: error.exit } }
}

const summaryOf = ({ run, exit, ended, summary, report }: RunOutcome) => ({
  ...{ run, exit, ended },
  ...(summary && { gate: summary }),
  workspace: report,
})

function writeDocument({ cwd }: Pick<Context, "cwd">, root: string, file: string, document: object): void {
  try {
    // The agent knows the workspace, and may have put a link where the file is to be.
    writeOutput(root, resolve(cwd, file), `${JSON.stringify(document, undefined, 2)}\n`)
  } catch (cause) {
    throw noSummary(file, cause)
  }
}
