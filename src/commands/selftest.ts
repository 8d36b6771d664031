// `nanoguard selftest`: the escapes that the tests try, tried on this machine, by this engine and this policy.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { joinGate } from "../gateway/join.ts"
import { renderTrouble } from "../render/gateway.ts"
import { renderSelftest } from "../render/selftest.ts"
import { loadStyle } from "../render/style.ts"
import type { SelftestReport } from "../sandbox/selftest/types.ts"
import type { EngineName } from "../sandbox/types.ts"
import { readStart } from "./gateway-options.ts"

export interface SelftestOptions {
  engine?: "auto" | EngineName
  runtime?: string
  image?: string
  /** Whose adopted policy is in force, where no gate runs yet. */
  project?: string
  format?: "text" | "json"
  color?: boolean
}

/**
 * Tries to break out of a box, harmlessly. Exit: ok where nothing broke and something held; findings where something broke, or the box did not end
 * well; nothingChecked where nothing held; configuration (no policy), environment (no engine, no image).
 */
export async function selftest(
  ctx: Context,
  options: SelftestOptions = {},
): Promise<{ report: SelftestReport; exit: ExitCode }> {
  const { engine, runtime, image, project } = options
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  const onTrouble = (error: unknown) => void ctx.stderr.write(renderTrouble(error, style))
  const start = async () => ({ ...readStart(ctx, { port: "0", ...(project !== undefined && { project }) }), onTrouble })
  const gate = await joinGate(ctx, { project }, start, () => {})
  try {
    const { runProbes } = await import("../sandbox/selftest/run-probes.ts")
    const report = await runProbes(ctx, { engine, runtime, image })
    ctx.stdout.write(renderSelftest(report, options.format ?? "text", style, ctx.stdout.columns ?? 100))
    return { report, exit: exitOf(report) }
  } finally {
    await gate.close()
  }
}

/** What its report comes to. A probe that could not tell is common, as where the image has neither Perl nor Python, and no finding. */
export function exitOf({ counts, exit }: Pick<SelftestReport, "counts" | "exit">): ExitCode {
  if (counts.broke > 0 || exit !== 0) return EXIT.findings
  return counts.held === 0 ? EXIT.nothingChecked : EXIT.ok
}
