// Where the ref of a log lies: in a repository on this machine, or in one elsewhere that is reached through a copy of the ref.
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import type { Context } from "../../context.ts"
import { stateHome } from "../../home.ts"
import { AnchorError, badAnchor, causeOf } from "./failure.ts"
import { type Git, gitIn, must, NO_PROGRAMS, SCHEMES } from "./git-run.ts"

/** A repository with the objects of a log's ref, and the ref itself. */
export interface Place {
  git: Git
  /** The commit that the ref names now, with its objects at hand; undefined where there is no such ref. */
  tip(ref: string): Promise<string | undefined>
  /** Moves the ref from `tip` to a commit that follows it; false where that was refused. */
  advance(ref: string, commit: string, tip: string | undefined): Promise<boolean>
}

type Edge = Pick<Context, "env" | "exec" | "cwd">

/** The place that a `git:` anchor names: an absolute path, or an https, ssh or file URL without a password. */
export function gitPlace(name: string, target: string, ctx: Edge): Place {
  if (isAbsolute(target)) return localPlace(name, target, ctx)
  const url = URL.parse(target)
  const scheme = url?.protocol.slice(0, -1) ?? ""
  if (!url || !SCHEMES.includes(scheme) || !target.startsWith(`${scheme}://`)) {
    throw badAnchor(name, `is neither an absolute path nor a URL of ${SCHEMES.join(", ")}`)
  }
  // Names of anchors are shown and stored. ssh takes a host or user that begins with a hyphen for an option.
  if (url.password !== "") throw badAnchor(`git:${scheme}://${url.host}`, "has a password in it")
  if (/^-/.test(decodeURIComponent(url.username)) || url.hostname.startsWith("-"))
    throw badAnchor(name, "is no address")
  return remotePlace(name, target, scheme === "file", ctx)
}

function localPlace(name: string, directory: string, ctx: Edge): Place {
  const git = gitIn(ctx, name, directory)
  return {
    git,
    tip: (ref) => readRef(name, git, ref),
    async advance(ref, commit, tip) {
      const before = tip ?? "0".repeat(commit.length)
      return (await git.local(["update-ref", "--no-deref", ref, commit, before])).exitCode === 0
    },
  }
}

function remotePlace(name: string, url: string, isFile: boolean, ctx: Edge): Place {
  const directory = join(
    stateHome(ctx),
    "anchors",
    `${createHash("sha256").update(url).digest("hex").slice(0, 16)}.git`,
  )
  const git = gitIn(ctx, name, directory)
  // A repository on this machine is served by a git that runs as this user: it too runs none of that repository's programs.
  const program = (service: string) => (isFile ? [`--${service}=${["git", ...NO_PROGRAMS, service].join(" ")}`] : [])
  const prepare = async () => {
    if (existsSync(join(directory, "HEAD"))) return
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error) => {
      throw new AnchorError(name, `has no room in the state directory: ${causeOf(error)}`, error)
    })
    must(name, "cannot be prepared", await git.local(["init", "--quiet", "--bare", "--template="]))
  }
  return {
    git,
    async tip(ref) {
      await prepare()
      const listed = await git.remote(["ls-remote", "--quiet", ...program("upload-pack"), "--", url, ref])
      const lines = must(name, "cannot be read", listed).split("\n")
      const tip = lines.find((line) => line.endsWith(`\t${ref}`))?.split("\t", 1)[0]
      if (tip === undefined || tip === (await readRef(name, git, ref))) return tip
      const options = ["--quiet", "--no-tags", "--no-auto-gc", "--no-recurse-submodules", "--no-write-fetch-head"]
      const fetched = await git.remote(["fetch", ...options, ...program("upload-pack"), "--", url, `+${ref}:${ref}`])
      must(name, "cannot be read", fetched)
      return readRef(name, git, ref)
    },
    async advance(ref, commit) {
      // Not forced: the other side takes only what follows its own commit.
      const push = ["push", "--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
      const pushed = await git.remote([...push, ...program("receive-pack"), "--", url, `${commit}:${ref}`])
      if (/\[(?:remote )?rejected\]/.test(pushed.stderr)) return false
      must(name, "cannot be written", pushed)
      // The copy gets three objects a minute, each a file of its own until they are packed.
      await git.local(["-c", "gc.auto=3000", "gc", "--auto", "--quiet", "--no-detach"])
      return true
    },
  }
}

async function readRef(name: string, git: Git, ref: string): Promise<string | undefined> {
  const format = "--format=%(refname) %(objectname)"
  const listed = must(name, "cannot be read", await git.local(["for-each-ref", format, ref]))
  return listed
    .split("\n")
    .find((line) => line.startsWith(`${ref} `))
    ?.slice(ref.length + 1)
}
