// `nanoguard approve --stats`: what asking costs people.
import { type ApprovalStats, approvalStats } from "../approvals/stats.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { renderApprovalStats } from "../render/approval-stats.ts"
import { openReader } from "../store/open.ts"

export interface StatsOptions {
  /** How far back, as it was typed. */
  days?: string
  format?: "text" | "json"
}

const DEFAULT_DAYS = "30"

/** Shows how often each rule asked, what people said, and how long it took them. Exit: ok; usage; environment (no record). */
export async function approveStats(
  ctx: Context,
  { days = DEFAULT_DAYS, format = "text" }: StatsOptions = {},
): Promise<{ report: ApprovalStats; exit: ExitCode }> {
  if (!/^[1-9]\d{0,3}$/.test(days))
    throw new NanoguardError("--days is no number of days", { exit: EXIT.usage, hint: "such as 30" })
  const reader = await openReader(ctx)
  try {
    const report = await approvalStats(reader.db, ctx.now(), Number(days))
    ctx.stdout.write(renderApprovalStats(report, format, ctx.stdout.columns))
    return { report, exit: EXIT.ok }
  } finally {
    await reader.close()
  }
}
