// `vet --changed <ref>`: the lockfiles and the policy as they were where this branch left `ref`, read from git's objects,
// so that nothing in the working tree can change what it is compared with.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { Dependency, Lockfile } from "../packages/types.ts"
import { type Git, safeGit } from "./git.ts"
import { type FilesAt, readFilesAt } from "./tree.ts"

/** A commit to compare with. Paths are relative to the vetted root, with forward slashes. */
export interface Base {
  /** Full id of the merge base of the ref and HEAD. */
  commit: string
  /** The files that were read: lockfiles, what they refer to, and policies. */
  listFiles: () => string[]
  /** Text of one of those files as it was; undefined where there was none. */
  read: (path: string) => string | undefined
  /**
   * The nearest policy of this name in the root or a directory above it, up to the top of the repository: as the ref has it
   * today, since whoever makes a branch chooses where it leaves, and an old commit had an older policy or none. Throws
   * `NanoguardError` (exit 4) where that is a link.
   */
  nearest: (name: string) => { path: string; text: string } | undefined
}

/**
 * Opens the merge base of `ref` and HEAD for the directory `root`. Throws `NanoguardError`: usage for a ref that does not
 * exist, environment where there is no repository or its clone is too shallow, with the command that deepens it.
 */
export async function openBase(ctx: Context, root: string, ref: string): Promise<Base> {
  assertRef(ref)
  const git = safeGit(ctx, root)
  await assertRepository(git, root)
  const tip = await resolveRef(git, ref)
  const commit = await findMergeBase(git, ref, tip)
  const before = await readFilesAt(git, commit)
  const { files } = before
  const policies = tip === commit ? before : await readFilesAt(git, tip, true)
  return {
    commit,
    listFiles: () => [...files.keys()],
    read: (path) => files.get(path),
    nearest: (name) => nearestIn(policies, name),
  }
}

/** Links are not followed in a commit, and to go on without the file would look like having read it. */
function nearestIn({ files, links }: FilesAt, name: string): { path: string; text: string } | undefined {
  const all = [...files.keys(), ...links].filter((path) => isAbove(path, name))
  const found = all.sort((a, b) => a.length - b.length)[0]
  if (found === undefined) return undefined
  const text = files.get(found)
  if (text !== undefined) return { path: found, text }
  throw new NanoguardError(`${name} is a link in the commit to compare with`, {
    exit: EXIT.configuration,
    where: { file: found },
    hint: "commit the file itself in its place; until then: --policy-from file, or --policy <file>",
  })
}

function isAbove(path: string, name: string): boolean {
  return path.endsWith(name) && /^(\.\.\/)*$/.test(path.slice(0, path.length - name.length))
}

/**
 * The ref that a pull or merge request wants to go into, as the CI system states it; undefined outside of one. The
 * policy is then read from there, so that a change cannot bring its own.
 */
export function pullRequestBase(env: Context["env"]): string | undefined {
  const branch = env["GITHUB_BASE_REF"]
  // pull_request_target has the base checked out, unless a workflow takes the head: then, above all, its policy must not count.
  if (/^pull_request(_target)?$/.test(env["GITHUB_EVENT_NAME"] ?? "") && branch) return `origin/${branch}`
  const target = env["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"]
  return target ? `origin/${target}` : env["CI_MERGE_REQUEST_DIFF_BASE_SHA"] || undefined
}

/**
 * Keys of the entries that a change adds: those whose purl, source and hashes together were not in the lockfile before, or
 * were there for development only. Everything is new where there was no lockfile.
 */
export function addedSince(now: Lockfile, before: Lockfile | undefined): Set<string> {
  const known = new Set(before?.dependencies.map(identityOf))
  const shipped = new Set(before?.dependencies.filter(({ dev }) => !dev).map(identityOf))
  const isNew = (entry: Dependency) => !(entry.dev ? known : shipped).has(identityOf(entry))
  return new Set(now.dependencies.filter(isNew).map(({ key }) => key))
}

function identityOf({ purl, source, integrity }: Dependency): string {
  const place = "origin" in source ? source.origin : "url" in source ? source.url : source.path
  return JSON.stringify([purl, source.kind, place, [...integrity].sort()])
}

// What git-check-ref-format allows, with ~1, ^2 and @{u} behind it. Never a leading dash, ":path" or ":/text".
const REF = /^[\p{L}\p{N}_@][\p{L}\p{N}_@./+#=~^{}-]{0,249}$/u

function assertRef(ref: string): void {
  if (REF.test(ref) && !ref.includes("..")) return
  throw new NanoguardError("the ref to compare with is not the name of a branch, tag or commit", {
    exit: EXIT.usage,
    hint: "for example: nanoguard vet --changed origin/main",
  })
}

async function assertRepository(git: Git, root: string): Promise<void> {
  const { exitCode, stderr } = await git(["rev-parse", "--git-dir"])
  if (exitCode === 0) return
  const foreign = stderr.includes("dubious ownership")
  throw new NanoguardError(
    foreign ? "git does not read this repository: it belongs to another user" : "there is no git repository here",
    {
      exit: EXIT.environment,
      where: { file: root },
      hint: foreign
        ? 'if you trust it: git config --global --add safe.directory "$PWD"'
        : "run it inside a git repository, or without --changed",
    },
  )
}

async function resolveRef(git: Git, ref: string): Promise<string> {
  for (const candidate of candidatesOf(ref)) {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${candidate}^{commit}`]
    const { exitCode, stdout } = await git(args)
    const id = stdout.trim()
    if (exitCode === 0 && /^[0-9a-f]{40,64}$/.test(id)) return id
  }
  throw new NanoguardError(`the ref ${ref} is not in this clone`, { exit: EXIT.usage, hint: fetchHint(ref) })
}

/** Branches before tags: git prefers a tag, and whoever may push one could call it `origin/main`. */
function candidatesOf(ref: string): string[] {
  if (/^(refs\/|[0-9a-f]{40,64}$|(HEAD|@)([~^@{]|$))/.test(ref)) return [ref]
  return [`refs/remotes/${ref}`, `refs/heads/${ref}`, ref, `refs/remotes/origin/${ref}`]
}

async function findMergeBase(git: Git, ref: string, tip: string): Promise<string> {
  const { exitCode, stdout } = await git(["merge-base", tip, "HEAD"])
  const id = stdout.trim()
  if (exitCode === 0 && /^[0-9a-f]{40,64}$/.test(id)) return id
  const shallow = (await git(["rev-parse", "--is-shallow-repository"])).stdout.trim() === "true"
  if (shallow) {
    throw new NanoguardError(`this clone is too shallow to tell where it left ${ref}`, {
      exit: EXIT.environment,
      hint: "git fetch --unshallow origin (in GitHub Actions: fetch-depth: 0 for the checkout; in GitLab: GIT_DEPTH: 0)",
    })
  }
  throw new NanoguardError(`HEAD and ${ref} have no commit in common`, {
    exit: EXIT.usage,
    hint: "name the branch that this one started from",
  })
}

function fetchHint(ref: string): string {
  const branch = /^origin\/([\w./-]+)$/.exec(ref)?.[1]
  return branch === undefined
    ? "git fetch origin, or name a branch, tag or commit that git rev-parse knows"
    : `git fetch origin +refs/heads/${branch}:refs/remotes/origin/${branch} (in GitHub Actions: fetch-depth: 0 for the checkout)`
}
