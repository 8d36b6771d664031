// `nanoguard vet --fix`: what follows the vet. Options in, the result shown, and the vet afterwards for the exit code.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { renderFix, renderFixJson } from "../render/fix.ts"
import type { Style } from "../render/style.ts"
import { type FixOptions, type FixRun, fixTree, isTreeUnfinished, recoverTree } from "../vet/fix.ts"
import type { VetRun } from "../vet/run.ts"

/** Takes back what a run that was cut off left, and says so on stderr. */
export async function recoverBefore(ctx: Context): Promise<void> {
  const restored = await recoverTree(ctx)
  if (restored.length === 0) return
  const { cleanText } = await import("../render/clean.ts")
  ctx.stderr.write(`An earlier --fix was cut off; restored: ${cleanText(restored.join(", "), 2000)}\n`)
}

/** Says on stderr where a run that was cut off left files half changed: a plain vet writes nothing, and must not be taken in. */
export async function warnUnfinished(ctx: Context): Promise<void> {
  if (!(await isTreeUnfinished(ctx))) return
  ctx.stderr.write(
    "An earlier --fix was cut off here and may have left files half changed: nanoguard vet --fix restores them.\n",
  )
}

/**
 * Fixes what a vet found. Throws with EXIT.environment where a package manager is missing and nothing at all could be fixed
 * for want of it.
 */
export async function fixFindings(ctx: Context, options: FixOptions, run: VetRun): Promise<FixRun> {
  const fix = await fixTree(ctx, options, run)
  const fixed = fix.report.steps.some(({ outcome }) => outcome === "fixed")
  if (!fixed && fix.lacking.length > 0) {
    throw new NanoguardError(`nothing could be fixed: ${fix.report.steps[0]?.why ?? "a package manager is missing"}`, {
      exit: EXIT.environment,
      hint: `install ${fix.lacking.join(", ")}, then run nanoguard vet --fix again`,
    })
  }
  return fix
}

/** The result as text or, with the vet afterwards in it, as one JSON document. */
export function showFix({ report, after }: FixRun, format: "text" | "json", style?: Style): string {
  return format === "json" ? renderFixJson(report, after) : `${renderFix(report, style)}\n`
}
