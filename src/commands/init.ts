// `nanoguard init`: looks, asks, shows, writes.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { renderInit, renderPlan } from "../render/init.ts"
import { loadStyle } from "../render/style.ts"
import { askAnswers, askReplacements, askToWrite } from "../scaffold/ask.ts"
import { buildPlan } from "../scaffold/build-plan.ts"
import { detectFacts } from "../scaffold/detect.ts"
import { diffOf } from "../scaffold/diff.ts"
import { findRoot, readListing } from "../scaffold/listing.ts"
import { defaultAnswers, flagsToBuild, type InitOptions, readFlags, usage } from "../scaffold/options.ts"
import { replaceFile } from "../scaffold/plan.ts"
import type { InitReport, Plan } from "../scaffold/types.ts"
import { writeFiles } from "../scaffold/write.ts"

/**
 * Sets up a repository: policy, policy tests, CI, agents' settings, and with --native the package managers' own. Options:
 * `--yes`, `--preset solo|team|strict`, `--ci github|gitlab|none`, `--agents claude,codex,gemini,nanoclaw|none`,
 * `--[no-]instructions`, `--[no-]native`, `--image [base]`, `--no-image`, `--build-image`, `--dry-run`, `--force`, `--format text|json`. Every file is shown on stdout
 * before it is written (text), and nothing of the user's is replaced without --force or a yes. Exit: ok; findings where the
 * user said no, or a file has to be changed by hand; usage; configuration where a path is unsafe or has changed meanwhile.
 */
export async function init(ctx: Context, options: InitOptions): Promise<{ report: InitReport; exit: ExitCode }> {
  const given = readFlags(options)
  const { root, git } = findRoot(ctx.cwd)
  const flags = options.buildImage === true ? await flagsToBuild(given, root) : given
  const facts = detectFacts(readListing(ctx, root, git))
  const interactive = options.yes !== true
  if (interactive) refuseWithoutTerminal(ctx, options)
  const defaults = defaultAnswers(facts, flags)
  const answers = interactive ? await askAnswers(ctx, facts, flags, defaults) : defaults
  let plan = await buildPlan(ctx, root, facts, answers, options.force === true)

  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  const show = async () => {
    if (options.format !== "json") ctx.stdout.write(renderPlan(root, facts, plan, await diffsOf(plan), style))
  }
  await show()
  let agreed = options.dryRun !== true
  if (interactive && agreed) {
    const replaced = await askReplacements(
      ctx,
      plan.files.filter((file) => file.replacement !== undefined),
    )
    if (replaced.length > 0) {
      plan = { ...plan, files: plan.files.map((file) => (replaced.includes(file.path) ? replaceFile(file) : file)) }
      await show()
    }
    const count = plan.files.filter((file) => file.after !== (file.before ?? "")).length
    agreed = count > 0 && (await askToWrite(ctx, count))
  }
  const diffs = await diffsOf(plan)
  const written = agreed ? writeFiles(root, plan.files) : []
  const report: InitReport = {
    schema: "nanoguard.init/1",
    root,
    facts,
    answers,
    dryRun: options.dryRun === true,
    files: plan.files.map(({ path, action, reason }) => {
      const diff = diffs.get(path)
      return { path, action, reason, ...(diff !== undefined && { diff }) }
    }),
    written,
    notes: plan.notes,
    next: [
      ...["nanoguard policy check", "nanoguard policy test", "nanoguard vet"],
      // What the gate wants besides: somebody who may decide, and their word that the policy holds.
      ...["nanoguard approver add <your name>", "nanoguard policy adopt"],
      ...(answers.image !== undefined && options.buildImage !== true ? ["nanoguard init --build-image"] : []),
      "nanoguard run -- <your agent>",
    ],
  }
  if (options.buildImage === true && options.dryRun !== true) {
    const { buildAgentImage } = await import("./build-image.ts")
    report.image = await buildAgentImage(ctx, root, options)
  }
  ctx.stdout.write(renderInit(report, options.format === "json" ? "json" : "text", style))
  return { report, exit: exitOf(report) }
}

function exitOf(report: InitReport): ExitCode {
  const byHand = report.files.some((file) => file.action === "conflict")
  const declined = !report.dryRun && report.written.length === 0 && report.files.some((file) => file.diff !== undefined)
  return byHand || declined ? EXIT.findings : EXIT.ok
}

function refuseWithoutTerminal(ctx: Context, options: InitOptions): void {
  if (options.format === "json") throw usage("init --format json asks nothing: add --yes", YES_HINT)
  if (ctx.stdin.isTTY && ctx.stdout.isTTY) return
  throw usage("init has questions, and this is no terminal: add --yes", YES_HINT)
}

const YES_HINT =
  "--yes takes the defaults; --preset, --ci, --agents, --native and --no-instructions answer one question each; " +
  "--dry-run shows what would be written."

async function diffsOf(plan: Plan): Promise<Map<string, string>> {
  const diffs = new Map<string, string>()
  for (const file of plan.files) {
    const diff = await diffOf(file)
    if (diff !== undefined) diffs.set(file.path, diff)
  }
  return diffs
}
