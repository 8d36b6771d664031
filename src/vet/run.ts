// One whole run: policy, lockfiles, advisories, evidence, verdicts, corrections, report.
import { posix } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { describeAdvisories, openDefaultAdvisories } from "../packages/advisories/index.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import { parseLockfileText } from "../packages/lockfiles/index.ts"
import type { Lockfile } from "../packages/types.ts"
import { VERSION } from "../version.ts"
import { addedSince, type Base, openBase, pullRequestBase } from "./changed.ts"
import { collectEvidence, type EvidenceSet } from "./evidence.ts"
import { nameDefaults, readInputs } from "./inputs.ts"
import { findPolicy, type PolicyInUse } from "./policy.ts"
import type { VetReport } from "./report.ts"
import { isVetted, type VetInput, type VetResult, vetLockfiles } from "./vet.ts"

export interface VetOptions {
  paths: readonly string[]
  offline: boolean
  /** Leave out what only development dependencies bring in. */
  prod: boolean
  /** Only what the change since this ref adds. */
  changed?: string | undefined
  policyFile?: string | undefined
  /** Where the policy is read from: the base of a pull request by default, else the working tree. */
  policyFrom?: "base" | "file" | undefined
  /** List every package, for CycloneDX. */
  components?: boolean
  /** Look for corrections; on by default. */
  corrections?: boolean
  /** Read the lockfiles below this directory, a copy of `ctx.cwd`, and everything else where it is: for `--fix`. */
  tree?: string
  /** A policy that was found before, instead of looking for one. */
  policy?: PolicyInUse
  progress?: ((done: number, of: number) => void) | undefined
}

const MAX_LEFT_OUT = 100

export interface VetRun {
  report: VetReport
  result: VetResult
  policy: PolicyInUse
}

/**
 * Vets what `options.paths` name, or the current directory. Throws `NanoguardError` where nothing can be checked; what a
 * registry did never throws, it is missing evidence.
 */
export async function runVet(ctx: Context, options: VetOptions): Promise<VetRun> {
  const { base, changedSince } = await openChange(ctx, options)
  const policy =
    options.policy ??
    (await findPolicy(ctx, {
      file: options.policyFile,
      base: base && readsBase(options, base) ? base : undefined,
    }))
  const { inputs, leftOut } = await readInputs(options.tree ?? ctx.cwd, options.paths)
  if (options.prod) for (const { lockfile } of inputs) lockfile.checkFlags?.()
  const vetted: VetInput[] = []
  for (const { lockfile } of inputs) {
    // The base knows what lies below the current directory; of a file elsewhere all counts as added.
    const only =
      base && options.changed !== undefined ? addedSince(lockfile, await lockfileAt(base, lockfile.path)) : undefined
    vetted.push({ lockfile, only })
  }
  const advisories = openDefaultAdvisories(ctx)
  let evidence: EvidenceSet | undefined
  try {
    const dependencies = vetted.flatMap(({ lockfile, only }) =>
      lockfile.dependencies.filter(
        (entry) => isVetted(entry) && (!only || only.has(entry.key)) && !(options.prod && entry.dev),
      ),
    )
    if (dependencies.length === 0 && options.changed === undefined && options.tree === undefined)
      throw nothingInside(inputs.map(({ lockfile }) => lockfile.path))
    const { offline, progress } = options
    evidence = await collectEvidence(ctx, policy.policy, advisories, dependencies, { offline, progress })
    const result = vetLockfiles(policy.policy, vetted, evidence, { now: ctx.now(), prod: options.prod })
    if (options.corrections !== false && result.rows.length > 0) {
      const { addCorrections } = await import("./corrections.ts")
      await addCorrections(policy.policy, result, evidence, ctx.now())
    }
    if (policy.policy.packages.needs.includes("score") && result.rows.length > 0) {
      const { addScores } = await import("./scores.ts")
      addScores(result.rows, evidence, ctx.now())
    }
    const report = reportOf(ctx, options, policy, vetted, evidence.advisories, result)
    if (evidence.live !== undefined) report.advisories.live = evidence.live
    if (changedSince !== undefined) report.changedSince = changedSince
    if (leftOut.length > 0) report.leftOut = leftOut.slice(0, MAX_LEFT_OUT)
    return { report, result, policy }
  } finally {
    advisories.close()
    await evidence?.close()
  }
}

/** The commit to compare with: named by --changed, or a pull request's base, which is then where the policy is read. */
async function openChange(ctx: Context, options: VetOptions): Promise<{ base?: Base; changedSince?: string }> {
  const fromCi = options.policyFrom === "file" ? undefined : pullRequestBase(ctx.env)
  const ref = options.changed ?? (options.policyFile === undefined ? fromCi : undefined)
  if (ref === undefined) {
    if (options.policyFrom !== "base") return {}
    throw new NanoguardError("--policy-from base needs to know the base", {
      exit: EXIT.usage,
      hint: "add --changed <ref>, for example --changed origin/main",
    })
  }
  const base = await openBase(ctx, ctx.cwd, ref)
  return options.changed === undefined ? { base } : { base, changedSince: ref }
}

function readsBase({ policyFile, policyFrom }: VetOptions, base: Base | undefined): boolean {
  return base !== undefined && policyFile === undefined && policyFrom !== "file"
}

async function lockfileAt(base: Base, path: string): Promise<Lockfile | undefined> {
  const text = base.read(path)
  if (text === undefined) return undefined
  try {
    const before = await parseLockfileText(text, path, (sibling) => base.read(posix.join(posix.dirname(path), sibling)))
    await nameDefaults(before)
    return before
  } catch (error) {
    // What was there before could not be read, so nothing of it is known: all of today's file counts as added.
    if (error instanceof NanoguardError) return undefined
    throw error
  }
}

function nothingInside(paths: readonly string[]): NanoguardError {
  return new NanoguardError("the lockfiles that were found name no package to vet", {
    exit: EXIT.nothingChecked,
    where: { file: paths[0] ?? "." },
    hint: "a project without dependencies needs no vet; --prod leaves out what is for development only",
  })
}

function reportOf(
  ctx: Context,
  options: VetOptions,
  { policy, path, source }: PolicyInUse,
  vetted: readonly VetInput[],
  advisories: AdvisoryIndex,
  result: VetResult,
): VetReport {
  const packages = new Map<Lockfile, number>()
  for (const { lockfile } of result.entries) packages.set(lockfile, (packages.get(lockfile) ?? 0) + 1)
  const ecosystems = new Set(result.entries.map(({ dependency }) => dependency.ecosystem))
  const components = options.components ? result.entries.map(componentOf) : []
  return {
    schema: "nanoguard.vet/1",
    tool: { name: "nanoguard", version: VERSION },
    time: new Date(ctx.now()).toISOString(),
    offline: options.offline,
    policy: { path, hash: policy.hash, mode: policy.mode, source },
    advisories: describeAdvisories(advisories, ecosystems),
    files: vetted.map(({ lockfile }) => ({
      path: lockfile.path,
      format: lockfile.format,
      formatVersion: lockfile.formatVersion,
      packages: packages.get(lockfile) ?? 0,
      warnings: lockfile.warnings,
    })),
    counts: result.counts,
    rows: result.rows,
    missing: result.missing,
    exceptions: result.exceptions,
    components,
  }
}

function componentOf({ dependency, facts }: VetResult["entries"][number]): VetReport["components"][number] {
  const { purl, name, version, ecosystem, integrity, dev, optional } = dependency
  const license = facts.license || dependency.claims?.license
  return { purl, name, version, ecosystem, integrity, dev, optional, ...(license && { license }) }
}
