// `nanoguard doctor`: every part looked at, each with the command that mends it.
import type { Context } from "../context.ts"
import { examine } from "../doctor/index.ts"
import type { DoctorReport } from "../doctor/types.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { renderDoctor } from "../render/doctor.ts"
import { loadStyle } from "../render/style.ts"

export interface DoctorOptions {
  format?: "text" | "json"
  color?: boolean
}

/** Looks at every part of this installation and changes none. Exit: ok, also with warnings; findings where something fails. */
export async function doctor(
  ctx: Context,
  options: DoctorOptions = {},
): Promise<{ report: DoctorReport; exit: ExitCode }> {
  const report = await examine(ctx)
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  ctx.stdout.write(renderDoctor(report, options.format ?? "text", style, ctx.stdout.columns ?? 100))
  return { report, exit: report.counts.fail > 0 ? EXIT.findings : EXIT.ok }
}
