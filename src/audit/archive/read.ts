// Reading segments: line by line with bounds, checked against their own header, and as the log's records where these are gone.
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { PassThrough } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { EXIT, NanoguardError } from "../../errors.ts"
import { parseCheckpoint } from "../checkpoints/checkpoint-text.ts"
import { foldRight, hashLeaf, pushLeaf, sameHash, verifyConsistency } from "../tree/merkle.ts"
import type { ArchiveHeader, SegmentFile } from "./format.ts"
import { hashesOf, parseHeader } from "./header.ts"

/** Bytes of the longest line: a record has at most 256 KiB, a header less. */
const MAX_LINE = 512 * 1024

const NEWLINE = 0x0a

/** A segment under way: its header, then the canonical text of each of its records in order. */
export interface Segment {
  header: ArchiveHeader
  bodies: AsyncGenerator<string, void>
}

/** What a segment turned out to hold. */
export interface CheckedSegment {
  header: ArchiveHeader
  /** `sha256:` and hex, over the lines as they are without gzip. */
  digest: string
}

/** Opens a segment. Reading the bodies throws where they are fewer or more than the header says. Errors: environment. */
export async function openSegment(path: string, onLine?: (line: Uint8Array) => void): Promise<Segment> {
  const lines = readLines(path, onLine)
  const first = await lines.next()
  const header = first.done ? undefined : parseHeader(textOf(path, first.value))
  if (!header) throw broken(path, "it does not begin with the header of an archive")
  return { header, bodies: bodiesOf(path, header, lines) }
}

/**
 * Reads a whole segment and checks it against itself: names, count, the root over all bodies, and that the checkpoint in it
 * extends that root (its signature is for who knows the key). Errors: environment.
 */
export async function checkSegment({ path, from, to }: SegmentFile): Promise<CheckedSegment> {
  const digest = createHash("sha256")
  const { header, bodies } = await openSegment(path, (line) => digest.update(line).update("\n"))
  if (header.from !== from || header.to !== to) throw broken(path, "it holds other records than its name says")
  const frontier = { size: from - 1, nodes: hashesOf(header.before) }
  for await (const body of bodies) pushLeaf(frontier, hashLeaf(body))
  const root = foldRight(frontier.nodes)
  if (!sameHash(root, hashesOf([header.root])[0]!))
    throw broken(path, "its records are not those that its header names")
  const checkpoint = checkpointOf(path, header)
  const extended = verifyConsistency({ size: to, root }, checkpoint, hashesOf(header.proof))
  if (checkpoint.origin !== header.origin || checkpoint.size < to || !extended)
    throw broken(path, "its checkpoint is not over its records")
  return { header, digest: `sha256:${digest.digest("hex")}` }
}

function checkpointOf(path: string, header: ArchiveHeader) {
  try {
    return parseCheckpoint(header.checkpoint)
  } catch (cause) {
    throw broken(path, "its checkpoint cannot be read", cause)
  }
}

async function* bodiesOf(path: string, { from, to }: ArchiveHeader, lines: AsyncGenerator<Buffer>) {
  let seq = from - 1
  for await (const line of lines) {
    if (++seq > to) throw broken(path, `it goes on after record ${to}`)
    yield textOf(path, line)
  }
  if (seq < to) throw broken(path, `it ends after record ${seq} instead of ${to}`)
}

/** The lines of a file without their newlines, unzipped where its name ends in .gz. */
async function* readLines(path: string, onLine?: (line: Uint8Array) => void): AsyncGenerator<Buffer, void> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  const bytes = new PassThrough({ highWaterMark: 256 * 1024 })
  const done = path.endsWith(".gz") ? pipeline(file, createGunzip(), bytes) : pipeline(file, bytes)
  // Whoever stops reading early destroys the pipeline; what else fails comes out of the loop.
  done.catch(() => {})
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const block = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let start = 0
      for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
        const line = block.subarray(start, end)
        onLine?.(line)
        yield line
        start = end + 1
      }
      rest = block.subarray(start)
      if (rest.length > MAX_LINE) throw broken(path, `a line is longer than ${MAX_LINE} bytes`)
    }
  } catch (cause) {
    if (cause instanceof NanoguardError) throw cause
    throw broken(path, `it cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown error"})`, cause)
  }
  if (rest.length > 0) throw broken(path, "its last line is not whole")
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

function textOf(path: string, line: Uint8Array): string {
  try {
    return UTF8.decode(line)
  } catch (cause) {
    throw broken(path, "a line is not UTF-8", cause)
  }
}

function broken(path: string, what: string, cause?: unknown): NanoguardError {
  return new NanoguardError(`the archive is damaged: ${what}`, {
    exit: EXIT.environment,
    where: { file: path },
    hint: "take this file from another copy of the archive",
    cause,
  })
}
