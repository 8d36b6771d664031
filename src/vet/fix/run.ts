// Runs package managers: no shell, a small environment, bounded in time and output, and never believed on their word.
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import type { Context } from "../../context.ts"
import { Unfixable } from "./types.ts"

const TIMEOUT = 5 * 60_000
const MAX_OUTPUT = 16 * 1024 * 1024

/** Runs one command in the copy and resolves with its stdout; throws `Unfixable` where it fails. */
export type RunManager = (
  argv: readonly [string, ...string[]],
  cwd: string,
  extra?: Record<string, string>,
) => Promise<string>

export function createRunner(ctx: Pick<Context, "exec">, env: Record<string, string | undefined>): RunManager {
  return async ([program, ...args], cwd, extra = {}) => {
    if (!isInstalled(program, env)) throw new Unfixable(`${program} is not on the PATH: install it`, program)
    let result: Awaited<ReturnType<Context["exec"]>>
    try {
      result = await ctx.exec(program, args, {
        cwd,
        env: { ...env, ...extra },
        timeout: TIMEOUT,
        maxBuffer: MAX_OUTPUT,
      })
    } catch (error) {
      const { timedOut, isMaxBuffer } = error as { timedOut?: boolean; isMaxBuffer?: boolean }
      const what = timedOut ? "took longer than 5 minutes" : isMaxBuffer ? "printed too much" : "could not be started"
      throw new Unfixable(`${program} ${what}`)
    }
    if (result.exitCode === 0) return result.stdout
    const code = codeIn(`${result.stderr}\n${result.stdout}`)
    throw new Unfixable(`${program} ${args[0]} ended with exit code ${result.exitCode}${code && ` (${code})`}`)
  }
}

function isInstalled(program: string, env: Record<string, string | undefined>): boolean {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ".bat", ""] : [""]
  const directories = (env["PATH"] ?? "").split(delimiter)
  return directories.some((directory) => endings.some((ending) => existsSync(join(directory, program + ending))))
}

/** The manager's own error code: of all that it prints, the one thing whose form is known. */
function codeIn(output: string): string {
  const found = /\b(ERR_PNPM_[A-Z_]{3,60}|YN\d{4}|E[A-Z]{4,20}|E\d{3})\b/.exec(output)
  return found?.[1] ?? ""
}
