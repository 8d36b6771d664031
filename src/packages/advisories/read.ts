// Searches an index file without reading it: the hashes are in memory, a line is read only where a hash hits.
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { endianness } from "node:os"
import { crc32 } from "node:zlib"
import { EXIT, NanoguardError } from "../../errors.ts"
import { affectedBy } from "./affects.ts"
import {
  brokenIndex,
  decodeFooter,
  ENTRY_BYTES,
  FOOTER_BYTES,
  hashName,
  LINE_PREFIX_BYTES,
  MAGIC,
  MAX_LINE_BYTES,
} from "./format.ts"
import type { AdvisoryIndex, Completeness, IndexInfo, PackageRecord } from "./types.ts"

/** Reads `length` bytes at `position` into the buffer and returns it; undefined where the file has fewer. */
export function readInto(bytes: Buffer, length: number, fd: number, position: number): Buffer | undefined {
  let done = 0
  while (done < length) {
    const read = readSync(fd, bytes, done, length - done, position + done)
    if (read === 0) return undefined
    done += read
  }
  return bytes
}

const readExactly = (fd: number, position: number, length: number) =>
  readInto(Buffer.allocUnsafe(length), length, fd, position)

/** The first position whose hash is not below `wanted`. */
function lowerBound(hashes: Uint32Array, wanted: number): number {
  let low = 0
  let high = hashes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (hashes[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low
}

function openTable(file: string, fd: number) {
  const size = fstatSync(fd).size
  const end = size < FOOTER_BYTES ? undefined : readExactly(fd, size - FOOTER_BYTES, FOOTER_BYTES)
  const footer = end && decodeFooter(end, size)
  if (!footer) throw brokenIndex(file, "it is not an index of this version of nanoguard, or it was cut short")
  const { count, dataEnd, headerLength } = footer
  const numbers = new Uint32Array(count * 2)
  const table = readInto(Buffer.from(numbers.buffer), count * ENTRY_BYTES, fd, dataEnd)
  const header = readExactly(fd, dataEnd + count * ENTRY_BYTES, headerLength)
  const magic = readExactly(fd, 0, MAGIC.length)
  if (!table || !header || !magic?.equals(MAGIC)) throw brokenIndex(file, "it does not begin like one")
  if (crc32(header, crc32(table)) !== footer.tableCrc) throw brokenIndex(file, "its table does not add up")
  if (endianness() === "BE") table.swap32()
  // The checksum has vouched for it: this is what `writeIndex` wrote.
  const info = JSON.parse(header.toString()) as IndexInfo
  return { hashes: numbers.subarray(0, count), offsets: numbers.subarray(count), info, dataEnd }
}

/**
 * Opens an index file for searching. A missing file, and one that is damaged or cut short, is a `NanoguardError`;
 * damage to a single line is one when that line is read. The file may be replaced while it is open.
 */
export function openAdvisories(file: string): AdvisoryIndex {
  let fd: number
  try {
    fd = openSync(file, "r")
  } catch (cause) {
    throw new NanoguardError("the advisory index cannot be opened", {
      exit: EXIT.environment,
      where: { file },
      hint: "create it with `nanoguard advisories update`",
      cause,
    })
  }
  try {
    const { hashes, offsets, info, dataEnd } = openTable(file, fd)
    let open = true
    // Most lines are small: one buffer for all of them saves as many allocations as there are hits.
    const scratch = Buffer.allocUnsafeSlow(16 << 10)

    function readLine(position: number): PackageRecord {
      if (!open) throw new Error("the advisory index was closed")
      const start = offsets[position]!
      const length = (offsets[position + 1] ?? dataEnd) - start
      if (length <= LINE_PREFIX_BYTES || length > MAX_LINE_BYTES)
        throw brokenIndex(file, "an entry has no valid length")
      const bytes = length <= scratch.length ? scratch : Buffer.allocUnsafe(length)
      if (!readInto(bytes, length, fd, start)) throw brokenIndex(file, "it became shorter while it was in use")
      const json = bytes.toString("utf8", LINE_PREFIX_BYTES, length - 1)
      // Strings throughout: a view of a buffer costs more than reading the line does.
      if (Number.parseInt(bytes.toString("latin1", 0, 8), 16) !== crc32(json)) {
        throw brokenIndex(file, "an entry does not add up")
      }
      // The checksum has vouched for it: this is what `writeIndex` wrote.
      return JSON.parse(json) as PackageRecord
    }

    // A listing asks about every version of one package: its line is read once.
    let latest: PackageRecord | undefined

    function records(ecosystem: string, name: string): PackageRecord | undefined {
      if (open && latest?.name === name && latest.ecosystem === ecosystem) return latest
      const hash = hashName(ecosystem, name)
      for (let i = lowerBound(hashes, hash); hashes[i] === hash; i++) {
        const record = readLine(i)
        if (record.name === name && record.ecosystem === ecosystem) {
          latest = record
          return record
        }
      }
      return undefined
    }

    const completeness = (ecosystem: string): Completeness =>
      Object.hasOwn(info.completeness, ecosystem)
        ? (info.completeness[ecosystem as keyof IndexInfo["completeness"]] ?? "none")
        : "none"
    return {
      info,
      records,
      *packages() {
        for (let i = 0; i < hashes.length; i++) yield readLine(i)
      },
      completeness,
      affecting: (ecosystem, name, version) => affectedBy(records(ecosystem, name), version),
      covers: (ecosystem) => completeness(ecosystem) !== "none",
      close: () => {
        if (open) closeSync(fd)
        open = false
      },
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
