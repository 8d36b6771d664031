// What a box has staged, brought into the repository's index: entry by entry, each path checked by git, and never the box's own file.
import { copyFileSync, lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"

interface TakeIndex {
  git: Git
  box: string
  /** A bare directory of our own that sees the box's objects. */
  fresh: string
  /** Directory with the index as it was when the box began. */
  initial: string
  /** Options that name the repository. */
  real: readonly string[]
}

interface StagedChanges {
  /** Holds every staged file, so that a fetch brings them; absent where nothing changed. */
  commit?: string
  /** Once HEAD has moved. False where something could not be taken over. */
  apply: () => Promise<boolean>
}

const MAX_INDEX = 512 * 1024 * 1024
const NOTHING: StagedChanges = { apply: async () => true }
const FAILED: StagedChanges = { apply: async () => false }

/** Compares what is staged in the box with what was at its beginning. Paths that the host has staged otherwise meanwhile stay the host's. */
export async function takeIndex({ git, box, fresh, initial, real }: TakeIndex): Promise<StagedChanges> {
  const bare = `--git-dir=${fresh}`
  const before = await entriesAt(git, fresh, initial)
  const after = await entriesAt(git, fresh, box)
  if (before === undefined || after === undefined) return FAILED
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  )
  if (changed.length === 0) return NOTHING
  // Paths that are no UTF-8 would come back as other names.
  if (changed.some((path) => path.includes("\ufffd"))) return FAILED
  const tree = (await git([bare, "write-tree"])).stdout.trim()
  if (!/^[0-9a-f]{40,64}$/.test(tree)) return FAILED
  const identity = ["-c", "user.name=nanoguard", "-c", "user.email=nanoguard@localhost"]
  const commit = (await git([...identity, bare, "commit-tree", "-m", "staged", tree])).stdout.trim()
  const apply = async () => {
    const now = parseEntries((await git([...real, "ls-files", "-s", "-z"])).stdout)
    const free = changed.filter((path) => now.get(path) === before.get(path))
    const none = "0".repeat(tree.length)
    const lines = free.map((path) => {
      const entry = after.get(path)
      return entry === undefined ? `0 ${none}\t${path}\0` : `${entry}\t${path}\0`
    })
    const { exitCode } = await git([...real, "update-index", "-z", "--index-info"], lines.join(""))
    return exitCode === 0 && free.length === changed.length
  }
  return { commit, apply }
}

/** Entries of the index in `from` by path; undefined where it is none or git does not read it. An index that is not there is empty. */
async function entriesAt(git: Git, fresh: string, from: string): Promise<Map<string, string> | undefined> {
  const stats = lstatSync(join(from, "index"), { throwIfNoEntry: false })
  if (stats === undefined) return new Map()
  if (!stats.isFile() || stats.size > MAX_INDEX) return undefined
  for (const name of readdirSync(from))
    if (name === "index" || (/^sharedindex\.[0-9a-f]{40,64}$/.test(name) && lstatSync(join(from, name)).isFile()))
      copyFileSync(join(from, name), join(fresh, name))
  const { stdout, exitCode } = await git([`--git-dir=${fresh}`, "ls-files", "-s", "-z"])
  return exitCode === 0 ? parseEntries(stdout) : undefined
}

// `<mode> <id> <stage>\t<path>`. A path in conflict has several; git does not write a tree of those, and they stay in the box.
function parseEntries(stdout: string): Map<string, string> {
  return new Map(
    stdout.split("\0").flatMap((line): [string, string][] => {
      const match = /^(\d{6} [0-9a-f]{40,64} \d)\t(.+)$/s.exec(line)
      return match === null ? [] : [[match[2]!, match[1]!]]
    }),
  )
}
