// At the end of a run: what changed, what of it will run on the host, and, for a copy, a person's word before anything is applied.
import type { Context } from "../context.ts"
import { loadStyle, type Style } from "../render/style.ts"
import { describeChange, renderApplied, renderDiff, renderReview } from "../render/workspace.ts"
import { openKept } from "../sandbox/kept.ts"
import type { Workspace, WorkspaceReport } from "../sandbox/workspace/types.ts"

export interface ReviewOptions {
  apply?: boolean
  discard?: boolean
  quiet?: boolean
  style: Style
}

type Reviewed = Pick<Workspace, "diff" | "apply">
type Answer = "apply" | "diff" | "keep" | "discard"

/**
 * Shows what changed and, where changes wait, does with them what a person says. Resolves with true where something is to be kept: nobody was there to
 * ask, the person wants it, or commits could not come over.
 */
export async function reviewWorkspace(
  ctx: Context,
  run: string,
  { report, workspace }: { report: WorkspaceReport; workspace: Reviewed },
  options: ReviewOptions,
): Promise<boolean> {
  const { style, quiet } = options
  const say = (text: string) => void ctx.stderr.write(text)
  if (quiet !== true || report.review) say(renderReview(report, style))
  const kept = report.git?.problem !== undefined
  if (report.mode === "worktree" && (options.apply || options.discard))
    say("nanoguard: a worktree comes back as its branch; --apply and --discard are for a copy\n")
  if (!report.review) return kept
  const answer = answerOf(options) ?? (await ask(ctx, report, workspace, style))
  if (answer === "apply") say(renderApplied(await workspace.apply(report), style))
  if (answer === "discard") say("nanoguard: the changes are discarded\n")
  if (answer !== "keep") return kept
  say(`nanoguard: the changes wait, and nothing of them is in your workspace: nanoguard run --review ${run}\n`)
  return true
}

function answerOf({ apply, discard }: ReviewOptions): Answer | undefined {
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

/** `nanoguard run --review <run>`: what a run left, looked at again. */
export async function reviewKept(
  ctx: Context,
  run: string,
  options: Omit<ReviewOptions, "style"> & { color?: boolean },
): Promise<{ exit: number }> {
  const kept = openKept(ctx, run)
  const report = await kept.finish()
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const stays = await reviewWorkspace(ctx, run, { report, workspace: kept }, { ...options, style })
  if (!stays) await kept.close()
  return { exit: 0 }
}
