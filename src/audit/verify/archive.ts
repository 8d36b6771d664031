// Archived bodies take the place of those that were removed from the log: hashed and compared like every other.
import { EXIT, NanoguardError } from "../../errors.ts"
import { listSegments } from "../archive/format.ts"
import { checkSegment, openSegment } from "../archive/read.ts"
import type { Verifier } from "../checkpoints/note.ts"
import { checkNote } from "./checkpoints.ts"
import type { RangeSource } from "./range.ts"
import type { Problems } from "./report.ts"
import type { BodyRow } from "./scan.ts"

interface ArchiveOf {
  directory: string
  origin: string
  keys: readonly Verifier[]
}

/** A source that fills what is missing of `inner` from the segments of a directory. Ranges must be asked for in order. */
export function archiveSource(inner: RangeSource, archive: ArchiveOf, problems: Problems): RangeSource {
  const archived = readArchive(archive, problems)
  let next: BodyRow | undefined
  const take = async (from: number, to: number): Promise<BodyRow[]> => {
    const rows: BodyRow[] = []
    for (;;) {
      next ??= (await archived.next()).value ?? undefined
      if (!next || next[0] > to) return rows
      if (next[0] >= from) rows.push(next)
      next = undefined
    }
  }
  return {
    ...inner,
    bodies: async (from, to) => {
      const rows = await inner.bodies(from, to)
      const old = await take(from, to)
      if (old.length === 0) return rows
      // What the log itself still holds counts: an archived copy of it is no other record.
      const present = new Set(rows.map(([seq]) => seq))
      return [...rows, ...old.filter(([seq]) => !present.has(seq))].sort((a, b) => a[0] - b[0])
    },
  }
}

/** Every archived record in order. A segment that is damaged becomes a problem, and what follows it is still read. */
async function* readArchive({ directory, origin, keys }: ArchiveOf, problems: Problems): AsyncGenerator<BodyRow, void> {
  let seq = 0
  for (const segment of listSegments(directory)) {
    if (segment.to <= seq) continue
    try {
      const { header } = await checkSegment(segment)
      const signed = checkNote(header.checkpoint, origin, keys)
      if ("problem" in signed) {
        const what = `the archived records ${segment.from} to ${segment.to} are not this log's: ${signed.problem}`
        problems.add({ code: "archive.differs", seq: segment.from, to: segment.to, what })
      }
    } catch (error) {
      const what = `the archived records ${segment.from} to ${segment.to}: ${reasonOf(error)}`
      problems.add({ code: "archive.differs", seq: segment.from, to: segment.to, what })
    }
    try {
      // Read all the same: the tree says which record it is.
      const { bodies } = await openSegment(segment.path)
      let at = segment.from
      for await (const body of bodies) {
        if (at > seq) yield [at, body]
        seq = Math.max(seq, at++)
      }
    } catch (error) {
      reasonOf(error)
    }
  }
}

/** What is wrong with a segment; anything but a damaged archive is thrown on. */
function reasonOf(error: unknown): string {
  if (error instanceof NanoguardError && error.exit === EXIT.environment) return error.message
  throw error
}
