// Where nanoguard keeps what belongs to the person and not to a repository: imported advisories, caches, state.
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import type { Context } from "./context.ts"
import { EXIT, NanoguardError } from "./errors.ts"

/**
 * The directory for nanoguard's own data: `NANOGUARD_HOME`, else `$XDG_DATA_HOME/nanoguard`, else
 * `~/.local/share/nanoguard` (XDG Base Directory Specification 0.8, which says to ignore a relative `XDG_DATA_HOME`).
 * It need not exist yet. A relative `NANOGUARD_HOME` is an error: it would mean another directory in every folder,
 * among them folders that an agent writes.
 */
export function dataHome(ctx: Pick<Context, "env">): string {
  return ownHome(ctx) ?? xdgHome(ctx, "XDG_DATA_HOME", join(".local", "share"))
}

/**
 * The directory for what is written while nanoguard runs (the record, its keys): `$NANOGUARD_HOME/state`, else
 * `$XDG_STATE_HOME/nanoguard`, else `~/.local/state/nanoguard`, by the same rules as `dataHome`. It need not exist yet.
 */
export function stateHome(ctx: Pick<Context, "env">): string {
  const own = ownHome(ctx)
  return own === undefined ? xdgHome(ctx, "XDG_STATE_HOME", join(".local", "state")) : join(own, "state")
}

function ownHome(ctx: Pick<Context, "env">): string | undefined {
  const own = ctx.env["NANOGUARD_HOME"]
  if (!own || isAbsolute(own)) return own || undefined
  throw new NanoguardError("NANOGUARD_HOME is not an absolute path", {
    exit: EXIT.configuration,
    hint: "set it to an absolute path, or unset it",
  })
}

function xdgHome(ctx: Pick<Context, "env">, variable: string, otherwise: string): string {
  const xdg = ctx.env[variable]
  return join(xdg && isAbsolute(xdg) ? xdg : join(homeDirectory(ctx.env), otherwise), "nanoguard")
}

/**
 * The person's home directory, as package managers find it. Throws `NanoguardError` where there is none (a container's user
 * without a name has none) or where it is relative: an empty HOME would make every repository the person's own.
 */
export function homeDirectory(env: Context["env"]): string {
  const home = env["HOME"] || env["USERPROFILE"] || systemHome()
  if (isAbsolute(home)) return home
  throw new NanoguardError("there is no home directory: HOME is not an absolute path", {
    exit: EXIT.environment,
    hint: "set HOME to a directory of yours outside of the repository",
  })
}

/** What the system knows of this user; it reads HOME as well, and an empty one counts for it. */
function systemHome(): string {
  try {
    return homedir()
  } catch {
    return ""
  }
}
