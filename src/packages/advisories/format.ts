// The layout of an index file, little-endian throughout:
//
//   magic, 8 bytes
//   data      one line for each package: CRC-32 of the JSON in hex, a blank, the JSON (a PackageRecord)
//   hashes    u32 for each package, ascending; with the offsets, all that a search holds in memory
//   offsets   u32 for each package: where its line begins; the lines are in the same order
//   header    JSON (IndexInfo)
//   footer    56 bytes, see `Footer`
//
// What is variable comes before what describes it, so that a file is written in one pass, and a file that was cut off
// has no footer and is refused at once.
import { crc32 } from "node:zlib"
import { EXIT, NanoguardError } from "../../errors.ts"

export const MAGIC = Buffer.from("NGADVIX1")
const END_MAGIC = Buffer.from("1XIVDAGN")
export const FOOTER_BYTES = 56
/** A hash and an offset. */
export const ENTRY_BYTES = 8
/** The checksum in front of a line's JSON, and the blank. */
export const LINE_PREFIX_BYTES = 9
/** Offsets are 32 bits wide. */
export const MAX_DATA_BYTES = 0xffff_ffff
export const MAX_HEADER_BYTES = 1 << 20
/** A package with more than this is refused by the writer; the largest real ones stay below 1 MiB. */
export const MAX_LINE_BYTES = 16 << 20

/** The end of a file: where everything is, and what it must add up to. */
export interface Footer {
  /** Packages, and so hashes and offsets. */
  count: number
  /** Where the data ends and the hashes begin. */
  dataEnd: number
  headerLength: number
  /** CRC-32 of hashes, offsets and header, which every search relies on; checked whenever a file is opened. */
  tableCrc: number
  /** SHA-256 of everything before it; checked by `advisories status` and after an import. */
  sha256: Buffer
}

/** Where the SHA-256 begins in the footer; it covers all that comes before. */
export const FOOTER_HASHED_BYTES = 16

/** The part of a footer that its SHA-256 covers. */
export function encodeFooterStart(footer: Omit<Footer, "sha256">): Buffer {
  const out = Buffer.alloc(FOOTER_HASHED_BYTES)
  out.writeUInt32LE(footer.count, 0)
  out.writeUInt32LE(footer.dataEnd, 4)
  out.writeUInt32LE(footer.headerLength, 8)
  out.writeUInt32LE(footer.tableCrc, 12)
  return out
}

/** The rest of a footer; its last bytes are the magic that a file cut short does not have. */
export function encodeFooterEnd(sha256: Buffer): Buffer {
  return Buffer.concat([sha256, END_MAGIC])
}

/** Reads a footer and checks it against the size of the file; undefined where the two cannot belong together. */
export function decodeFooter(bytes: Buffer, fileSize: number): Footer | undefined {
  if (bytes.length !== FOOTER_BYTES || !bytes.subarray(FOOTER_BYTES - END_MAGIC.length).equals(END_MAGIC))
    return undefined
  const footer: Footer = {
    count: bytes.readUInt32LE(0),
    dataEnd: bytes.readUInt32LE(4),
    headerLength: bytes.readUInt32LE(8),
    tableCrc: bytes.readUInt32LE(12),
    sha256: bytes.subarray(FOOTER_HASHED_BYTES, FOOTER_BYTES - END_MAGIC.length),
  }
  const { count, dataEnd, headerLength } = footer
  if (dataEnd < MAGIC.length || headerLength > MAX_HEADER_BYTES) return undefined
  if (dataEnd + count * ENTRY_BYTES + headerLength + FOOTER_BYTES !== fileSize) return undefined
  return footer
}

/** A line of the data section, without its newline. The checksum is that of the JSON in UTF-8. */
export function encodeLine(json: string): string {
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}`
}

/**
 * The 32-bit FNV-1a hash of `ecosystem NUL name`, over UTF-16 code units. Collisions are harmless: the line that an
 * entry points to says which package it is. Hash: Fowler, Noll, Vo, draft-eastlake-fnv.
 */
export function hashName(ecosystem: string, name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < ecosystem.length; i++) hash = Math.imul(hash ^ ecosystem.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash, 0x01000193)
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The error for an index that cannot be what nanoguard wrote. It is never treated as an index without advisories. */
export function brokenIndex(file: string, what: string, cause?: unknown): NanoguardError {
  return new NanoguardError(`the advisory index is damaged: ${what}`, {
    exit: EXIT.environment,
    where: { file },
    hint: "rebuild it with `nanoguard advisories update`, or delete it to use the snapshot that ships with nanoguard",
    cause,
  })
}
