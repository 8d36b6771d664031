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
 * The real context of this process. What runs programs and what fetches load on first use only: most commands need neither. Nor do they need
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
    exec: process.platform === "win32" ? execOnWindows : execHere,
  }
}

const MAX_OUTPUT = 64 * 1024 * 1024

type Exec = Context["exec"]

/** Node's own: a library would take as long to load as a short program takes to run. */
const execHere: Exec = (file, args, { input, maxBuffer = MAX_OUTPUT, ...options } = {}) =>
  new Promise((resolve, reject) => {
    const { execFile } = process.getBuiltinModule("node:child_process")
    const all = { ...options, maxBuffer, encoding: "utf8", killSignal: "SIGKILL" } as const
    const child = execFile(
      file,
      [...args],
      all as typeof all & { env?: NodeJS.ProcessEnv },
      (error, stdout, stderr) => {
        // Its code is the program's own where it ran to its end, else a name of what went wrong, or null with a signal.
        const exitCode = error === null ? 0 : error.code
        if (typeof exitCode === "number") resolve({ exitCode, stdout, stderr })
        else reject(error)
      },
    )
    // A program need not read what it is given.
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
  })

/** There programs are scripts with endings of their own (npm.cmd), which execa finds and quotes for. */
const execOnWindows: Exec = async (file, args, { input, maxBuffer = MAX_OUTPUT, env, ...options } = {}) => {
  const { execa } = await import("execa")
  const result = await execa(file, args, {
    ...options,
    ...{ reject: false, stripFinalNewline: false, maxBuffer },
    ...(env !== undefined && { env, extendEnv: false }),
    ...(input !== undefined ? { input } : { stdin: "ignore" as const }),
  })
  if (result.exitCode === undefined) throw result
  return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) }
}
