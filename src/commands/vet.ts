// `nanoguard vet`: options in, one report out, and the exit code that CI acts on.
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { dataHome } from "../home.ts"
import { type Format, loadRenderer } from "../render/index.ts"
import { startProgress } from "../render/progress.ts"
import { loadStyle } from "../render/style.ts"
import type { FixRun } from "../vet/fix.ts"
import type { VetReport } from "../vet/report.ts"
import { runVet } from "../vet/run.ts"

export interface VetCommandOptions {
  policy?: string
  policyFrom?: "base" | "file"
  format?: Format
  output?: string
  offline?: boolean
  prod?: boolean
  changed?: string
  failOn?: "ask" | "deny"
  fix?: boolean
  dryRun?: boolean
  verbose?: boolean
  color?: boolean
}

/**
 * Vets the paths and prints the report: on stdout in `format`, or that in the file `output` and text on stdout. Under GitHub
 * Actions the default format is text with annotations, and the step summary is written. Exit: ok, findings, or an error's.
 */
export async function vetCommand(
  ctx: Context,
  paths: readonly string[],
  options: VetCommandOptions,
): Promise<ExitCode> {
  const onGithub = ctx.env["GITHUB_ACTIONS"] === "true"
  const format = options.format ?? (onGithub && options.output === undefined ? "github" : "text")
  const failOn = options.failOn ?? "ask"
  const progress = options.offline ? undefined : await startProgress(ctx, "asking the registries")
  const run = {
    paths,
    offline: options.offline === true,
    prod: options.prod === true,
    changed: options.changed,
    policyFile: options.policy,
    policyFrom: options.policyFrom,
    components: format === "cyclonedx" || format === "json",
    progress: progress?.update,
  }
  const fixes = options.fix === true || options.dryRun === true
  const fixing = fixes ? await import("./fix.ts") : undefined
  let report: VetReport
  let fix: FixRun | undefined
  try {
    if (fixing !== undefined) await fixing.recoverBefore(ctx)
    else if (existsSync(join(dataHome(ctx), "fix"))) await (await import("./fix.ts")).warnUnfinished(ctx)
    const vetted = await runVet(ctx, run)
    fix = await fixing?.fixFindings(ctx, { ...run, dryRun: options.dryRun === true }, vetted)
    report = fix?.after ?? vetted.report
  } finally {
    progress?.stop()
  }
  if (fix !== undefined) {
    if (format === "json" && options.output === undefined) {
      ctx.stdout.write(fixing!.showFix(fix, "json"))
      return exitOf(report, failOn)
    }
    const out = format === "text" || options.output !== undefined ? ctx.stdout : ctx.stderr
    out.write(fixing!.showFix(fix, "text", await loadStyle(out, ctx.env, options.color)))
  }
  await print(ctx, report, { format, failOn, ...options })
  if (onGithub) await writeSummary(ctx, report, failOn)
  return exitOf(report, failOn)
}

/** The verdict is printed by now: a summary that cannot be written does not change it. */
async function writeSummary(ctx: Context, report: VetReport, failOn: "ask" | "deny"): Promise<void> {
  const { appendSummary, renderSummary } = await import("../render/summary.ts")
  try {
    await appendSummary(ctx.env, renderSummary(report, { failOn }))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error"
    ctx.stderr.write(`warning: the step summary could not be written (${code})\n`)
  }
}

async function print(
  ctx: Context,
  report: VetReport,
  options: VetCommandOptions & { format: Format; failOn: "ask" | "deny" },
): Promise<void> {
  const { format, failOn, output } = options
  const plain = { failOn, verbose: options.verbose === true }
  const text = async () =>
    (await loadRenderer("text"))(report, {
      ...plain,
      style: await loadStyle(ctx.stdout, ctx.env, options.color),
      ...(ctx.stdout.columns !== undefined && { columns: ctx.stdout.columns }),
    })
  const document = async () => (await loadRenderer(format))(report, plain)
  if (output !== undefined) {
    const { writeOutput } = await import("./output.ts")
    writeOutput(ctx.cwd, output, format === "text" ? (await loadRenderer("text"))(report, plain) : await document())
    ctx.stdout.write(await text())
  } else if (format === "github") ctx.stdout.write(`${await text()}\n${await document()}`)
  else ctx.stdout.write(format === "text" ? await text() : await document())
}

/** What a report means for CI: findings are what is denied, and what asks unless `failOn` is `deny`. */
export function exitOf({ counts }: VetReport, failOn: "ask" | "deny"): ExitCode {
  return counts.deny > 0 || (failOn === "ask" && counts.ask > 0) ? EXIT.findings : EXIT.ok
}
