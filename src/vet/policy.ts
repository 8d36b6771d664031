// Which policy a vet is held against: a file that was named, the repository's own, the base's on a pull request, or the
// built-in one where there is none.
import { existsSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import type { Context } from "../context.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { type LayerText, LOCAL_POLICY_FILE, loadPolicyTexts, POLICY_FILE, readPolicyFiles } from "../policy/load.ts"
import type { Base } from "./changed.ts"
import type { VetReport } from "./report.ts"

export interface PolicyInUse {
  policy: CompiledPolicy
  source: VetReport["policy"]["source"]
  /** To show: relative to the current directory where it lies below it. */
  path: string
}

export interface PolicyOptions {
  /** A policy file named on the command line. */
  file?: string | undefined
  /** Read it as it was at this commit instead. */
  base?: Base | undefined
}

/**
 * Finds and loads the policy for `ctx.cwd`. The organisation's layer comes from NANOGUARD_ORG_POLICY. In CI the local
 * layer is left out. Throws `NanoguardError` (exit 4) where a policy is there and cannot be loaded.
 */
export async function findPolicy(ctx: Context, options: PolicyOptions = {}): Promise<PolicyInUse> {
  const orgFile = ctx.env["NANOGUARD_ORG_POLICY"]
  const org = orgFile ? { orgFile: resolve(ctx.cwd, orgFile) } : {}
  if (options.file !== undefined) {
    const file = resolve(ctx.cwd, options.file)
    const texts = await readPolicyFiles({ directory: ctx.cwd, file, ...org })
    return { policy: await loadPolicyTexts(texts), source: "file", path: options.file }
  }
  if (options.base !== undefined) return loadFromBase(ctx, options.base, org)
  const directory = findPolicyDirectory(ctx.cwd)
  const texts = await readPolicyFiles({ directory: directory ?? ctx.cwd, skipLocal: Boolean(ctx.env["CI"]), ...org })
  if (directory === undefined) texts.push(await builtInPolicy())
  const path = directory === undefined ? "built-in" : relative(ctx.cwd, join(directory, POLICY_FILE))
  return { policy: await loadPolicyTexts(texts), source: directory === undefined ? "built-in" : "file", path }
}

/** A change must not bring its own law: what the base has counts, and only the organisation's layer stands above it. */
async function loadFromBase(ctx: Context, base: Base, org: { orgFile?: string }): Promise<PolicyInUse> {
  const texts = (await readPolicyFiles({ directory: ctx.cwd, skipLocal: true, ...org })).filter(
    ({ file }) => file !== POLICY_FILE && file !== LOCAL_POLICY_FILE,
  )
  const path = base.nearest(POLICY_FILE)
  const text = path === undefined ? undefined : base.read(path)
  texts.push(text === undefined ? await builtInPolicy() : { text, file: POLICY_FILE })
  const source = text === undefined ? "built-in" : "base"
  return { policy: await loadPolicyTexts(texts), source, path: path ?? "built-in" }
}

/** The nearest directory from `start` upwards that has a policy; the search ends at the repository's root. */
export function findPolicyDirectory(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, POLICY_FILE))) return directory
    if (existsSync(join(directory, ".git")) || dirname(directory) === directory) return undefined
  }
}

async function builtInPolicy(): Promise<LayerText> {
  const { readTemplate } = await import("../scaffold/templates.ts")
  return { text: readTemplate("policy/solo.yaml", { network: "  []", nextYear: "2027" }), file: "built-in" }
}
