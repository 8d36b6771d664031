// `nanoguard policy check`, `policy test` and `policy explain`. Common options: `--policy <file>` (instead of the layers of the
// current directory) and `--format text|json` (text where absent). `test [files...]` takes test files; `explain <subject>` takes a
// purl, a request such as "POST https://host/path", another subject as verdicts show it, or the path of a JSON file.
import { readdir, readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { smallestChange } from "../policy/change.ts"
import { checkPolicy } from "../policy/check.ts"
import { checkLayers } from "../policy/check-layers.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { explain } from "../policy/explain.ts"
import { readActionFile, readSubject } from "../policy/input.ts"
import { type LayerText, loadPolicyTexts, parseLayer, readPolicyFiles } from "../policy/load.ts"
import { runExamples, runPolicyTests } from "../policy/testing.ts"
import type { PackageAction, PackageFacts } from "../policy/types.ts"
import {
  type CheckReport,
  type ExplainReport,
  renderCheck,
  renderExplain,
  renderTests,
  type TestReport,
} from "../render/policy.ts"
import { findPolicyDirectory } from "../vet/policy.ts"
import { nameOperation } from "./name-operation.ts"

export interface PolicyCommandOptions {
  policy?: string
  format?: "text" | "json"
}

/** What is known of a package; commands that may look it up pass one in. */
export type FactsLookup = (action: PackageAction, policy: CompiledPolicy) => Promise<PackageFacts>

/** Loads the policy and reports what cannot be meant. Exit: ok, or findings where there is an error among them. */
export async function policyCheck(
  ctx: Context,
  options: PolicyCommandOptions = {},
): Promise<{ report: CheckReport; exit: ExitCode }> {
  const { texts } = await readTexts(ctx, options)
  const policy = await loadPolicyTexts(texts)
  const layers = texts.map(({ text, file }) => parseLayer(text, file))
  const findings = [...checkLayers(layers), ...checkPolicy(policy, ctx.now())].map(({ layer, path, ...finding }) => ({
    ...finding,
    file: layers[layer]?.yaml.file ?? "built-in",
    line: layers[layer]?.yaml.where(path).line ?? 1,
    column: layers[layer]?.yaml.where(path).column ?? 1,
  }))
  const errors = findings.filter(({ level }) => level === "error").length
  const report: CheckReport = {
    schema: "nanoguard.policy-check/1",
    files: texts.map(({ file }) => file),
    policyHash: policy.hash,
    mode: policy.mode,
    rules: policy.packages.conditions.length + policy.listRules.length,
    exceptions: policy.packages.allExceptions.length,
    errors,
    findings,
  }
  ctx.stdout.write(renderCheck(report, options.format ?? "text"))
  return { report, exit: errors > 0 ? EXIT.findings : EXIT.ok }
}

const TEST_FILE_HINT =
  "name a file of cases, or none to run nanoguard.test.yaml and nanoguard.*.test.yaml beside the policy"
const TEST_FILE = /^nanoguard(?:\.[\w-]+)*\.test\.ya?ml$/

/**
 * Runs the inline examples and test files: those named, else nanoguard.test.yaml and nanoguard.*.test.yaml beside the policy. Exit: ok,
 * findings where a case fails, nothingChecked where there is no case at all.
 */
export async function policyTest(
  ctx: Context,
  files: readonly string[],
  options: PolicyCommandOptions = {},
): Promise<{ report: TestReport; exit: ExitCode }> {
  const { texts, directory } = await readTexts(ctx, options)
  const policy = await loadPolicyTexts(texts, { skipExamples: true })
  const layers = texts.map(({ text, file }) => parseLayer(text, file))
  const results = runExamples(policy, layers)
  const found =
    files.length > 0 ? files.map((file) => ({ file, path: resolve(ctx.cwd, file) })) : await findTests(directory)
  for (const { file, path } of found)
    results.push(...runPolicyTests(policy, await readNamed(path, file, TEST_FILE_HINT), file, ctx.now()))
  const failed = results.filter(({ passed }) => !passed).length
  const report: TestReport = {
    schema: "nanoguard.policy-test/1",
    policyHash: policy.hash,
    passed: results.length - failed,
    failed,
    results,
  }
  ctx.stdout.write(renderTests(report, options.format ?? "text"))
  return { report, exit: results.length === 0 ? EXIT.nothingChecked : failed > 0 ? EXIT.findings : EXIT.ok }
}

/** Explains one decision, with the smallest change that would turn it round. Exit: ok, whatever the verdict. */
export async function policyExplain(
  ctx: Context,
  subject: string,
  options: PolicyCommandOptions & { facts?: FactsLookup } = {},
): Promise<{ report: ExplainReport; exit: ExitCode }> {
  const { texts } = await readTexts(ctx, options)
  const policy = await loadPolicyTexts(texts)
  const input =
    readSubject(subject) ??
    readActionFile(await readNamed(resolve(ctx.cwd, subject), subject, subjectHint(subject)), subject)
  const evidence = { now: ctx.now(), counters: {}, ...input.evidence }
  if (input.action.kind === "package" && evidence.facts === undefined) {
    evidence.facts = options.facts ? await options.facts(input.action, policy) : { absent: "offline" }
  }
  const action = await nameOperation(policy, input.action)
  const explanation = explain(policy, action, evidence)
  const change = smallestChange(texts, action, evidence)
  const report: ExplainReport = { schema: "nanoguard.policy-explain/1", ...explanation, ...(change && { change }) }
  ctx.stdout.write(renderExplain(report, options.format ?? "text", ctx.stdout.columns))
  return { report, exit: EXIT.ok }
}

async function readTexts(
  ctx: Context,
  options: PolicyCommandOptions,
): Promise<{ texts: LayerText[]; directory: string }> {
  const org = ctx.env["NANOGUARD_ORG_POLICY"]
  const directory = findPolicyDirectory(ctx.cwd) ?? ctx.cwd
  const texts = await readPolicyFiles({
    directory,
    ...(options.policy !== undefined && { file: resolve(ctx.cwd, options.policy) }),
    ...(org && { orgFile: resolve(ctx.cwd, org) }),
    skipLocal: Boolean(ctx.env["CI"]),
  })
  if (texts.length === 0) {
    throw new NanoguardError("there is no nanoguard.yaml here or above", {
      exit: EXIT.configuration,
      hint: "write one with `nanoguard init`, or name one with --policy",
    })
  }
  return { texts, directory }
}

async function findTests(directory: string): Promise<{ file: string; path: string }[]> {
  const names = (await readdir(directory)).filter((name) => TEST_FILE.test(name)).sort()
  return names.map((file) => ({ file, path: join(directory, file) }))
}

/** What a subject looks like, and what `axios@1.6.0` was probably meant to be. */
function subjectHint(subject: string): string {
  const forms = 'a purl such as pkg:npm/left-pad@1.3.0, a request such as "GET https://host/path", or a file'
  const bare = /^(?:@[\w.-]{1,100}\/)?[\w.-]{1,100}@\d[\w.+-]{0,60}$/.test(subject)
  return bare ? `did you mean pkg:npm/${subject}? It takes ${forms}` : `give ${forms}`
}

async function readNamed(path: string, file: string, hint: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path))
  } catch (cause) {
    throw new NanoguardError("there is no such file, or it is not UTF-8 text", {
      exit: EXIT.usage,
      where: { file },
      hint,
      cause,
    })
  }
}
