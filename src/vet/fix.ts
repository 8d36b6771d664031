// `vet --fix`: corrections carried out in a copy, vetted again there, shown, and only then written, all or nothing.
import { createHash, randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, realpathSync, rmdirSync, rmSync, statSync } from "node:fs"
import { isAbsolute, join, posix, relative, resolve, sep } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { dataHome } from "../home.ts"
import type { Lockfile } from "../packages/types.ts"
import { applyChanges, isUnfinished, recover } from "./fix/apply.ts"
import { installCommand } from "./fix/carryOut.ts"
import { changesIn, copyTree, isInside, type WorkingCopy } from "./fix/copy.ts"
import { describeChanges } from "./fix/diff.ts"
import { managerEnvironment } from "./fix/environment.ts"
import { listProject, type ProjectFiles } from "./fix/files.ts"
import { createRunner } from "./fix/run.ts"
import { fixLockfile } from "./fix/steps.ts"
import type { FixReport, FixStep } from "./fix/types.ts"
import type { VetReport } from "./report.ts"
import { runVet, type VetOptions, type VetRun } from "./run.ts"

export interface FixOptions extends VetOptions {
  /** Show what would change and write nothing. */
  dryRun: boolean
}

export interface FixRun {
  report: FixReport
  /** The vet of the tree as it is (or with `dryRun` would be) afterwards. */
  after: VetReport
  /** Programs that would have to be installed to fix more. */
  lacking: string[]
}

/** Where the journal and the copy of one project live: outside every repository. */
export function fixState(ctx: Pick<Context, "env">, root: string): string {
  return join(dataHome(ctx), "fix", createHash("sha256").update(root).digest("hex").slice(0, 16))
}

/** Takes back what a run that was cut off left half done; returns the restored paths. Call it before vetting. */
export async function recoverTree(ctx: Context): Promise<string[]> {
  const { root } = await projectOf(ctx)
  return recover(root, join(fixState(ctx, root), "journal"))
}

/** Whether a run that was cut off left files half changed. */
export async function isTreeUnfinished(ctx: Context): Promise<boolean> {
  const { root } = await projectOf(ctx)
  return isUnfinished(join(fixState(ctx, root), "journal"))
}

/**
 * Fixes what `run` found: `run` must be of the tree as it is, with corrections. Throws `NanoguardError` where nothing can be
 * tried or the result cannot be written; a step that fails is reported and leaves nothing behind.
 */
export async function fixTree(ctx: Context, options: FixOptions, run: VetRun): Promise<FixRun> {
  refuseOutside(ctx.cwd, options.paths)
  const project = await projectOf(ctx)
  const state = fixState(ctx, project.root)
  removeOldCopies(state)
  const dir = join(state, `copy-${randomBytes(6).toString("hex")}`)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  try {
    const copy = copyTree(project.root, withLockfiles(ctx.cwd, project, run), dir)
    return await fixCopy(ctx, options, run, copy, state)
  } finally {
    rmSync(dir, { recursive: true, force: true })
    for (const empty of [state, join(state, "..")]) removeIfEmpty(empty)
  }
}

async function fixCopy(
  ctx: Context,
  options: FixOptions,
  run: VetRun,
  copy: WorkingCopy,
  state: string,
): Promise<FixRun> {
  const base = join(copy.dir, relative(copy.root, realpathSync(ctx.cwd)))
  const workshop = { copy, base, run: createRunner(ctx, managerEnvironment(ctx.env, copy.root)) }
  const below = (path: string) => relative(ctx.cwd, resolve(ctx.cwd, path)) || "."
  const vet = (paths: readonly string[], corrections: boolean) =>
    runVet(ctx, {
      ...options,
      paths: paths.map(below),
      corrections,
      tree: base,
      policy: run.policy,
      progress: undefined,
    })
  const lockfiles = new Map(run.result.entries.map(({ lockfile }) => [lockfile.path, lockfile]))
  const steps: FixStep[] = []
  const lacking = new Set<string>()
  for (const path of lockfiles.keys()) {
    const fixed = await fixLockfile(
      workshop,
      run.result.entries.filter((entry) => entry.lockfile.path === path),
      {
        vet: async () => (await vet([path], true)).result.entries,
      },
    )
    steps.push(...fixed.steps)
    for (const program of fixed.lacking) lacking.add(program)
  }

  const changes = changesIn(copy)
  const after = changes.length === 0 ? run : await vet(options.paths, true)
  const shown = (path: string) => posix.relative(toPosix(relative(copy.root, realpathSync(ctx.cwd))), path)
  const moved = new Map<string, { before: Lockfile; after: Lockfile }>()
  for (const { lockfile } of after.result.entries) {
    const before = lockfiles.get(lockfile.path)
    if (before !== undefined) moved.set(lockfile.path, { before, after: lockfile })
  }
  const files = await describeChanges(changes, shown, moved)
  const changed = new Set(files.map(({ path }) => path))
  const install = [...moved].filter(([path]) => changed.has(path)).map(([path, { after }]) => installOf(path, after))
  const applied = changes.length > 0 && !options.dryRun
  if (applied) applyChanges(copy.root, changes, join(state, "journal"))
  const report: FixReport = {
    schema: "nanoguard.fix/1",
    steps,
    files,
    applied,
    dryRun: options.dryRun,
    before: run.report.counts,
    after: after.report.counts,
    install: install.filter((command) => command !== ""),
  }
  return { report, after: after.report, lacking: [...lacking] }
}

/** Copies that a run which was cut off left behind; another run may still be working on a young one. */
function removeOldCopies(state: string): void {
  if (!existsSync(state)) return
  for (const name of readdirSync(state)) {
    const path = join(state, name)
    const stat = name.startsWith("copy-") ? statSync(path, { throwIfNoEntry: false }) : undefined
    if (stat && Date.now() - stat.mtimeMs > 86_400_000) rmSync(path, { recursive: true, force: true })
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Something is in it: another run's copy or journal.
  }
}

function installOf(path: string, lockfile: Lockfile): string {
  const command = installCommand(lockfile) ?? ""
  const directory = posix.dirname(path)
  return command === "" || directory === "." ? command : `${command} (in ${directory})`
}

async function projectOf(ctx: Context): Promise<ProjectFiles> {
  const project = await listProject(ctx, ctx.cwd)
  return { ...project, root: realpathSync(project.root) }
}

/** The project's files, and what lies beside a vetted lockfile even where git ignores it. */
function withLockfiles(cwd: string, { root, files }: ProjectFiles, run: VetRun): string[] {
  const all = new Set(files)
  const prefix = toPosix(relative(root, realpathSync(cwd)))
  const beside = ["package.json", "pyproject.toml", "Pipfile", "Cargo.toml", "go.mod", "go.sum", "pnpm-workspace.yaml"]
  for (const { path } of run.report.files) {
    const file = posix.join(prefix, path)
    for (const name of [posix.basename(file), ...beside]) all.add(posix.join(posix.dirname(file), name))
  }
  return [...all]
}

function refuseOutside(cwd: string, paths: readonly string[]): void {
  for (const path of paths) {
    if (isInside(cwd, resolve(cwd, path)) && !isAbsolute(relative(cwd, resolve(cwd, path)))) continue
    throw new NanoguardError("--fix changes only what lies below the current directory", {
      exit: EXIT.usage,
      where: { file: path },
      hint: "run it in the directory of that project",
    })
  }
}

function toPosix(path: string): string {
  return path.split(sep).join("/")
}
