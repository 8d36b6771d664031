// Searches an index file without reading it: the hashes are in memory, a line is read only where a hash hits.
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { endianness } from "node:os"
import { crc32 } from "node:zlib"
import { EXIT, NanoguardError } from "../../errors.ts"
import { affectedBy } from "./affects.ts"
import {
  brokenIndex,
  crcOf,
  decodeFooter,
  ENTRY_BYTES,
  FOOTER_BYTES,
  hashName,
  MAGIC,
  MAX_LINE_BYTES,
} from "./format.ts"
import type { AdvisoryIndex, Completeness, IndexInfo, PackageRecord } from "./types.ts"

/** Fills `bytes` from `position` on and returns it; undefined where the file has fewer. */
export function readInto(bytes: Buffer, fd: number, position: number): Buffer | undefined {
  let done = 0
  while (done < bytes.length) {
    const read = readSync(fd, bytes, done, bytes.length - done, position + done)
    if (read === 0) return undefined
    done += read
  }
  return bytes
}

const readExactly = (fd: number, position: number, length: number) => readInto(Buffer.allocUnsafe(length), fd, position)

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
  const hashes = new Uint32Array(count)
  const hashBytes = readInto(Buffer.from(hashes.buffer), fd, dataEnd + count * ENTRY_BYTES)
  const headerBytes = readExactly(fd, dataEnd + count * (ENTRY_BYTES + 4), headerLength)
  const magic = readExactly(fd, 0, MAGIC.length)
  if (!hashBytes || !headerBytes || !magic?.equals(MAGIC)) throw brokenIndex(file, "it does not begin like one")
  if (crcOf(hashBytes, headerBytes) !== footer.tableCrc) throw brokenIndex(file, "its table does not add up")
  if (endianness() === "BE" && count > 0) hashBytes.swap32()
  // The checksum has vouched for it: this is what `writeIndex` wrote.
  const info = JSON.parse(headerBytes.toString()) as IndexInfo
  return { hashes, info, dataEnd }
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
    const { hashes, info, dataEnd } = openTable(file, fd)
    let open = true

    function readLine(position: number): PackageRecord {
      const entry = readExactly(fd, dataEnd + position * ENTRY_BYTES, ENTRY_BYTES)
      if (!entry) throw brokenIndex(file, "it became shorter while it was in use")
      const offset = entry.readUInt32LE(0)
      const length = entry.readUInt32LE(4)
      if (offset + length > dataEnd || length > MAX_LINE_BYTES) throw brokenIndex(file, "an entry points outside it")
      const line = readExactly(fd, offset, length)
      if (!line || crc32(line) !== entry.readUInt32LE(8)) throw brokenIndex(file, "an entry does not add up")
      try {
        return JSON.parse(line.toString()) as PackageRecord
      } catch (cause) {
        throw brokenIndex(file, "an entry is not JSON", cause)
      }
    }

    function records(ecosystem: string, name: string): PackageRecord | undefined {
      if (!open) throw new Error("the advisory index was closed")
      const hash = hashName(ecosystem, name)
      for (let i = lowerBound(hashes, hash); hashes[i] === hash; i++) {
        const record = readLine(i)
        if (record.name === name && record.ecosystem === ecosystem) return record
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
