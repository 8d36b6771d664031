// Where an export goes: a file that appears whole or not at all, or stdout.
import { randomBytes } from "node:crypto"
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { escapeForTerminal } from "../render/audit-export.ts"
import { syncDirectory } from "../store/sqlite/files.ts"

export interface Sink {
  /** Resolves when more may be written. */
  write(text: string): Promise<void>
  /** Makes what was written appear. */
  commit(): void
  /** Lets go; what was not committed is removed. */
  close(): void
}

/** A sink for `--output`, relative to the working directory, mode 0600; stdout where absent. Throws `NanoguardError` (usage). */
export function openSink(ctx: Context, output: string | undefined): Sink {
  return output === undefined ? toStdout(ctx) : toFile(ctx.cwd, output)
}

function toStdout({ stdout }: Context): Sink {
  const write = async (text: string) => {
    // A terminal may not obey what records hold; what it shows is the same JSON in other spelling.
    if (stdout.write(stdout.isTTY === true ? escapeForTerminal(text) : text) || stdout.destroyed) return
    const { promise, resolve: done } = Promise.withResolvers<void>()
    const events = ["drain", "close", "error"]
    for (const event of events) stdout.once(event, done)
    await promise
    for (const event of events) stdout.off(event, done)
  }
  return { write, commit: () => {}, close: () => {} }
}

function toFile(cwd: string, output: string): Sink {
  const path = resolve(cwd, output)
  const draft = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`
  const fd = attempt(output, () => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat && !stat.isFile()) throw refuse(output, "what is there is no regular file")
    removeDrafts(path)
    return openSync(draft, "wx", 0o600)
  })
  let open = true
  let committed = false
  return {
    write: async (text) => {
      const bytes = Buffer.from(text)
      attempt(output, () => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      })
    },
    commit: () => {
      attempt(output, () => {
        fsyncSync(fd)
        closeSync(fd)
        open = false
        renameSync(draft, path)
        committed = true
        syncDirectory(resolve(path, ".."))
      })
    },
    close: () => {
      if (open) closeSync(fd)
      if (!committed) rmSync(draft, { force: true })
    },
  }
}

/** Milliseconds without a byte after which a draft counts as left behind: its writer may live on another host that shares the disk. */
const ABANDONED = 3_600_000

/** Removes what exports to this path left behind that were killed: up to as large as the log, with names of persons in it. */
function removeDrafts(path: string): void {
  const start = `${basename(path)}.`
  for (const name of readdirSync(dirname(path))) {
    const [, pid] = (name.startsWith(start) && /^(\d{1,10})-[0-9a-f]{12}\.tmp$/.exec(name.slice(start.length))) || []
    if (pid === undefined) continue
    const draft = join(dirname(path), name)
    const stat = lstatSync(draft, { throwIfNoEntry: false })
    if (!stat?.isFile() || (process.getuid !== undefined && stat.uid !== process.getuid())) continue
    if (Date.now() - stat.mtimeMs > ABANDONED && !isAlive(Number(pid))) rmSync(draft, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

function attempt<T>(output: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof NanoguardError) throw cause
    throw refuse(output, (cause as NodeJS.ErrnoException).code ?? "unknown error", cause)
  }
}

function refuse(output: string, why: string, cause?: unknown): NanoguardError {
  return new NanoguardError(`the export cannot be written (${why})`, {
    exit: EXIT.usage,
    where: { file: output },
    hint: "give --output a path in a directory that exists and has room",
    cause,
  })
}
