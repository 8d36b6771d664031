// The files of the traffic journal: `<state>/journal/<id>.<n>`, for their owner alone. A segment is written by one process, appended to
// turn by turn, and removed once the store has it.
import { close, fchmodSync, lstatSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { requirePlain, withFileErrors } from "../sqlite/files.ts"
import { addRepeated, headLine, type Repeated, readSegment, type SegmentText, turnLine } from "./text.ts"

/** A segment that is being written. */
export interface Segment {
  n: number
  /** What its file has, and nothing else. */
  repeated: Repeated
  /** Bytes. */
  size: number
  /** Writes a turn. It survives the end of this process when this returns; where it throws, nobody may rely on it. */
  append: (turn: Repeated) => void
  close: () => void
}

const NAME = /^([0-9a-f]{16})\.(\d{1,9})$/

/** Bytes of a segment that are read again: well above what is written to one. */
const MAX_READ = 64 * 1024 * 1024

/** Makes the file of segment `n`; its head is written with the first turn. Throws what the file system says. */
export function openSegment(directory: string, id: string, n: number, origin: string): Segment {
  const fd = openSync(segmentFile(directory, id, n), "ax", 0o600)
  let head = headLine(origin)
  const segment: Segment = {
    ...{ n, repeated: new Map(), size: 0 },
    append: (turn) => {
      const bytes = Buffer.from(head + turnLine(turn))
      // What was cut off is no line, and what comes behind it is read by nobody.
      if (writeSync(fd, bytes) !== bytes.length) throw new Error("the journal's file takes no more")
      head = ""
      segment.size += bytes.length
      addRepeated(segment.repeated, turn)
    },
    // Nobody waits for it: what is written is written.
    close: () => close(fd),
  }
  fchmodSync(fd, 0o600)
  return segment
}

/** The numbers of a journal's segments that are there, in their order. Errors: environment. */
export function segmentsOf(directory: string, id: string): number[] {
  const names = withFileErrors(directory, () => readdirSync(directory))
  const found = names.flatMap((name) => {
    const [, of, n] = NAME.exec(name) ?? []
    return of === id ? [Number(n)] : []
  })
  return found.sort((a, b) => a - b)
}

/** Reads a segment, and when it was last written, in milliseconds since the epoch. Errors: environment. */
export function loadSegment(directory: string, id: string, n: number): { text: SegmentText | undefined; time: number } {
  const file = segmentFile(directory, id, n)
  return withFileErrors(file, () => {
    const stats = lstatSync(file)
    requirePlain(file, stats)
    const text = stats.size > MAX_READ ? undefined : readSegment(readFileSync(file, "utf8"))
    return { text, time: Math.floor(stats.mtimeMs) }
  })
}

/** Removes a segment that the store has, beside everything else. */
export async function dropSegment(directory: string, id: string, n: number): Promise<void> {
  await rm(segmentFile(directory, id, n), { force: true })
}

/** Removes a segment that the store has, or that says nothing, at once: another one may get its number. */
export function removeSegment(directory: string, id: string, n: number): void {
  rmSync(segmentFile(directory, id, n), { force: true })
}

const segmentFile = (directory: string, id: string, n: number) => join(directory, `${id}.${n}`)
