// Moves for npm, pnpm, yarn and bun. All four keep what is locked while it suits, so a version is brought in by asking for
// exactly it, and stays when the project's own range (or nothing) is asked for again.
import { join, posix } from "node:path"
import type { Manager, Move } from "../../packages/commands.ts"
import { parentsOf } from "../../packages/graph.ts"
import type { Lockfile } from "../../packages/types.ts"
import { restoreSnapshot, takeSnapshot } from "./copy.ts"
import { type Job, locks, manifestsOf, readText, refuseVariables, type Task, versionsOf, writeText } from "./job.ts"
import { dropLockedOverrides, hasOverrides, overrideKeys, setOverrides } from "./overrides.ts"
import { setField, specsFor, specTo } from "./packageJson.ts"
import { Unfixable } from "./types.ts"
import { renameLocked } from "./yarnLock.ts"

/** Makes one move and re-locks; throws `Unfixable`. */
export async function moveNode(job: Job, move: Move, task: Task): Promise<void> {
  // pnpm looks for its settings in the directories above, too.
  const settings = [...job.copy.originals.keys()].filter((path) => posix.basename(path) === "pnpm-workspace.yaml")
  if (job.manager === "pnpm")
    refuseVariables(
      settings.map((path) => join(job.copy.dir, path)),
      job.copy.dir,
    )
  const lockfile = await job.read()
  if (move.kind === "remove") return await remove(job, lockfile, move.name)
  if (move.kind === "override" && !move.inRange) return await force(job, lockfile, move, task)
  const present = versionsOf(lockfile, move.name)
  if (move.kind === "direct" && present.size === 0) return await add(job, move)
  return await bringIn(job, lockfile, move, task)
}

/** Asks for exactly `version`, locks, and asks for the range again; keeps asking for exactly it where that is undone. */
async function bringIn(
  job: Job,
  lockfile: Lockfile,
  { kind, name, version }: Move & { version: string },
  task: Task,
): Promise<void> {
  const asked = takeSnapshot(job.copy)
  const from = new Set(task.dependency.name === name ? [task.dependency.version] : versionsOf(lockfile, name))
  if (kind === "direct") setSpecs(job, lockfile, name, version, true, true)
  const pins =
    kind !== "direct" || hasOtherParents(lockfile, name, from) ? overrideKeys(job.manager, lockfile, name, from) : []
  if (pins.length > 0 && hasOverrides(job, name)) throw new Unfixable(`the project has an override for ${name} already`)
  await setOverrides(job, pins, version)
  await relock(job)
  const exact = takeSnapshot(job.copy)
  if (!locks(await job.read(), name, version)) throw new Unfixable(`${job.manager} did not take ${name} ${version}`)

  const locked = readText(job.file) ?? ""
  restoreSnapshot(job.copy, asked)
  writeText(job.file, job.manager === "pnpm" ? dropLockedOverrides(locked, pins) : locked)
  const specs = kind === "direct" ? setSpecs(job, lockfile, name, version, false, true) : []
  if (job.manager === "yarn" || job.manager === "yarn1")
    writeText(job.file, renameLocked(locked, job.manager, lockfile, name, from, version, specs))
  await relock(job)
  const after = await job.read()
  const undone = !locks(after, name, version) || [...from].some((old) => old !== version && locks(after, name, old))
  if (undone) restoreSnapshot(job.copy, exact)
}

/** Forces a version by a rule that stays. */
async function force(
  job: Job,
  lockfile: Lockfile,
  { name, version }: Move & { kind: "override" },
  { dependency }: Task,
): Promise<void> {
  // npm refuses a rule that contradicts what the project itself asks for.
  if (dependency.direct) setSpecs(job, lockfile, name, version, true, false)
  await setOverrides(job, overrideKeys(job.manager, lockfile, name, new Set([dependency.version])), version)
  await relock(job)
}

async function remove(job: Job, lockfile: Lockfile, name: string): Promise<void> {
  let found = false
  for (const file of membersOf(job, lockfile)) {
    let text = readText(file) ?? ""
    for (const { field, key } of specsFor(text, name)) text = setField(text, [field, key], undefined)
    found = writeText(file, text) || found
  }
  if (!found) throw new Unfixable(`no package.json of the project names ${name}`)
  await relock(job)
}

/** A package that was not there: the alternative to one that was removed. */
async function add(job: Job, { name, version }: { name: string; version: string }): Promise<void> {
  const file = join(job.dir, "package.json")
  const text = readText(file)
  if (text === undefined) throw new Unfixable("there is no package.json beside the lockfile")
  writeText(file, setField(text, ["dependencies", name], version))
  await relock(job)
}

/**
 * Sets the project's own specifiers of a package: exactly to a version, or in the style that they have. With `needed`,
 * throws where no manifest names it. Returns what they say now.
 */
function setSpecs(
  job: Job,
  lockfile: Lockfile,
  name: string,
  version: string,
  exact: boolean,
  needed: boolean,
): string[] {
  const set: string[] = []
  for (const file of membersOf(job, lockfile)) {
    let text = readText(file) ?? ""
    for (const { field, key, text: spec } of specsFor(text, name)) {
      if (spec.startsWith("catalog:"))
        throw new Unfixable(`the version of ${name} is in a catalog of pnpm-workspace.yaml`)
      const next = specTo(spec, version, exact)
      text = setField(text, [field, key], next)
      set.push(next)
    }
    writeText(file, text)
  }
  if (needed && set.length === 0) throw new Unfixable(`no package.json of the project names ${name}`)
  return set
}

/** The manifests of the project and its workspaces: those that the lockfile has as a root, by directory or by name. */
function membersOf(job: Job, lockfile: Lockfile): string[] {
  const directories = new Set<string>()
  const names = new Set<string>()
  for (const { key, name } of lockfile.roots) {
    directories.add(join(job.dir, key)).add(join(job.dir, name))
    names.add(name)
  }
  return manifestsOf(job, "package.json").filter((file) => {
    const directory = file.slice(0, -"/package.json".length)
    if (directory === job.dir || directories.has(directory)) return true
    const name = /"name"\s*:\s*"([^"]+)"/.exec(readText(file) ?? "")?.[1]
    // yarn 1 locks its workspaces' packages without saying whose they are.
    return job.manager === "yarn1" || (name !== undefined && names.has(name))
  })
}

function hasOtherParents(lockfile: Lockfile, name: string, versions: ReadonlySet<string>): boolean {
  const roots = new Set(lockfile.roots.map((root) => root.key))
  return lockfile.dependencies
    .filter((entry) => entry.name === name && versions.has(entry.version))
    .some(({ key }) => parentsOf(lockfile, key).some((parent) => !roots.has(parent.key)))
}

/** Has the manager write its lockfile anew from the manifests: nothing is installed but by yarn 1, which cannot do without. */
async function relock(job: Job): Promise<void> {
  const { argv, extra } = await lockCommand(job)
  await job.run(argv, job.dir, extra)
}

async function lockCommand(job: Job): Promise<{ argv: [string, ...string[]]; extra?: Record<string, string> }> {
  switch (job.manager as Extract<Manager, "npm" | "pnpm" | "yarn1" | "yarn" | "bun">) {
    case "npm": {
      const text = readText(job.file) ?? ""
      const version = /"lockfileVersion"\s*:\s*([123])\b/.exec(text)?.[1] ?? "3"
      const flags = ["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--git=git"]
      const resolved = text.includes('"resolved"') ? ["--no-omit-lockfile-registry-resolved"] : []
      return { argv: ["npm", "install", ...flags, `--lockfile-version=${version}`, ...resolved] }
    }
    case "pnpm":
      return {
        argv: ["pnpm", "install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile"],
      }
    case "yarn1":
      await expectMajor(job, (major) => major === 1, "1")
      return {
        argv: ["yarn", "install", "--ignore-scripts", "--non-interactive", "--no-progress", "--ignore-engines"],
      }
    case "yarn":
      await expectMajor(job, (major) => major >= 2, "2 or later")
      return { argv: ["yarn", "install", "--mode=update-lockfile"] }
    case "bun":
      return { argv: ["bun", "install", "--lockfile-only", "--ignore-scripts"] }
  }
}

async function expectMajor(job: Job, suits: (major: number) => boolean, wanted: string): Promise<void> {
  const version = (await job.run(["yarn", "--version"], job.dir)).trim()
  if (suits(Number.parseInt(version, 10))) return
  throw new Unfixable(`the lockfile is of yarn ${wanted}, and another yarn is on the PATH: install it`, "yarn")
}
