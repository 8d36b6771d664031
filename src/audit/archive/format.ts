// How archived records lie in a directory. A segment is a file of lines (UTF-8, "\n" after each), gzipped or not:
//
//   records-000000000001-000000065536.ndjson[.gz]     first and last sequence number, at least 12 digits each
//   line 1        the header: an `ArchiveHeader` as JSON
//   line 2, ...   one record each: the canonical text that lay in the log, byte for byte, so its leaf is sha256(0x00 || line)
//
// Segments of one log follow each other without gaps. Each can be checked alone: push the leaf of every line onto the complete
// subtrees of `before`; their root must be `root`, and `proof` (RFC 6962) proves that the signed `checkpoint` extends that tree.
// What personal commitments open to is not in it: erasing a person reaches archived records as well.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"

/** The first line of a segment. Hashes are base64 of 32 bytes. */
export interface ArchiveHeader {
  format: "nanoguard.archive/1"
  /** Name of the log. */
  origin: string
  /** First and last sequence number in the segment. */
  from: number
  to: number
  /** Roots of the complete subtrees of the first `from - 1` records, the largest first. */
  before: readonly string[]
  /** Root over the first `to` records. */
  root: string
  /** A signed checkpoint over at least `to` records. */
  checkpoint: string
  /** Consistency proof from `to` records to those of the checkpoint; empty where they are as many. */
  proof: readonly string[]
}

/** A segment as its name tells. */
export interface SegmentFile {
  path: string
  from: number
  to: number
}

const NAME = /^records-(\d{12,16})-(\d{12,16})\.ndjson(?:\.gz)?$/

/** The name of a segment's file. */
export function segmentName(from: number, to: number, gzip: boolean): string {
  const digits = (seq: number) => String(seq).padStart(12, "0")
  return `records-${digits(from)}-${digits(to)}.ndjson${gzip ? ".gz" : ""}`
}

/** A whole number of at least `least`, exact. */
export function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

/** The segments of a directory in the order of their records; other files are none. Throws `NanoguardError` where it cannot be read. */
export function listSegments(directory: string): SegmentFile[] {
  const segments: SegmentFile[] = []
  for (const name of namesIn(directory)) {
    const [, first, last] = NAME.exec(name) ?? []
    const from = Number(first)
    const to = Number(last)
    if (isWhole(from, 1) && isWhole(to, from)) segments.push({ path: join(directory, name), from, to })
  }
  return segments.sort((a, b) => a.from - b.from || b.to - a.to)
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (cause) {
    throw new NanoguardError(
      `the archive cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown error"})`,
      {
        exit: EXIT.environment,
        where: { file: directory },
        hint: "name the directory that `nanoguard audit archive` wrote to",
        cause,
      },
    )
  }
}
