// At the end of a run: what changed, what of it will run on the host, and, for a copy, a person's word before anything is applied.
import { join } from "node:path"
import type { Context } from "../context.ts"
import { cleanText } from "../render/clean.ts"
import { renderKept } from "../render/kept.ts"
import { loadStyle, type Style } from "../render/style.ts"
import { describeChange, renderApplied, renderDiff, renderReview } from "../render/workspace.ts"
import { boxDirectory } from "../sandbox/box-directory.ts"
import { openKept } from "../sandbox/kept.ts"
import { listKept } from "../sandbox/kept-list.ts"
import type { RunOutcome } from "../sandbox/run-types.ts"
import { countChanges } from "../sandbox/workspace/changes.ts"
import { isStuck } from "../sandbox/workspace/stuck.ts"
import type { Workspace, WorkspaceReport } from "../sandbox/workspace/types.ts"

/**
 * Does with the changes of a run what a person says, and removes what is left of it but for those that wait. They are kept before anybody is
 * asked, and where a signal came meanwhile nobody is: whatever becomes of this process, they wait.
 */
export async function settleRun(ctx: Context, outcome: RunOutcome, options: ReviewOptions): Promise<void> {
  const { run, report } = outcome
  const waits = report.review || isStuck(report)
  const interrupted = outcome.interrupted() !== undefined
  if (waits) await outcome.close(true)
  let stays = true
  try {
    // Said before anybody knew what there is, `discard` is for the changes of a copy.
    const keep = interrupted || report.mode !== "copy"
    stays = await reviewWorkspace(ctx, run, outcome, keep ? { ...options, keep } : options)
  } finally {
    if (!waits) await outcome.close(stays)
    else if (!stays) await openKept(ctx, run).close()
  }
}

export interface ReviewOptions {
  apply?: boolean
  discard?: boolean
  /** They wait, without asking. */
  keep?: boolean
  quiet?: boolean
  style: Style
}

type Reviewed = Pick<Workspace, "diff" | "apply">
type Answer = "apply" | "diff" | "keep" | "discard"

/**
 * Shows what changed and, where changes wait, does with them what a person says. Resolves with true where something is to be kept: nobody was there to
 * ask, the person wants it, or something of it could not come over.
 */
export async function reviewWorkspace(
  ctx: Context,
  run: string,
  { report, workspace }: { report: WorkspaceReport; workspace: Reviewed },
  options: ReviewOptions,
): Promise<boolean> {
  const { style, quiet } = options
  const say = (text: string) => void ctx.stderr.write(text)
  const kept = isStuck(report)
  if (quiet !== true || report.review || kept) say(renderReview(report, style))
  if (report.mode === "worktree" && (options.apply || (options.discard && !kept)))
    say("nanoguard: a worktree comes back as its branch; --apply and --discard are for a copy\n")
  if (!report.review && !kept) return false
  const mayApply = report.review && report.problem === undefined
  const answer = answerOf(options) ?? (mayApply ? await ask(ctx, report, workspace, style) : "keep")
  if (answer === "discard") {
    say(`nanoguard: ${report.review ? "the changes are" : "what did not come over is"} discarded\n`)
    return false
  }
  if (report.problem !== undefined) {
    say(
      `nanoguard: what the box left waits; once its workspace is where it was: nanoguard run --review ${run} (to remove it, with --discard)\n`,
    )
    return true
  }
  if (answer === "apply" && mayApply) {
    const result = await workspace.apply(report)
    say(renderApplied(result, style))
    if (result.conflicts.length > 0) {
      say(
        `nanoguard: what was left as it is waits in ${placeOf(ctx, run, "tree")}, with the rest of the changes: nanoguard run --review ${run}\n`,
      )
      return true
    }
    if (report.partial || result.applied.length + result.refused.length < countChanges(report)) {
      say(
        `nanoguard: what could not be looked at waits in ${placeOf(ctx, run, "tree")}; to remove it: nanoguard run --review ${run} --discard\n`,
      )
      return true
    }
  }
  if (answer === "keep" && mayApply)
    say(`nanoguard: the changes wait, and nothing of them is in your workspace: nanoguard run --review ${run}\n`)
  else if (kept)
    say(
      `nanoguard: what did not come over waits in ${placeOf(ctx, run)}; to remove it: nanoguard run --review ${run} --discard\n`,
    )
  return kept || answer === "keep"
}

const placeOf = (ctx: Context, run: string, ...parts: string[]) => cleanText(join(boxDirectory(ctx, run), ...parts))

function answerOf({ apply, discard, keep }: ReviewOptions): Answer | undefined {
  if (keep === true) return "keep"
  if (apply === true) return "apply"
  return discard === true ? "discard" : undefined
}

/** Asks on a terminal until something is to be done; without one the changes are kept. */
async function ask(ctx: Context, report: WorkspaceReport, workspace: Reviewed, style: Style): Promise<Answer> {
  if (ctx.stdin.isTTY !== true || ctx.stderr.isTTY !== true) return "keep"
  const { select } = await import("@inquirer/prompts")
  for (;;) {
    const answer = await select<Answer>(
      {
        message: "What becomes of these changes?",
        choices: [
          { name: "show the difference", value: "diff" },
          { name: "apply them to the workspace", value: "apply" },
          { name: "keep them for later", value: "keep" },
          { name: "discard them", value: "discard" },
        ],
      },
      { input: ctx.stdin, output: ctx.stderr },
    ).catch((): Answer => "keep")
    if (answer !== "diff") return answer
    for (const change of report.changes) {
      ctx.stderr.write(`${style.bold(describeChange(change))}\n`)
      ctx.stderr.write(renderDiff(await workspace.diff(change), style))
    }
  }
}

/** `nanoguard run --review <run>`: what a run left, looked at again; without one (`true`, or `list`) which there are. */
export async function reviewKept(
  ctx: Context,
  run: string | true,
  options: Omit<ReviewOptions, "style"> & { color?: boolean; format?: "text" | "json" },
): Promise<{ exit: number }> {
  if (run === true || run === "list") {
    const { runs, problems } = listKept(ctx)
    ctx.stdout.write(renderKept(runs, ctx.now(), options.format ?? "text"))
    for (const problem of problems) ctx.stderr.write(`nanoguard: ${cleanText(problem)}\n`)
    return { exit: 0 }
  }
  const kept = openKept(ctx, run)
  const report = await kept.finish()
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const stays = await reviewWorkspace(ctx, run, { report, workspace: kept }, { ...options, style })
  if (!stays) await kept.close()
  return { exit: 0 }
}
