// Runs the built CLI as a process.
import { fileURLToPath } from "node:url"
import { execa } from "execa"
import { emptyHome } from "../context.ts"

export const BIN = fileURLToPath(new URL("../../bin/nanoguard.js", import.meta.url))

export interface Finished {
  exit: number | undefined
  out: string
  err: string
}

/** Starts `nanoguard` in `cwd` with a home of its own; `node` is the Node that runs it. */
export function start(cwd: string, args: readonly string[], env: Record<string, string> = {}, node = process.execPath) {
  const edge = { cwd, env: emptyHome(env), extendEnv: false, stdin: "ignore" } as const
  return execa(node, [BIN, ...args], { ...edge, reject: false, stripFinalNewline: false, timeout: 30_000 })
}

/** Runs `nanoguard` to its end. */
export async function nanoguard(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
  node?: string,
): Promise<Finished> {
  const { exitCode, stdout, stderr } = await start(cwd, args, env, node)
  return { exit: exitCode, out: stdout, err: stderr }
}
