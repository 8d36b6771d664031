// Where agents' programs keep their logins on this machine.
import { createHash } from "node:crypto"
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import type { LoginName } from "./providers.ts"

type FindContext = Pick<Context, "env" | "exec">

/** Largest login that is read, in bytes. */
const MAX_LOGIN = 256 * 1024
const TIMEOUT = 60_000

/** The text of a program's login, and where it was; undefined where there is none. */
export async function findLogin(
  ctx: FindContext,
  program: LoginName,
  platform: NodeJS.Platform = process.platform,
): Promise<{ text: string; where: string } | undefined> {
  const file = fileOf(ctx, program)
  const text = readBounded(file, MAX_LOGIN)
  if (text !== undefined) return { text, where: file }
  if (program !== "claude" || platform !== "darwin") return undefined
  const service = keychainService(ctx)
  const kept = await output(ctx, "security", ["find-generic-password", "-s", service, "-w"])
  return kept === undefined ? undefined : { text: kept, where: `keychain: ${service}` }
}

/** The file of a program's login, in the directory that its own variable names, else below the home directory. */
export function fileOf(ctx: Pick<Context, "env">, program: LoginName): string {
  const own = (variable: string, otherwise: string) => {
    const named = ctx.env[variable]
    return named && isAbsolute(named) ? named : join(homeDirectory(ctx.env), otherwise)
  }
  if (program === "claude") return join(own("CLAUDE_CONFIG_DIR", ".claude"), ".credentials.json")
  if (program === "codex") return join(own("CODEX_HOME", ".codex"), "auth.json")
  return join(homeDirectory(ctx.env), ".gemini", "oauth_creds.json")
}

/** Claude Code's entry in macOS's keychain: for another configuration directory with the start of a hash of its path. */
function keychainService({ env }: Pick<Context, "env">): string {
  const directory = env["CLAUDE_CONFIG_DIR"]
  if (!directory) return "Claude Code-credentials"
  return `Claude Code-credentials-${createHash("sha256").update(directory).digest("hex").slice(0, 8)}`
}

/** The token that GitHub's own CLI has for a host (`gh auth token`). */
export async function findGitHubToken(ctx: FindContext, host: string): Promise<string | undefined> {
  return (await output(ctx, "gh", ["auth", "token", "--hostname", host]))?.trim()
}

async function output(ctx: FindContext, file: string, args: readonly string[]): Promise<string | undefined> {
  const options = { env: ctx.env, timeout: TIMEOUT, maxBuffer: MAX_LOGIN }
  const result = await ctx.exec(file, args, options).catch(() => undefined)
  return result?.exitCode === 0 && result.stdout !== "" ? result.stdout : undefined
}

/** Most files of a program, and largest one, that are searched for its client. */
const MAX_PARTS = 400
const MAX_PART = 64 * 1024 * 1024

/**
 * The client id and secret that Gemini's CLI has built in, from the program that is installed. For an installed application the
 * secret is none (RFC 8252, 8.5), but it is theirs: it stays out of this repository.
 */
export function findGeminiClient({ env }: Pick<Context, "env">): { id: string; secret: string } | undefined {
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    const program = isAbsolute(directory) ? realFile(join(directory, "gemini")) : undefined
    if (program === undefined) continue
    for (const file of [program, ...partsOf(program)]) {
      const text = readBounded(file, MAX_PART) ?? ""
      const id = /\b\d{6,20}-[a-z0-9]{20,40}\.apps\.googleusercontent\.com\b/.exec(text)?.[0]
      const secret = /\bGOCSPX-[\w-]{20,40}/.exec(text)?.[0]
      if (id !== undefined && secret !== undefined) return { id, secret }
    }
  }
  return undefined
}

/** The other files of a bundled program, and its core library where that is a package of its own. */
function partsOf(program: string): string[] {
  const parts = list(dirname(program))
  for (let above = dirname(program), depth = 0; depth < 6; above = dirname(above), depth++)
    parts.push(...list(join(above, "node_modules/@google/gemini-cli-core/dist/src/code_assist")))
  return parts.slice(0, MAX_PARTS)
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).flatMap((name) => (name.endsWith(".js") ? [join(directory, name)] : []))
  } catch {
    return []
  }
}

function realFile(path: string): string | undefined {
  try {
    const file = realpathSync(path)
    return statSync(file).isFile() ? file : undefined
  } catch {
    return undefined
  }
}

/** The text of a file of at most so many bytes; undefined where there is none, or where it is larger. Waits for no pipe. */
function readBounded(file: string, limit: number): string | undefined {
  let fd: number
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch {
    return undefined
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > limit) return undefined
    const bytes = Buffer.alloc(stats.size)
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)).toString("utf8")
  } finally {
    closeSync(fd)
  }
}
