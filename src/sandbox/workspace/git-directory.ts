// The box's own git directory. The real one is not in the box but for its objects, read-only: git replaces HEAD, index, packed-refs
// and config by renames, which no mount of a file survives, and whatever a box could write there (hooks, config, commondir, a link in
// place of a log) a program on the host might run or follow at any moment. What comes of it is taken over at the end, by `git-return.ts`.
import { constants, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Git } from "../../vet/git.ts"
import { type BoxMount, IN_BOX } from "../types.ts"
import { type ScopedSetting, type Settings, settingsForBox, writeSettings } from "./git-config.ts"
import { type Refs, type Repository, readHead, readRefs } from "./git-files.ts"
import { settingsWithLogins } from "./logins.ts"
import { realPath } from "./places.ts"
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

export interface GitDirectory {
  start: GitStart
  mounts: BoxMount[]
  /** Values of the repository's settings, to find what in the workspace they name. */
  named: string[]
}

const MAX_LOG = 4 * 1024 * 1024
const MAX_ALTERNATES = 8
/** Where it lies in a box whose `.git` is a file. */
const BESIDE = `${IN_BOX.workspace}.git`

/**
 * Makes `directory`: refs, index, log and hooks as the repository has them, settings filtered, no objects of its own. `hidden` are the paths
 * that the box does not see: git is not to take them for removed. Nothing of it is made where there is no repository: `git init` works there.
 */
export async function makeGitDirectory(
  git: Git,
  { repository, settings: all }: { repository: Repository | undefined; settings: readonly ScopedSetting[] },
  directory: string,
  hidden: readonly string[],
): Promise<GitDirectory> {
  // Its parent is nobody else's; the box's user, who may be another than this one, has to get into it.
  mkdirSync(directory, { mode: 0o755 })
  const mounts: BoxMount[] = [{ kind: "bind", source: directory, target: `${IN_BOX.workspace}/.git`, write: true }]
  if (repository === undefined)
    return {
      start: { repository: null, head: null, refs: [], settings: [], hooks: [], stashes: [] },
      mounts,
      named: [],
    }
  const { gitDirectory, common, file } = repository
  const target = file ? BESIDE : `${IN_BOX.workspace}/.git`
  if (file) {
    const pointer = `${directory}.file`
    writeFileSync(pointer, `gitdir: ${BESIDE}\n`)
    mounts.length = 0
    mounts.push(
      { kind: "bind", source: directory, target: BESIDE, write: true },
      { kind: "bind", source: pointer, target: `${IN_BOX.workspace}/.git`, write: false },
    )
  }
  if (all.some(({ key, value }) => key === "extensions.refstorage" && value !== "files"))
    throw new NanoguardError("this repository keeps its refs in a format that a box cannot have", {
      exit: EXIT.environment,
      hint: "use --workspace copy; or: git refs migrate --ref-format=files",
    })
  const settings = settingsForBox(all)
  for (const name of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "logs", "hooks", "alternates"])
    mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, "config"), writeSettings(settings))
  const refs = readRefs(common)
  const head = writeRefs(directory, gitDirectory, refs)
  const objects = alternatesOf(common)
  for (const [at, source] of objects.entries()) {
    mkdirSync(join(directory, "alternates", `${at}`))
    mounts.push({ kind: "bind", source, target: `${target}/alternates/${at}`, write: false })
  }
  writeFileSync(join(directory, "objects/info/alternates"), objects.map((_, at) => `../alternates/${at}\n`).join(""))
  copyPlain(common, directory, "shallow")
  copyPlain(gitDirectory, directory, "info/sparse-checkout")
  copyPlain(gitDirectory, directory, "logs/HEAD")
  mkdirSync(join(directory, "logs/refs"), { recursive: true })
  copyPlain(common, directory, "logs/refs/stash")
  copyIndex(gitDirectory, directory)
  const exclude = readBeginning(join(common, "info/exclude"), MAX_LOG) ?? ""
  const lines = hidden.map((path) => `/${path.replace(/[\\*?[\]!# ]/g, "\\$&")}\n`)
  writeFileSync(
    join(directory, "info/exclude"),
    Buffer.from(`${exclude}\n${Buffer.from(lines.join("")).toString("latin1")}`, "latin1"),
  )
  const hooks = copyHooks(join(common, "hooks"), join(directory, "hooks"))
  if (lstatSync(join(common, "modules"), { throwIfNoEntry: false })?.isDirectory()) {
    mkdirSync(join(directory, "modules"))
    const modules = { source: join(common, "modules"), target: `${target}/modules` }
    mounts.push({ kind: "bind", ...modules, write: false })
    for (const path of settingsWithLogins(modules.source))
      mounts.push({ kind: "mask", target: `${modules.target}/${path}`, directory: false })
  }
  await skipHidden(git, directory, hidden)
  const start = { repository, head, refs: [...refs], settings, hooks, stashes: stashesOf(common).map(({ id }) => id) }
  return { start, mounts, named: all.filter(({ scope }) => scope !== "global").map(({ value }) => value) }
}

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

/** The objects of a repository and those that it borrows. */
export function alternatesOf(common: string): string[] {
  const found = [realPath(join(common, "objects"))].filter((path) => path !== undefined)
  for (let at = 0; at < found.length; at++) {
    for (const line of (readBeginning(join(found[at]!, "info/alternates"), 65_536) ?? "").split("\n")) {
      const path =
        line === "" || line.startsWith("#") ? undefined : realPath(line.startsWith("/") ? line : join(found[at]!, line))
      // Only what is made like a directory of objects: this mount is not asked about.
      if (
        path !== undefined &&
        existsSync(join(path, "pack")) &&
        !found.includes(path) &&
        found.length < MAX_ALTERNATES
      )
        found.push(path)
    }
  }
  return found
}

function copyPlain(from: string, to: string, name: string): void {
  const source = join(from, name)
  const stats = lstatSync(source, { throwIfNoEntry: false })
  if (stats?.isFile() && stats.size <= MAX_LOG) copyFileSync(source, join(to, name))
}

/** With its modification time, by which git tells entries that may have changed within the same instant. */
export function copyIndex(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name !== "index" && !/^sharedindex\.[0-9a-f]{40,64}$/.test(name)) continue
    if (!lstatSync(join(from, name)).isFile()) continue
    copyFileSync(join(from, name), join(to, name), constants.COPYFILE_FICLONE)
  }
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

/** Stashed changes of a git directory by its log, oldest first. */
export function stashesOf(directory: string): { id: string; message: string }[] {
  return (readBeginning(join(directory, "logs/refs/stash"), MAX_LOG) ?? "").split("\n").flatMap((line) => {
    const match = /^[0-9a-f]{40,64} ([0-9a-f]{40,64}) [^\t]*\t(.*)$/.exec(line)
    return match === null ? [] : [{ id: match[1]!, message: match[2]! }]
  })
}
