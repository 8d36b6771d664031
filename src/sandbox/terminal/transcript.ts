// What a box printed, kept on the host for whoever wants to look at it later: bounded, private, and without what reaches beyond a screen.
import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { stateHome } from "../../home.ts"
import { prepareDirectory } from "../../store/sqlite/files.ts"
import { createTerminalFilter } from "./filter.ts"

/** Bytes of one run. */
export const TRANSCRIPT_BYTES = 4 * 1024 * 1024
/** Runs whose output is kept; the oldest makes room. */
const MOST = 50

export interface Transcript {
  /** Takes what one stream of the box prints. */
  stream: () => (chunk: Uint8Array) => void
  close: () => void
}

type Environment = Parameters<typeof stateHome>[0]

/** Where what a run printed is kept: `<state>/output/<run>.log`, mode 0600. */
export const transcriptPath = (ctx: Environment, run: string): string => join(stateHome(ctx), "output", `${run}.log`)

/** The transcript of a run, made with the first byte. Where it cannot be written `onTrouble` is told once, and nothing more is kept. */
export function openTranscript(ctx: Environment, run: string, onTrouble: (why: string) => void): Transcript {
  let file: number | undefined
  let left = TRANSCRIPT_BYTES
  const keep = (bytes: Uint8Array) => {
    if (left <= 0 || bytes.length === 0) return
    try {
      file ??= openFile(ctx, run)
      writeSync(file, bytes.length > left ? bytes.subarray(0, left) : bytes)
      left -= bytes.length
      if (left <= 0) writeSync(file, "\nnanoguard: the rest is not kept\n")
    } catch (error) {
      left = 0
      onTrouble(`what the box prints is not kept: ${(error as NodeJS.ErrnoException).code ?? "it cannot be written"}`)
    }
  }
  return {
    stream: () => {
      const filter = createTerminalFilter()
      return (chunk) => keep(filter.write(chunk))
    },
    close: () => {
      if (file !== undefined) closeSync(file)
      file = undefined
      left = 0
    },
  }
}

function openFile(ctx: Environment, run: string): number {
  const path = transcriptPath(ctx, run)
  const directory = join(path, "..")
  prepareDirectory(stateHome(ctx))
  prepareDirectory(directory)
  const kept = readdirSync(directory).flatMap((name) => {
    const stat = name.endsWith(".log") ? statSync(join(directory, name), { throwIfNoEntry: false }) : undefined
    return stat === undefined ? [] : [{ name, time: stat.mtimeMs }]
  })
  for (const { name } of kept.sort((a, b) => b.time - a.time).slice(MOST - 1))
    rmSync(join(directory, name), { force: true })
  // Of its own name: a run has one, and no link that lies there is followed.
  return openSync(path, "wx", 0o600)
}
