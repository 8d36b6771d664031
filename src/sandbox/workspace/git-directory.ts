// The box's own git directory. The real one is not in the box but for its objects and those of submodules, read-only: git replaces HEAD,
// index, packed-refs and config by renames, which no mount of a file survives, and whatever a box could write there (hooks, config,
// commondir, a link in place of a log) a program on the host might run or follow at any moment. What comes of it is taken over at the
// end, by `git-return.ts`.
import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Git } from "../../vet/git.ts"
import { type BoxMount, IN_BOX } from "../types.ts"
import {
  namedBySettings,
  type ScopedSetting,
  type Settings,
  settingsForBox,
  settingsOf,
  writeSettings,
} from "./git-config.ts"
import { MAX_LOG, type Refs, type Repository, readHead, readRefs, stashesOf } from "./git-files.ts"
import { settingsWithLogins } from "./logins.ts"
import { readBeginning } from "./secrets.ts"

/** What a box began with, to say at the end what it changed. Plain data. */
export interface GitStart {
  repository: Repository | null
  head: string | null
  refs: [string, string][]
  settings: Settings
  hooks: string[]
  /** Ids of stashed changes, oldest first. */
  stashes: string[]
  /** A branch that nothing on the host has: the whole of a worktree's changes ends there. */
  branch?: string
  /** The commit that this branch began with. */
  base?: string
  /** Of the box's directory before the box had it; absent where it is not worth looking. */
  stamp?: string
}

interface GitDirectory {
  start: GitStart
  mounts: BoxMount[]
  /** Values of the repository's settings, to find what in the workspace they name. */
  named: string[]
}

/** Where it lies in a box whose `.git` is a file. */
const BESIDE = `${IN_BOX.workspace}.git`

/**
 * Makes `directory`: refs, index, log and hooks as the repository has them, settings filtered, no objects of its own. `hidden` are the paths
 * that the box does not see: git is not to take them for removed. Nothing of it is made where there is no repository: `git init` works there.
 */
export async function makeGitDirectory(
  git: Git,
  {
    root,
    repository,
    settings: all,
  }: { root: string; repository: Repository | undefined; settings: readonly ScopedSetting[] },
  directory: string,
  hidden: readonly string[],
): Promise<GitDirectory> {
  // Its parent is nobody else's; the box's user, who may be another than this one, has to get into it.
  mkdirSync(directory, { mode: 0o755 })
  if (repository === undefined)
    return {
      start: { repository: null, head: null, refs: [], settings: [], hooks: [], stashes: [] },
      mounts: ownMounts(directory, false),
      named: namedBySettings(all),
    }
  const { gitDirectory, common, file } = repository
  const target = file ? BESIDE : `${IN_BOX.workspace}/.git`
  const mounts = ownMounts(directory, file)
  refuseOtherRefs(all)
  const settings = settingsForBox(settingsOf(all, [root, gitDirectory, common]))
  for (const name of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "logs", "hooks", "alternates"])
    mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, "config"), writeSettings(settings))
  const refs = readRefs(common)
  const head = writeRefs(directory, gitDirectory, refs)
  mounts.push(...borrowObjects(repository.objects, directory, target))
  copyState(repository, directory)
  writeExclude(common, directory, hidden)
  const hooks = copyHooks(join(common, "hooks"), join(directory, "hooks"))
  mounts.push(...showModules(common, directory, target))
  await skipHidden(git, directory, hidden)
  const start = { repository, head, refs: [...refs], settings, hooks, stashes: stashesOf(common).map(({ id }) => id) }
  return { start, mounts, named: namedBySettings(all) }
}

/** The directory itself; where `.git` of the workspace is a file, beside it, and named by a file that is written here. */
function ownMounts(directory: string, file: boolean): BoxMount[] {
  if (!file) return [{ kind: "bind", source: directory, target: `${IN_BOX.workspace}/.git`, write: true }]
  const pointer = `${directory}.file`
  writeFileSync(pointer, `gitdir: ${BESIDE}\n`)
  return [
    { kind: "bind", source: directory, target: BESIDE, write: true },
    { kind: "bind", source: pointer, target: `${IN_BOX.workspace}/.git`, write: false },
  ]
}

function refuseOtherRefs(all: readonly ScopedSetting[]): void {
  if (all.some(({ key, value }) => key === "extensions.refstorage" && value !== "files"))
    throw new NanoguardError("this repository keeps its refs in a format that a box cannot have", {
      exit: EXIT.environment,
      hint: "git refs migrate --ref-format=files",
    })
}

/** HEAD, packed refs and symbolic ones; answers with HEAD as its file says it. */
function writeRefs(directory: string, gitDirectory: string, refs: Refs): string {
  const head = readHead(gitDirectory)!
  const line = "ref" in head ? `ref: ${head.ref}` : head.id
  writeFileSync(join(directory, "HEAD"), `${line}\n`)
  const packed = [...refs].filter(([, value]) => !value.startsWith("ref: ")).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(join(directory, "packed-refs"), packed.map(([name, id]) => `${id} ${name}\n`).join(""))
  for (const [name, value] of refs) {
    if (!value.startsWith("ref: ")) continue
    mkdirSync(join(directory, name, ".."), { recursive: true })
    writeFileSync(join(directory, name), `${value}\n`)
  }
  return line
}

/** The repository's objects and those that it borrows: read-only, each where `objects/info/alternates` of the box names it. */
function borrowObjects(objects: readonly string[], directory: string, target: string): BoxMount[] {
  const mounts: BoxMount[] = []
  for (const [at, source] of objects.entries()) {
    mkdirSync(join(directory, "alternates", `${at}`))
    mounts.push({ kind: "bind", source, target: `${target}/alternates/${at}`, write: false })
  }
  writeFileSync(join(directory, "objects/info/alternates"), objects.map((_, at) => `../alternates/${at}\n`).join(""))
  return mounts
}

/** Where a shallow history ends, what of the tree is checked out and staged, and the logs of HEAD and of stashes. */
function copyState({ gitDirectory, common }: Repository, directory: string): void {
  copyPlain(common, directory, "shallow")
  copyPlain(gitDirectory, directory, "info/sparse-checkout")
  copyPlain(gitDirectory, directory, "logs/HEAD")
  mkdirSync(join(directory, "logs/refs"), { recursive: true })
  copyPlain(common, directory, "logs/refs/stash")
  copyIndex(gitDirectory, directory)
}

function copyPlain(from: string, to: string, name: string): void {
  const source = join(from, name)
  const stats = lstatSync(source, { throwIfNoEntry: false })
  if (stats?.isFile() && stats.size <= MAX_LOG) copyFileSync(source, join(to, name))
}

/**
 * Copies the index, and what a split one shares, with the times by which git tells entries that may have changed within the same instant: a copy
 * that looks newer would hide such a change. Never later than they were: Node sets a time as a fraction, so what is below a microsecond is left out.
 */
export function copyIndex(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name !== "index" && !/^sharedindex\.[0-9a-f]{40,64}$/.test(name)) continue
    const stats = lstatSync(join(from, name), { bigint: true })
    if (!stats.isFile()) continue
    copyFileSync(join(from, name), join(to, name), constants.COPYFILE_FICLONE)
    const time = Number(stats.mtimeNs / 1000n - 1n) / 1e6
    utimesSync(join(to, name), time, time)
  }
}

/** The repository's own patterns, and every hidden path: what is masked is not there to be added. */
function writeExclude(common: string, directory: string, hidden: readonly string[]): void {
  const exclude = readBeginning(join(common, "info/exclude"), MAX_LOG) ?? ""
  const lines = hidden.map((path) => `/${path.replace(/[\\*?[\]!# ]/g, "\\$&")}\n`)
  writeFileSync(
    join(directory, "info/exclude"),
    Buffer.from(`${exclude}\n${Buffer.from(lines.join("")).toString("latin1")}`, "latin1"),
  )
}

/** The person's own hooks run in the box as well: small plain files, samples left out. */
function copyHooks(from: string, to: string): string[] {
  if (!lstatSync(from, { throwIfNoEntry: false })?.isDirectory()) return []
  const names = readdirSync(from).filter((name) => {
    const stats = lstatSync(join(from, name))
    return !name.endsWith(".sample") && stats.isFile() && stats.size <= 256 * 1024
  })
  for (const name of names.slice(0, 64)) copyFileSync(join(from, name), join(to, name))
  return names.slice(0, 64)
}

/** Git directories of submodules, read-only, without settings that hold a key. */
function showModules(common: string, directory: string, target: string): BoxMount[] {
  const source = join(common, "modules")
  if (!lstatSync(source, { throwIfNoEntry: false })?.isDirectory()) return []
  mkdirSync(join(directory, "modules"))
  return [
    { kind: "bind", source, target: `${target}/modules`, write: false },
    ...settingsWithLogins(source).map(
      (path): BoxMount => ({ kind: "mask", target: `${target}/modules/${path}`, directory: false }),
    ),
  ]
}

// A masked file that is committed looks changed: told to git in the box's own index.
async function skipHidden(git: Git, directory: string, hidden: readonly string[]): Promise<void> {
  if (hidden.length === 0 || !existsSync(join(directory, "index"))) return
  const listed = await git([
    `--git-dir=${directory}`,
    "--literal-pathspecs",
    "ls-files",
    "-z",
    "--",
    ...hidden.slice(0, 1000),
  ])
  if (listed.exitCode === 0 && listed.stdout !== "")
    await git(
      [`--git-dir=${directory}`, "--work-tree=.", "update-index", "--skip-worktree", "-z", "--stdin"],
      listed.stdout,
    )
}
