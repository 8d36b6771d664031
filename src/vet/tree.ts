// The files of one commit that a vet looks at, as text.
import { posix } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { formatOf } from "../packages/lockfiles/formats.ts"
import type { Git } from "./git.ts"

const MAX_FILES = 5000
const MAX_FILE_BYTES = 128 * 1024 * 1024
const MAX_TOTAL_BYTES = 512 * 1024 * 1024

// Anywhere: policies, and what a Go module may belong to. Beside a lockfile: what its reader looks at. Requirements name
// each other, mostly from a directory of that name; one that names a file elsewhere cannot be read, and counts as new.
const POLICY = /^nanoguard[\w.-]*\.ya?ml$/
const WORKSPACE = /^go\.work$/
const BESIDE =
  /^(go\.sum|\.npmrc|\.yarnrc(\.yml)?|package\.json|pyproject\.toml|Pipfile|Cargo\.toml|[\w.-]+\.(txt|in))$/
const REQUIREMENTS = /(^|\/)(requirements|constraints|reqs?)\/[\w./-]+\.(txt|in)$/

const isLockfile = (path: string): boolean => formatOf(path) !== undefined

function chooseFiles(entries: readonly Entry[]): Entry[] {
  const own = entries.filter(({ path, link }) => !link && !path.split("/").includes("node_modules"))
  const directories = new Set(own.filter(({ path }) => isLockfile(path)).map(({ path }) => posix.dirname(path)))
  return own.filter(({ path }) => {
    const name = posix.basename(path)
    const beside = BESIDE.test(name) && directories.has(posix.dirname(path))
    return isLockfile(path) || beside || POLICY.test(name) || WORKSPACE.test(name) || REQUIREMENTS.test(path)
  })
}

export interface FilesAt {
  files: Map<string, string>
  /** Paths of symbolic links; they are not followed. */
  links: string[]
}

/**
 * Reads lockfiles, what they refer to and policies at a commit, below the directory that `git` runs in, by their paths
 * relative to it; of the directories above it, up to the top of the repository, policies only (`../nanoguard.yaml`).
 * With `policiesOnly` nothing else is read. Throws `NanoguardError` where they are too many, too large or not in the clone.
 */
export async function readFilesAt(git: Git, commit: string, policiesOnly = false): Promise<FilesAt> {
  const all = await listTree(git, commit, ["-r"], [])
  const below = chooseFiles(all).filter(({ path }) => !policiesOnly || POLICY.test(posix.basename(path)))
  const prefix = (await git(["rev-parse", "--show-prefix"])).stdout.trim()
  const parents = prefix
    .split("/")
    .slice(1)
    .map((_, i) => "../".repeat(i + 1))
  const above = parents.length === 0 ? [] : await listTree(git, commit, [], parents)
  const policies = above.filter(
    ({ path, link }) => !link && path.startsWith("../") && POLICY.test(posix.basename(path)),
  )
  const links = [...all, ...above].filter(({ link }) => link).map(({ path }) => path)
  return { files: await readBlobs(git, commit, [...below, ...policies]), links }
}

async function listTree(git: Git, commit: string, options: string[], paths: string[]): Promise<Entry[]> {
  const { exitCode, stdout } = await git(["ls-tree", ...options, "-z", "-l", commit, "--", ...paths])
  if (exitCode !== 0) throw damaged(commit)
  return stdout
    .split("\0")
    .map(parseEntry)
    .filter((entry) => entry !== undefined)
}

interface Entry {
  id: string
  /** NaN where the object is not in this clone. */
  size: number
  path: string
  /** A symbolic link: its object holds where it leads. */
  link: boolean
}

// `<mode> <type> <id> <size>\t<path>`; submodules are no files. git prints BAD for the size of a lost object.
function parseEntry(line: string): Entry | undefined {
  const match = /^(100[0-7]{3}|120000) blob ([0-9a-f]{40,64}) +(\w+)\t(.+)$/s.exec(line)
  if (match === null) return undefined
  return { id: match[2]!, size: Number(match[3]), path: match[4]!, link: match[1] === "120000" }
}

async function readBlobs(git: Git, commit: string, entries: readonly Entry[]): Promise<Map<string, string>> {
  if (entries.some(({ size }) => Number.isNaN(size))) throw damaged(commit)
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  const largest = entries.reduce((most, { size }) => Math.max(most, size), 0)
  if (entries.length > MAX_FILES || total > MAX_TOTAL_BYTES || largest > MAX_FILE_BYTES) {
    throw new NanoguardError("the commit to compare with has more or larger lockfiles than can be read", {
      exit: EXIT.nothingChecked,
      hint: `at most ${MAX_FILES} files, 128 MiB each: vet a directory of it, or without --changed`,
    })
  }
  const files = new Map<string, string>()
  for (let i = 0; i < entries.length; i += 8) {
    const batch = entries.slice(i, i + 8)
    const results = await Promise.all(batch.map(({ id }) => git(["cat-file", "blob", id])))
    for (const [j, { exitCode, stdout }] of results.entries()) {
      if (exitCode !== 0) throw damaged(commit)
      files.set(batch[j]!.path, stdout)
    }
  }
  return files
}

function damaged(commit: string): NanoguardError {
  return new NanoguardError(`git cannot read all files of commit ${commit.slice(0, 12)}`, {
    exit: EXIT.environment,
    hint: "a partial clone lacks them: git fetch --refetch --no-filter origin; else check with git fsck",
  })
}
