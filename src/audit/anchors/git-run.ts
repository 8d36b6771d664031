// git, kept to what it is asked for: repositories and servers of others name no program to run and no other place to go.
import { delimiter, isAbsolute } from "node:path"
import type { Context, ExecResult } from "../../context.ts"
import { cleanText } from "../../render/clean.ts"
import { AnchorError, causeOf } from "./failure.ts"

/** Milliseconds for one call that stays on this machine, and for one that goes elsewhere. */
const LOCAL_MS = 30_000
const REMOTE_MS = 60_000

const MAX_OUTPUT = 64 * 1024 * 1024

/** The schemes that a call which goes elsewhere may use. */
export const SCHEMES = ["https", "ssh", "file"]

/** What keeps a repository's own configuration from naming programs: `true` is one that prints nothing. */
export const NO_PROGRAMS = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.alternateRefsCommand=true",
  "core.fsync=all",
].flatMap((setting) => ["-c", setting])

const SETTINGS = [
  ...NO_PROGRAMS,
  ...["-c", "protocol.ext.allow=never"],
  ...["-c", "transfer.fsckObjects=true"],
  ...["-c", "maintenance.auto=false"],
  ...["-c", "gc.auto=0"],
  ...["-c", "http.followRedirects=false"],
]

// Who commits and when: nothing of this host, so that the same checkpoint after the same one is the same commit everywhere.
const IDENTITY = {
  GIT_AUTHOR_NAME: "nanoguard",
  GIT_AUTHOR_EMAIL: "nanoguard@localhost",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_NAME: "nanoguard",
  GIT_COMMITTER_EMAIL: "nanoguard@localhost",
  GIT_COMMITTER_DATE: "@0 +0000",
}

// What git and ssh need of the user's environment to sign in elsewhere. GIT_DIR, GIT_CONFIG_* and the like stay out.
const PASSED = [
  ...["HOME", "USER", "LOGNAME", "USERPROFILE", "SystemRoot", "XDG_CONFIG_HOME", "TMPDIR", "SSH_AUTH_SOCK"],
  ...["https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"],
]

/** Runs git on one repository. A call is answered whatever its exit code; it throws `AnchorError` where git cannot run or hangs. */
export interface Git {
  /** On the repository alone: no transport is allowed. */
  local(args: readonly string[], input?: string): Promise<ExecResult>
  /** Also by the transports of `SCHEMES`. */
  remote(args: readonly string[]): Promise<ExecResult>
}

/** A git bound to the repository at `directory`. `anchor` is what errors name. */
export function gitIn(ctx: Pick<Context, "env" | "exec" | "cwd">, anchor: string, directory: string): Git {
  const env = { ...environment(ctx.env), GIT_DIR: directory }
  const run = async (args: readonly string[], transports: string, timeout: number, input?: string) => {
    const options = { env: { ...env, GIT_ALLOW_PROTOCOL: transports }, timeout, maxBuffer: MAX_OUTPUT, cwd: ctx.cwd }
    try {
      return await ctx.exec("git", [...SETTINGS, ...args], input === undefined ? options : { ...options, input })
    } catch (error) {
      const hint = "check that git is installed and the place answers"
      throw new AnchorError(anchor, `failed at git ${args[0]}: ${causeOf(error)}`, error, hint)
    }
  }
  return {
    local: (args, input) => run(args, "", LOCAL_MS, input),
    remote: (args) => run(args, SCHEMES.join(":"), REMOTE_MS),
  }
}

/** The output of a call that must succeed. Throws `AnchorError` with the last line that git wrote. */
export function must(anchor: string, what: string, { exitCode, stdout, stderr }: ExecResult): string {
  if (exitCode === 0) return stdout
  const last = stderr.trim().split("\n").at(-1) ?? ""
  throw new AnchorError(anchor, `${what}: ${cleanText(last, 200)}`)
}

function environment(env: Context["env"]): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(PASSED.map((name) => [name, env[name]])),
    // A relative entry would be a directory of whatever project this is started in.
    PATH: (env["PATH"] ?? "").split(delimiter).filter(isAbsolute).join(delimiter),
    ...IDENTITY,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    // Nobody is there to answer; a key that needs a person is an error.
    GIT_TERMINAL_PROMPT: "0",
    SSH_ASKPASS_REQUIRE: "never",
    GIT_SSH_COMMAND: env["GIT_SSH_COMMAND"] ?? "ssh -o BatchMode=yes -o ConnectTimeout=20",
  }
}
