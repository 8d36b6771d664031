// `worktree`: a checkout of the commit in a directory of the box's own, on a branch of its own. It is no worktree in git's sense: that one
// would share the real repository's configuration, hooks and refs with the box.
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Git } from "../../vet/git.ts"
import type { Settings } from "./git-config.ts"
import type { GitStart } from "./git-directory.ts"
import { type Repository, readHead, readRefs, resolveRef } from "./git-files.ts"
import { parseEntries } from "./git-index.ts"

interface CheckOut {
  /** The workspace on the host. */
  root: string
  repository: Repository
  settings: Settings
  /** The box's git directory, just made. */
  box: string
  tree: string
  run: string
  /** Secrets of the working tree: where they are committed, they stay out of the checkout. */
  hidden: readonly string[]
}

/** Checks out the commit of HEAD into `tree`. No filter, hook or other program of a configuration runs. */
export async function checkOutWorktree(
  git: Git,
  { root, repository, settings, box, tree, run, hidden }: CheckOut,
): Promise<Partial<GitStart>> {
  const head = readHead(repository.gitDirectory)!
  const refs = readRefs(repository.common)
  const commit = "id" in head ? head.id : resolveRef(refs, head.ref)
  if (commit === undefined)
    throw new NanoguardError("there is no commit yet that a worktree could begin with", {
      exit: EXIT.usage,
      hint: "commit something, or use --workspace copy",
    })
  const branch = `refs/heads/nanoguard/${run}`
  writeFileSync(join(box, "HEAD"), `ref: ${branch}\n`)
  writeFileSync(
    join(box, "packed-refs"),
    `${readFileSync(join(box, "packed-refs"), "latin1")}${commit} ${branch}\n`,
    "latin1",
  )
  const alternates = join(box, "objects/info/alternates")
  const inBox = readFileSync(alternates)
  writeFileSync(alternates, repository.objects.map((path) => `${path}\n`).join(""))
  const here = [`--git-dir=${box}`, `--work-tree=${tree}`, "-c", "core.attributesFile=/dev/null"]
  try {
    const read = await git([...here, "read-tree", commit])
    const skipped =
      hidden.length === 0
        ? ""
        : (await git([...here, "--literal-pathspecs", "ls-files", "-z", "--", ...hidden.slice(0, 1000)])).stdout
    if (skipped !== "") await git([...here, "update-index", "--skip-worktree", "-z", "--stdin"], skipped)
    const absent = await absentPaths(git, { here, repository, root, settings, commit })
    if (absent.length > 0) await git([...here, "update-index", "--skip-worktree", "-z", "--stdin"], absent.join("\0"))
    const out = await git([...here, "checkout-index", "--all", "--quiet", "--index"])
    if (read.exitCode !== 0 || (out.exitCode !== 0 && !existsSync(join(box, "index"))))
      throw new NanoguardError("git could not check out the commit", {
        exit: EXIT.environment,
        hint: "check the repository: git fsck",
      })
  } finally {
    writeFileSync(alternates, inBox)
  }
  return { head: `ref: ${branch}`, branch, base: commit }
}

interface Absent {
  here: readonly string[]
  root: string
  repository: Repository
  settings: Settings
  commit: string
}

/**
 * Files of the commit that the person's own checkout leaves out (git-sparse-checkout(1)), and those whose contents were never fetched: git would
 * put empty files in their place.
 */
async function absentPaths(git: Git, { here, root, repository, settings, commit }: Absent): Promise<string[]> {
  const entries = parseEntries((await git([...here, "ls-files", "-s", "-z"])).stdout)
  const tags = (await git([`--git-dir=${repository.gitDirectory}`, "ls-files", "-t", "-z"])).stdout.split("\0")
  const isThere = (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined
  const sparse = tags.flatMap((line) => (line.startsWith("S ") && !isThere(line.slice(2)) ? [line.slice(2)] : []))
  const isPartial = settings.some(([key]) => /^(remote\..+\.promisor|extensions\.partialclone)$/.test(key))
  const list = ["rev-list", "--objects", "--missing=print", "--no-walk", `${commit}^{tree}`]
  const missing = new Set(isPartial ? (await git([...here, ...list])).stdout.match(/(?<=^\?)[0-9a-f]{40,64}$/gm) : [])
  const never = [...entries].flatMap(([path, entry]) => (missing.has(entry.split(" ")[1]!) ? [path] : []))
  // One that is not in the index would keep git from all of them; names that are no text are none.
  return [...new Set([...sparse, ...never])].filter((path) => entries.has(path) && !path.includes("\ufffd"))
}
