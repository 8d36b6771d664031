// The edge: everything a command may touch outside its arguments. Tests pass their own, so that results never depend
// on the machine's clock, environment, network or terminal.
import type { Readable, Writable } from "node:stream"

/** A writable that may be a terminal; `columns` only where it is one. */
export type Output = Writable & { isTTY?: boolean; columns?: number }

export interface ExecResult {
  exitCode: number
  stdout: string
  stderr: string
}

export interface ExecOptions {
  cwd?: string
  env?: Record<string, string | undefined>
  input?: string
  /** Milliseconds until the process is killed. */
  timeout?: number
  /** Bytes of stdout and of stderr that are kept; a process that prints more is killed. */
  maxBuffer?: number
}

export interface Context {
  cwd: string
  env: Record<string, string | undefined>
  /** Milliseconds since the epoch. */
  now: () => number
  stdin: Readable & { isTTY?: boolean }
  stdout: Output
  stderr: Output
  fetch: typeof globalThis.fetch
  /** Runs a program without a shell and resolves with its exit code, also where that is not 0; rejects where it cannot start. */
  exec: (file: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>
}

/**
 * The real context of this process. execa and undici load on first use only: most commands need neither. Nor do they need
 * stdin, which Node makes when it is asked for: 2 ms of 30 where it is a file.
 */
export function processContext(): Context {
  return {
    cwd: process.cwd(),
    env: process.env,
    now: Date.now,
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
    fetch: (input, init) => globalThis.fetch(input, init),
    exec: async (file, args, options = {}) => {
      const { execa } = await import("execa")
      const { cwd, env, input, timeout, maxBuffer } = options
      const result = await execa(file, args, {
        reject: false,
        stripFinalNewline: false,
        ...(cwd !== undefined && { cwd }),
        ...(env !== undefined && { env, extendEnv: false }),
        ...(input !== undefined ? { input } : { stdin: "ignore" as const }),
        ...(timeout !== undefined && { timeout }),
        maxBuffer: maxBuffer ?? 64 * 1024 * 1024,
      })
      if (result.exitCode === undefined) throw result
      return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) }
    },
  }
}
