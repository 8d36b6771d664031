// At the end of a run: what changed, what of it will run on the host, and, for a copy, a person's word before anything is applied.
import type { Context } from "../context.ts"
import type { Style } from "../render/style.ts"
import { renderApplied, renderReview } from "../render/workspace.ts"
import type { RunOutcome } from "../sandbox/run.ts"
import { askFirst } from "./confirm.ts"

export interface ReviewOptions {
  apply?: boolean
  discard?: boolean
  quiet?: boolean
  style: Style
}

/** Shows what changed and, where changes wait, applies or discards them as a person says. */
export async function reviewWorkspace(
  ctx: Context,
  { report, workspace }: Pick<RunOutcome, "report" | "workspace">,
  options: ReviewOptions,
): Promise<void> {
  const { style } = options
  if (options.quiet !== true || report.review) ctx.stderr.write(renderReview(report, style))
  if (!report.review) return
  const terminal = ctx.stdin.isTTY === true && ctx.stderr.isTTY === true
  const wanted = options.apply ?? (options.discard === true ? false : undefined)
  const apply = wanted ?? (terminal && (await askFirst(ctx, "Apply these changes to the workspace?")))
  if (apply) ctx.stderr.write(renderApplied(await workspace.apply(report), style))
  else ctx.stderr.write("nanoguard: the changes were not applied\n")
}
