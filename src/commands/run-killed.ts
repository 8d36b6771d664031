// Who stopped a run, and why. The gate tells agents of neither: it is in the record alone, for the person.
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { type ExplainedKill, explainKill } from "../sandbox/kills/explain.ts"
import type { RunOutcome } from "../sandbox/run.ts"
import { openReader } from "../store/open.ts"

interface Subject {
  agent: string
  run: string
}

async function findKill(ctx: Context, who: Subject): Promise<ExplainedKill | undefined> {
  const reader = await openReader(ctx)
  try {
    return await explainKill(reader.db, stateHome(ctx), who)
  } finally {
    await reader.close()
  }
}

/** A start that the gate refused, with who stopped the agent and why where that is known. */
export async function explainRefusal(ctx: Context, error: NanoguardError, agent: string): Promise<NanoguardError> {
  const kill = await findKill(ctx, { agent, run: "" })
  return kill === undefined ? error : new NanoguardError(kill.message, { exit: error.exit, hint: kill.hint })
}

/**
 * An outcome with the kill that ended it. A kill goes to the engine first, so that a run may be over before its gate has said a word; and
 * 137 alone is also what a process ends with that used up the memory.
 */
export async function explainEnd(ctx: Context, outcome: RunOutcome, agent: string): Promise<RunOutcome> {
  if (outcome.exit !== 137 || outcome.reason !== undefined || outcome.ended === "timeout") return outcome
  const kill = await findKill(ctx, { agent, run: outcome.run }).catch(() => undefined)
  return kill === undefined ? outcome : { ...outcome, ended: "killed", reason: `${kill.message}; ${kill.hint}` }
}
