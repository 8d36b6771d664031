// `nanoguard audit show <seq>`: one record, whole, with its place in the tree.
import { loadLogKey } from "../audit/checkpoints/keys.ts"
import { emptyRecord, openDerived } from "../audit/derive/open-derived.ts"
import { readNumber } from "../audit/read/record-options.ts"
import { readShow, type ShowReport } from "../audit/read/show.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { stateHome } from "../home.ts"
import { renderShow } from "../render/audit-show.ts"
import { loadStyle } from "../render/style.ts"

export interface ShowOptions {
  format?: "text" | "json"
  color?: boolean
}

/**
 * Shows a record by its sequence number. Exit: ok; findings where its proof does not lead to the newest checkpoint, or the log's key did
 * not sign that; usage where there is no such record; nothingChecked where the record is empty;
 * environment where there is none.
 */
export async function auditShow(
  ctx: Context,
  seq: string,
  options: ShowOptions = {},
): Promise<{ report: ShowReport; exit: ExitCode }> {
  const number = readNumber(seq, "<seq>", Number.MAX_SAFE_INTEGER)
  const reader = await openDerived(ctx)
  try {
    if (reader.size === 0) throw emptyRecord()
    const origin = await reader.db
      .selectFrom("settings")
      .select("value")
      .where("name", "=", "origin")
      .executeTakeFirst()
    const key = loadLogKey(reader.directory ?? stateHome(ctx), origin?.value ?? "")
    const report = await readShow(reader.db, number, reader.size, key)
    const style = await loadStyle(ctx.stdout, ctx.env, options.color)
    ctx.stdout.write(renderShow(report, options.format ?? "text", { style, columns: ctx.stdout.columns ?? 80 }))
    const broken = report.inclusion !== null && (!report.inclusion.verified || report.inclusion.signed === false)
    return { report, exit: broken ? EXIT.findings : EXIT.ok }
  } finally {
    await reader.close()
  }
}
