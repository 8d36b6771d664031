// Which policy a vet is held against: a file that was named, the repository's own, the base's on a pull request, or the
// built-in one where there is none.
import { existsSync, lstatSync, realpathSync } from "node:fs"
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { type LayerText, LOCAL_POLICY_FILE, loadPolicyTexts, POLICY_FILE, readPolicyFiles } from "../policy/load.ts"
import { readTemplate } from "../scaffold/templates.ts"
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
  if (directory === undefined) {
    const local = texts.findIndex(({ file }) => file === LOCAL_POLICY_FILE)
    texts.splice(local < 0 ? texts.length : local, 0, await builtInPolicy())
  }
  const path = directory === undefined ? "built-in" : relative(ctx.cwd, join(directory, POLICY_FILE))
  return { policy: await loadPolicyTexts(texts), source: directory === undefined ? "built-in" : "file", path }
}

/** A change must not bring its own law: what the base has counts, and only the organisation's layer stands above it. */
async function loadFromBase(ctx: Context, base: Base, org: { orgFile?: string }): Promise<PolicyInUse> {
  const texts = (await readPolicyFiles({ directory: ctx.cwd, skipLocal: true, ...org })).filter(
    ({ file }) => file !== POLICY_FILE && file !== LOCAL_POLICY_FILE,
  )
  const found = base.nearest(POLICY_FILE)
  texts.push(found === undefined ? await builtInPolicy() : { text: found.text, file: POLICY_FILE })
  const source = found === undefined ? "built-in" : "base"
  return { policy: await loadPolicyTexts(texts), source, path: found?.path ?? "built-in" }
}

/**
 * The nearest directory from `start` upwards that has a policy; the search ends at the repository's root. Throws
 * `NanoguardError` (exit 4) where the policy is a link out of the repository, or is called nanoguard.yml: going on without it
 * would look like being held to it.
 */
export function findPolicyDirectory(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const entry = lstatSync(join(directory, POLICY_FILE), { throwIfNoEntry: false })
    if (entry?.isSymbolicLink()) assertInside(directory)
    if (entry !== undefined) return directory
    if (existsSync(join(directory, MISSPELT))) {
      throw new NanoguardError(`${MISSPELT} is not read`, {
        exit: EXIT.configuration,
        where: { file: relative(start, join(directory, MISSPELT)) },
        hint: `rename it to ${POLICY_FILE}`,
      })
    }
    if (isTop(directory)) return undefined
  }
}

const MISSPELT = "nanoguard.yml"

const isTop = (directory: string) => existsSync(join(directory, ".git")) || dirname(directory) === directory

/** A policy that is a link has to lead to a file of the same repository, or of the same directory where there is none. */
function assertInside(directory: string): void {
  let root = directory
  while (!isTop(root)) root = dirname(root)
  if (!existsSync(join(root, ".git"))) root = directory
  const path = join(directory, POLICY_FILE)
  const target = existsSync(path) ? relative(realpathSync(root), realpathSync(path)) : ".."
  if (target !== ".." && !target.startsWith(`..${sep}`) && !isAbsolute(target)) return
  throw new NanoguardError("the policy is a link that leads nowhere or out of the repository", {
    exit: EXIT.configuration,
    where: { file: POLICY_FILE },
    hint: "put the policy itself there, or name a file with --policy",
  })
}

async function builtInPolicy(): Promise<LayerText> {
  return { text: readTemplate("policy/solo.yaml", { network: "  []", nextYear: "2027" }), file: "built-in" }
}
