// Reading SQLite's write-ahead log as SQLite's recovery does, to tell what a crash left behind before SQLite heals it
// (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).

const HEADER = 32
const FRAME_HEADER = 24
const MAGIC = 0x377f0682
const VERSION = 3007000
/** Frames that are read at once. */
const BLOCK = 64
/** How often a log can have been begun anew since an older frame in it was written; more are no older frame but garbage. */
const MAX_AGE = 0xffff

export interface WalReport {
  /** `none`: no byte. `damaged`: SQLite ignores the whole file. */
  header: "none" | "valid" | "damaged"
  /** Bytes of a database page; 0 without a valid header. */
  pageSize: number
  /** Frames from the start whose salts and checksum hold. */
  frames: number
  /** Those of them up to the last that commits a transaction: what SQLite recovers. */
  committed: number
  /** Pages of the database after that commit; 0 where there is none. */
  pages: number
  /**
   * Bytes after the last commit that were on their way when the end came: frames of a transaction that never committed, torn
   * frames, garbage. Whole frames of an earlier use of the file are none of them: SQLite writes over those from the start.
   */
  tornBytes: number
}

/** Reads `length` bytes at `offset` of the log; fewer only at its end. */
export type ReadWal = (offset: number, length: number) => Uint8Array

/** Inspects a log of `size` bytes. Never throws for what the bytes are. */
export function inspectWal(size: number, read: ReadWal): WalReport {
  const damaged = { header: "damaged", pageSize: 0, frames: 0, committed: 0, pages: 0, tornBytes: size } as const
  if (size === 0) return { ...damaged, header: "none" }
  const header = parseHeader(read(0, HEADER))
  if (!header) return damaged
  const { frames, committed, pages } = followFrames(header, size, read)
  const from = HEADER + committed * header.frameSize
  const tornBytes = countTorn(header, from, size, read)
  return { header: "valid", pageSize: header.pageSize, frames, committed, pages, tornBytes }
}

interface Header {
  pageSize: number
  frameSize: number
  /** Whether checksums read words of 4 bytes with the least significant first. */
  little: boolean
  salt1: number
  salt2: number
  sum: Sum
}

type Sum = readonly [number, number]

function parseHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER) return undefined
  const view = viewOf(bytes)
  const magic = view.getUint32(0)
  const little = magic === MAGIC
  if (!little && magic !== MAGIC + 1) return undefined
  const pageSize = view.getUint32(8)
  const isSize = pageSize >= 512 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0
  if (view.getUint32(4) !== VERSION || !isSize) return undefined
  const sum = addWords([0, 0], view, 0, 24, little)
  if (sum[0] !== view.getUint32(24) || sum[1] !== view.getUint32(28)) return undefined
  const [salt1, salt2] = [view.getUint32(16), view.getUint32(20)]
  return { pageSize, frameSize: FRAME_HEADER + pageSize, little, salt1, salt2, sum }
}

function followFrames(header: Header, size: number, read: ReadWal): Pick<WalReport, "frames" | "committed" | "pages"> {
  const { frameSize, little } = header
  const whole = Math.floor((size - HEADER) / frameSize)
  let sum = header.sum
  let [committed, pages] = [0, 0]
  for (let first = 0; first < whole; first += BLOCK) {
    const count = Math.min(BLOCK, whole - first)
    const view = viewOf(read(HEADER + first * frameSize, count * frameSize))
    for (let i = 0; i < count; i++) {
      const at = i * frameSize
      const frame = first + i
      // A file that shrank meanwhile ends here.
      if (at + frameSize > view.byteLength || !hasSalts(view, at, header)) return { frames: frame, committed, pages }
      sum = addWords(addWords(sum, view, at, 8, little), view, at + FRAME_HEADER, header.pageSize, little)
      const holds = sum[0] === view.getUint32(at + 16) && sum[1] === view.getUint32(at + 20)
      if (!holds || view.getUint32(at) === 0) return { frames: frame, committed, pages }
      const size = view.getUint32(at + 4)
      if (size > 0) [committed, pages] = [frame + 1, size]
    }
  }
  return { frames: whole, committed, pages }
}

/** Bytes from `from` on, up to the first frame that an earlier use of the file has left. */
function countTorn(header: Header, from: number, size: number, read: ReadWal): number {
  let at = from
  while (at < size && !isOlder(read(at, FRAME_HEADER), header)) at += header.frameSize
  return Math.min(at, size) - from
}

/** Each new use of the file counts the first salt up by one, and draws the second anew. */
function isOlder(bytes: Uint8Array, header: Header): boolean {
  if (bytes.length < FRAME_HEADER) return false
  const view = viewOf(bytes)
  const age = (header.salt1 - view.getUint32(8)) >>> 0
  return view.getUint32(0) !== 0 && age >= 1 && age <= MAX_AGE
}

function hasSalts(view: DataView, at: number, header: Header): boolean {
  return view.getUint32(at + 8) === header.salt1 && view.getUint32(at + 12) === header.salt2
}

/** The checksum of the file format: two sums that feed each other, over pairs of 32-bit words. */
function addWords(sum: Sum, view: DataView, from: number, length: number, little: boolean): Sum {
  let [a, b] = sum
  for (let at = from; at < from + length; at += 8) {
    a = (a + view.getUint32(at, little) + b) >>> 0
    b = (b + view.getUint32(at + 4, little) + a) >>> 0
  }
  return [a, b]
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
