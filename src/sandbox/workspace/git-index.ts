// What a box has staged, brought into the repository's index: entry by entry, each path checked by git, and never the box's own file.
import { lstatSync } from "node:fs"
import { join } from "node:path"
import type { Git } from "../../vet/git.ts"
import { copyIndex } from "./git-directory.ts"
import { AS_NANOGUARD } from "./git-move.ts"

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

export interface StagedChanges {
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
  const commit = (await git([...AS_NANOGUARD, bare, "commit-tree", "-m", "staged", tree])).stdout.trim()
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
export async function entriesAt(git: Git, fresh: string, from: string): Promise<Map<string, string> | undefined> {
  const stats = lstatSync(join(from, "index"), { throwIfNoEntry: false })
  if (stats === undefined) return new Map()
  if (!stats.isFile() || stats.size > MAX_INDEX) return undefined
  copyIndex(from, fresh)
  const { stdout, exitCode } = await git([`--git-dir=${fresh}`, "ls-files", "-s", "-z"])
  return exitCode === 0 ? parseEntries(stdout) : undefined
}

/**
 * Entries of an index by path, of what `git ls-files -s -z` prints: `<mode> <id> <stage>`. Of a path in conflict, which has several stages, the last;
 * git does not write a tree of those, and they stay in the box.
 */
export function parseEntries(stdout: string): Map<string, string> {
  return new Map(
    stdout.split("\0").flatMap((line): [string, string][] => {
      const match = /^(\d{6} [0-9a-f]{40,64} \d)\t(.+)$/s.exec(line)
      return match === null ? [] : [[match[2]!, match[1]!]]
    }),
  )
}
