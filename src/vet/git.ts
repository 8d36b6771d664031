// Reads objects of a git repository that nobody vouches for. Its configuration may name programs to run, its objects may
// be replaced or its history grafted; what is switched off here keeps git to reading what a commit holds.
import { delimiter, isAbsolute, relative, sep } from "node:path"
import type { Context, ExecResult } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"

// No program of the repository's choosing (fsmonitor, hooks, pager), no network (a partial clone fetches what is
// missing, through whatever transport its configuration names), no history but that of the objects themselves.
const SAFE = [
  "--no-pager",
  "--no-optional-locks",
  ...[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.commitGraph=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
    "protocol.ext.allow=never",
    // A directory of the project that is made like a repository is none, and may not stand in for the one around it.
    "safe.bareRepository=explicit",
    "diff.external=",
  ].flatMap((setting) => ["-c", setting]),
]

const MAX_OUTPUT = 256 * 1024 * 1024

/** Runs git in `cwd` without a shell. `args` must hold no text from outside that could be read as an option. */
export type Git = (args: readonly string[], input?: string) => Promise<ExecResult>

/** A git bound to one directory, one minute a call. Throws `NanoguardError` where git is missing or prints too much. */
export function safeGit(ctx: Context, cwd: string): Git {
  const env = safeEnvironment(ctx.env, ctx.cwd)
  return async (args, input) => {
    const options = { cwd, env, timeout: 60_000, maxBuffer: MAX_OUTPUT, ...(input !== undefined && { input }) }
    try {
      return await ctx.exec("git", [...SAFE, ...args], options)
    } catch (cause) {
      throw new NanoguardError(`git ${args[0]} could not be run, took longer than a minute or printed too much`, {
        exit: EXIT.environment,
        hint: "check that git is installed and that the repository is intact: git fsck",
        cause,
      })
    }
  }
}

// Only what git needs to start: GIT_DIR, GIT_CONFIG_* and the like could point it elsewhere. HOME stays, because the
// user's own configuration says which directories of other owners are safe.
function safeEnvironment(env: Context["env"], cwd: string): Record<string, string | undefined> {
  const { HOME, XDG_CONFIG_HOME, USERPROFILE, SystemRoot } = env
  return {
    PATH: (env["PATH"] ?? "")
      .split(delimiter)
      .filter((directory) => isTrusted(directory, cwd))
      .join(delimiter),
    HOME,
    XDG_CONFIG_HOME,
    USERPROFILE,
    SystemRoot,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_GRAFT_FILE: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
  }
}

// `npx` and `npm run` put every node_modules/.bin from here upwards first: a dependency may bring a program called git.
function isTrusted(directory: string, cwd: string): boolean {
  if (!isAbsolute(directory) || /(^|[\\/])node_modules[\\/]\.bin[\\/]?$/.test(directory)) return false
  const way = relative(cwd, directory)
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)
}
