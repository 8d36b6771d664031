// Records that were archived, for an index that has to be built anew: its rows and tiles came from bodies that the log no longer has.
import { EXIT, NanoguardError } from "../../errors.ts"
import { listSegments, type SegmentFile } from "../archive/format.ts"
import { openSegment, type Segment } from "../archive/read.ts"
import type { EventRow, ReadEvents } from "./derive-log.ts"

/**
 * Reads the records of an archive's segments, for `Derivation.archived`; in order it reads each file once. What it gives is not
 * believed: a tree made of other records contradicts the signed checkpoints. Errors: environment, also where a segment is missing.
 */
export function readArchive(directory: string): ReadEvents {
  const segments = listSegments(directory)
  let current: { segment: Segment; next: number } | undefined
  return async (after, limit) => {
    if (current?.next !== after + 1) {
      await current?.segment.bodies.return()
      current = await openAt(segments, after + 1, directory)
    }
    const events: EventRow[] = []
    while (events.length < limit) {
      const { value, done } = await current.segment.bodies.next()
      if (!done) events.push({ seq: current.next++, body: value })
      // Fewer than were asked for are no end: that is where there are none.
      else if (events.length > 0) break
      else current = await openAt(segments, current.next, directory)
    }
    return events
  }
}

async function openAt(segments: readonly SegmentFile[], seq: number, directory: string) {
  const file = segments.find(({ from, to }) => from <= seq && seq <= to)
  if (file === undefined) {
    throw new NanoguardError(`the archive has no segment with record ${seq}`, {
      exit: EXIT.environment,
      where: { file: directory },
      hint: "name the directory with every segment, from record 1 on",
    })
  }
  const segment = await openSegment(file.path)
  const { from, to } = segment.header
  if (from !== file.from || to !== file.to) {
    throw new NanoguardError("a segment of the archive holds other records than its name says", {
      exit: EXIT.environment,
      where: { file: file.path },
      hint: "restore the segment from another copy of the archive",
    })
  }
  for (let skipped = file.from; skipped < seq; skipped++) await segment.bodies.next()
  return { segment, next: seq }
}
