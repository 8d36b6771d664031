// The files in a gzipped tar as cargo unpacks it (flate2's GzDecoder, tar-rs): an archive in which another reader could find other files is refused.
import { promisify } from "node:util"
import { inflateRaw } from "node:zlib"

const inflate = promisify(inflateRaw)
const BLOCK = 512
/** A file, in its two spellings, and a directory. */
const FILE = /^[0\0]$/
const DIRECTORY = "5"
/** GNU's long name, of the entry that follows. */
const LONG_NAME = "L"
const MAX_NAME = 4096

export interface TarFile {
  /** Without empty steps and those that stay where they are. */
  name: string
  start: number
  size: number
}

/** Unpacks the first member of a gzip file: what may follow it cargo does not read. Undefined where there is none; throws for damaged ones. */
export async function unpackFirst(bytes: Buffer, most: number): Promise<Buffer | undefined> {
  const flags = bytes[3] ?? 0xff
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8 || flags > 0x1f) return undefined
  let at = 10
  if (flags & 4) at += 2 + bytes.readUInt16LE(at)
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end < 0) return undefined
    at = end + 1
  }
  if (flags & 2) at += 2
  return await inflate(bytes.subarray(at), { maxOutputLength: most, chunkSize: 256 * 1024 })
}

/** Files up to the block of zeros that ends an archive; undefined for links, extended headers, numbers in binary, and names that lead up. */
export function listFiles(tar: Buffer): TarFile[] | undefined {
  const files: TarFile[] = []
  let long: string | undefined
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return files
    const text = (from: number, length: number) => header.toString("utf8", from, from + length).replace(/\0.*$/s, "")
    const digits = text(124, 12).trim()
    const size = Number.parseInt(digits, 8)
    const start = at + BLOCK
    if (!/^[0-7]{1,11}$/.test(digits) || start + size > tar.length) return undefined
    at = start + Math.ceil(size / BLOCK) * BLOCK
    const kind = header.toString("latin1", 156, 157)
    if (kind === LONG_NAME && long === undefined && size <= MAX_NAME) {
      long = tar.toString("utf8", start, start + size).replace(/\0.*$/s, "")
      continue
    }
    // GNU's headers, which are what cargo writes, have other things where POSIX has the beginning of a long name.
    const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? text(345, 155) : ""
    const steps = (long ?? (prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`)).split("/")
    long = undefined
    if (steps.some((step) => step === ".." || step.includes("\\"))) return undefined
    const name = steps.filter((step) => step !== "" && step !== ".").join("/")
    if (FILE.test(kind)) files.push({ name, start, size })
    else if (kind !== DIRECTORY) return undefined
  }
  return files
}
