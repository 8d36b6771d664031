// Where an engine's program is, and what it is given of the person's environment: nothing that lies in a project may stand in for it.
import { accessSync, constants, statSync } from "node:fs"
import { delimiter, isAbsolute, join, relative, sep } from "node:path"
import type { Context } from "../../context.ts"

/**
 * Absolute path of a program in PATH, or undefined. Relative entries, every `node_modules` (npx puts the project's own first) and
 * what lies in the current directory are passed over: an agent could have put a `docker` there.
 */
export function findProgram(ctx: Pick<Context, "env" | "cwd">, name: string): string | undefined {
  for (const directory of safePath(ctx)) {
    const file = join(directory, name)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {}
  }
  return undefined
}

/** The environment of an engine's program: the safe part of PATH, and of the other variables those of `names` alone. */
export function engineEnv(ctx: Pick<Context, "env" | "cwd">, names: readonly string[]): Record<string, string> {
  const result: Record<string, string> = { PATH: safePath(ctx).join(delimiter) }
  for (const name of names) {
    const value = ctx.env[name]
    if (value !== undefined) result[name] = value
  }
  return result
}

function safePath({ env, cwd }: Pick<Context, "env" | "cwd">): string[] {
  return (env["PATH"] ?? "").split(delimiter).filter((directory) => {
    if (!isAbsolute(directory) || directory.split(sep).includes("node_modules")) return false
    const below = relative(cwd, directory)
    return cwd === sep || below === ".." || below.startsWith(`..${sep}`) || isAbsolute(below)
  })
}
