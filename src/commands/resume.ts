// `nanoguard resume`: an approver lifts a kill, by signature.
import { readApprovers, requireApprover } from "../approvals/approvers.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { type ResumeReport, renderResume } from "../render/kill.ts"
import { MAX_REASON, readKills } from "../sandbox/kills/chain.ts"
import { liftKill, takeWaiting } from "../sandbox/kills/order.ts"
import { formatTarget, type Kill } from "../sandbox/kills/types.ts"
import { openStore } from "../store/open.ts"
import { askFirst, refuseUnasked } from "./confirm.ts"
import { readTargets } from "./kill.ts"
import { nameOfSigner, openSigner, type SigningOptions } from "./signing.ts"

export interface ResumeOptions extends SigningOptions {
  all?: boolean
  /** Why it may go on. */
  reason?: string
  yes?: boolean
  format?: "text" | "json"
}

/**
 * Shows what stands against a target and, once a person agrees, lifts it. Of `--all` it lifts the kill of all; agents that were stopped
 * by name stay so. Exit: ok; findings (not stopped, declined, not an approver), usage, environment.
 */
export async function resume(
  ctx: Context,
  names: readonly string[],
  options: ResumeOptions,
): Promise<{ report: ResumeReport; exit: ExitCode }> {
  // Before what is asked of them: whoever named nobody is told that, and not to agree to it.
  const targets = readTargets(names, options.all, "resume")
  refuseUnasked(ctx, "resume", options)
  const reason = (options.reason ?? "").trim()
  if (reason.length > MAX_REASON)
    throw new NanoguardError("the reason is too long", { exit: EXIT.usage, hint: `at most ${MAX_REASON} characters` })
  const store = await openStore(ctx, { gateway: "resume" })
  try {
    await takeWaiting(store, stateHome(ctx), "resume")
    const approvers = await readApprovers(store.db)
    const before = (await readKills(store.db, stateHome(ctx))).standing
    const kills = targets.map((target) => before.get(formatTarget(target)) ?? notStopped(formatTarget(target), before))
    const report = (state: ResumeReport["state"], standing: Iterable<string>, by?: string): ResumeReport => ({
      ...{ schema: "nanoguard.resume/1", state, lifted: kills.map(shown), standing: [...standing] },
      ...(by !== undefined && { by }),
    })
    const say = (said: ResumeReport) => ctx.stdout.write(renderResume(said, options.format ?? "text"))
    if (options.format !== "json") say(report("lifted", []))
    const approver = requireApprover(approvers, nameOfSigner(ctx, approvers, options))
    if (!options.yes && !(await askFirst(ctx, "Let it go on?"))) {
      const declined = report("declined", before.keys())
      say({ ...declined, lifted: [] })
      return { report: declined, exit: EXIT.findings }
    }
    const signer = await openSigner(ctx, approver, options)
    for (const target of targets)
      await liftKill(store, target, signer, { time: ctx.now(), reason }, "resume", stateHome(ctx))
    const lifted = report("lifted", (await readKills(store.db, stateHome(ctx))).standing.keys(), signer.name)
    say(lifted)
    return { report: lifted, exit: EXIT.ok }
  } finally {
    await store.close()
  }
}

const shown = ({ target, time, by, reason }: Kill) => ({
  ...{ target: formatTarget(target), time: new Date(time).toISOString(), by, reason },
})

function notStopped(target: string, standing: ReadonlyMap<string, Kill>): never {
  const others = [...standing.keys()].slice(0, 10)
  if (others.length === 0) throw new NanoguardError("nothing is stopped", { exit: EXIT.findings })
  const said = target === "all" ? "there is no kill of all" : `${target} is not stopped by a kill of its own`
  throw new NanoguardError(said, { exit: EXIT.findings, hint: `what is stopped: ${others.join(", ")}` })
}
