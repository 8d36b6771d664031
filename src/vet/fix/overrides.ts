// Where each manager of the npm family keeps versions that are forced on everybody, and how a rule there is spelt.
import { basename, dirname, join } from "node:path"
import type { Manager } from "../../packages/commands.ts"
import { parentsOf } from "../../packages/graph.ts"
import { dependencyAt, plainRange } from "../../packages/ranges.ts"
import type { Lockfile } from "../../packages/types.ts"
import { type Job, readText, versionsOf, writeText } from "./job.ts"
import { fieldOf, setField } from "./packageJson.ts"
import { Unfixable } from "./types.ts"

/**
 * The keys of the rules that force one entry's version and no other's. Where a lockfile has one version of a package only,
 * that is its name; else rules are bound to the ranges, or for yarn 1 the parents, that bring this version in.
 */
export function overrideKeys(
  manager: Manager,
  lockfile: Lockfile,
  name: string,
  versions: ReadonlySet<string>,
): string[] {
  const others = [...versionsOf(lockfile, name)].some((version) => !versions.has(version))
  if (!others) return [name]
  if (manager === "bun")
    throw new Unfixable(`bun can only force one version on all who want ${name}, and they need several`)
  const keys = new Set<string>()
  for (const { key, version } of lockfile.dependencies.filter((entry) => entry.name === name)) {
    if (!versions.has(version)) continue
    for (const parent of parentsOf(lockfile, key)) {
      const above = dependencyAt(lockfile, parent.key)
      const range = plainRange(parent.range)
      if (manager === "yarn1") {
        if (above !== undefined) keys.add(`**/${above.name}/${name}`)
      } else if (/^[\^~<>=0-9a-z.*+ |-]+$/i.test(range)) {
        keys.add(manager === "yarn" ? `${name}@npm:${range}` : `${name}@${range}`)
      }
    }
  }
  if (keys.size === 0) throw new Unfixable(`the lockfile does not say in which ranges ${name} is wanted`)
  return [...keys]
}

/** Adds rules in the file where the project keeps them. */
export async function setOverrides(job: Job, keys: readonly string[], version: string): Promise<void> {
  if (keys.length === 0) return
  const manifest = join(job.dir, "package.json")
  const workspace = join(job.dir, "pnpm-workspace.yaml")
  if (job.manager === "pnpm" && (await keepsInWorkspace(job, manifest, workspace))) {
    writeText(workspace, await editYaml(readText(workspace) ?? "", keys, version))
    return
  }
  const field = { pnpm: ["pnpm", "overrides"], yarn: ["resolutions"], yarn1: ["resolutions"] }[job.manager as string]
  let text = readText(manifest)
  if (text === undefined) throw new Unfixable(`${basename(dirname(job.file))} has no package.json beside its lockfile`)
  for (const key of keys) {
    const path = [...(field ?? ["overrides"]), key]
    const present = fieldOf(text, path)
    // npm's rules may be objects with rules for what is below; "." is the package itself.
    if (typeof present === "object" && present !== null) path.push(".")
    text = setField(text, path, version)
  }
  writeText(manifest, text)
}

/** A pnpm-lock.yaml without its note of these rules: pnpm resolves anew whatever a rule that is gone had settled. */
export function dropLockedOverrides(text: string, keys: readonly string[]): string {
  return text.replace(/^overrides:\n((?: {2}\S.*\n)+)\n?/m, (_, rules: string) => {
    const kept = rules
      .split("\n")
      .filter((line) => line !== "" && !keys.includes(/^ {2}["']?([^"':]+)/.exec(line)?.[1] ?? ""))
    return kept.length === 0 ? "" : `overrides:\n${kept.join("\n")}\n\n`
  })
}

/** Whether the project has a rule for a package already: somebody put it there, and it is theirs to change. */
export function hasOverrides(job: Job, name: string): boolean {
  const text = readText(join(job.dir, "package.json")) ?? ""
  const fields = [["overrides"], ["resolutions"], ["pnpm", "overrides"]]
  if (fields.some((field) => mentions(fieldOf(text, field), name))) return true
  const yaml = job.manager === "pnpm" ? (readText(join(job.dir, "pnpm-workspace.yaml")) ?? "") : ""
  const lines = yaml.split(/^overrides:/m)[1]?.split(/\r?\n/) ?? []
  return lines.some((line) => isRuleFor(/^\s+["']?([^"':]+)/.exec(line)?.[1] ?? "", name))
}

function mentions(rules: unknown, name: string): boolean {
  if (typeof rules !== "object" || rules === null) return false
  return Object.entries(rules).some(([key, rule]) => isRuleFor(key, name) || mentions(rule, name))
}

/** Keys as the managers write them: `x`, `x@^1`, `parent/x`, `parent>x@1`. */
function isRuleFor(key: string, name: string): boolean {
  const last = key.split(">").at(-1)!
  return last === name || last.startsWith(`${name}@`) || last.endsWith(`/${name}`) || last.includes(`/${name}@`)
}

/** pnpm 11 reads overrides from pnpm-workspace.yaml only; older ones from there too, where the project uses it so. */
async function keepsInWorkspace(job: Job, manifest: string, workspace: string): Promise<boolean> {
  if (/^overrides:/m.test(readText(workspace) ?? "")) return true
  if (fieldOf(readText(manifest) ?? "", ["pnpm", "overrides"]) !== undefined) return false
  const major = Number.parseInt(await job.run(["pnpm", "--version"], job.dir), 10)
  return major >= 11
}

async function editYaml(text: string, keys: readonly string[], version: string): Promise<string> {
  if (!/^overrides:/m.test(text)) {
    const rules = keys.map((key) => `  ${JSON.stringify(key)}: ${JSON.stringify(version)}\n`).join("")
    const head = text === "" || text.endsWith("\n") ? text : `${text}\n`
    return `${head}overrides:\n${rules}`
  }
  const { parseDocument } = await import("yaml")
  const document = parseDocument(text)
  for (const key of keys) document.setIn(["overrides", key], version)
  return document.toString()
}
