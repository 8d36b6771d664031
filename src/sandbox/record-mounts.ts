// Mounts of the policy, as they were decided: on record before the box has them.
import type { Context } from "../context.ts"
import { openStore } from "../store/open.ts"
import type { RunRequest } from "./run.ts"
import type { MountDecision } from "./workspace/types.ts"

/** Records the decisions on a run's mounts, durable when it resolves. Errors: environment: then the box must not start. */
export async function recordMounts(
  ctx: Context,
  { agent, operator }: Pick<RunRequest, "agent" | "operator">,
  { run, decisions }: { run: string; decisions: readonly MountDecision[] },
): Promise<void> {
  const store = await openStore(ctx, { gateway: "run" })
  try {
    const events = decisions.map(({ action, target, verdict, mounted }) => ({
      ...{ type: "sandbox.mount", subject: verdict.subject, gateway: "run", agent, run, operator, boxed: true },
      outcome: mounted ? ("released" as const) : ("refused" as const),
      decision: { action, evidence: { now: ctx.now() }, verdict },
      detail: { target },
    }))
    await store.write({ events })
  } finally {
    await store.close()
  }
}
