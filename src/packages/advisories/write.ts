// Writes an index file in one pass, and puts it into place only when it is whole and on disk.
import { createHash } from "node:crypto"
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { endianness } from "node:os"
import { dirname } from "node:path"
import { crc32 } from "node:zlib"
import { EXIT, NanoguardError } from "../../errors.ts"
import { encodeFooterEnd, encodeFooterStart, encodeLine, MAGIC, MAX_DATA_BYTES, MAX_LINE_BYTES } from "./format.ts"
import type { EcosystemCounts, IndexInfo, PackageRecord } from "./types.ts"
import { verifyIndex } from "./verify.ts"

export interface HashedPackage {
  hash: number
  record: PackageRecord
}

/** What the writer fills in itself is left out. */
export type IndexDescription = Omit<IndexInfo, "schema" | "records" | "counts">

const tooLarge = (file: string) =>
  new NanoguardError("the advisories to import are more than an index can hold", {
    exit: EXIT.environment,
    where: { file },
    hint: "import fewer sources or fewer ecosystems",
  })

const unverified = (file: string) =>
  new NanoguardError("the index that was just written does not read back as written", {
    exit: EXIT.environment,
    where: { file },
    hint: "check the disk, then run the update again; the index in use was not changed",
  })

/** A file that is hashed while it is written, in large pieces. */
function hashingFile(fd: number) {
  const sha256 = createHash("sha256")
  let pending: Buffer[] = []
  let size = 0
  let position = 0
  const flush = () => {
    const bytes = Buffer.concat(pending)
    pending = []
    size = 0
    sha256.update(bytes)
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
  }
  return {
    write(bytes: Buffer) {
      pending.push(bytes)
      size += bytes.length
      position += bytes.length
      if (size > 1 << 20) flush()
    },
    position: () => position,
    digest() {
      flush()
      return sha256.digest()
    },
  }
}

function count(counts: IndexInfo["counts"], record: PackageRecord): void {
  counts[record.ecosystem] ??= { packages: 0, vulnerability: 0, malware: 0 }
  const own: EcosystemCounts = counts[record.ecosystem]!
  if (record.advisories.length > 0) own.packages++
  for (const advisory of record.advisories) own[advisory.kind]++
}

function writeTo(fd: number, file: string, packages: Iterable<HashedPackage>, description: IndexDescription) {
  const out = hashingFile(fd)
  out.write(MAGIC)
  const hashes: number[] = []
  const offsets: number[] = []
  const counts: IndexInfo["counts"] = {}
  let last = 0
  for (const { hash, record } of packages) {
    if (hash < last) throw new Error("packages must come in the order of their hashes")
    last = hash
    const line = Buffer.from(`${encodeLine(JSON.stringify(record))}\n`)
    if (line.length > MAX_LINE_BYTES || out.position() + line.length > MAX_DATA_BYTES) throw tooLarge(file)
    hashes.push(hash)
    offsets.push(out.position())
    out.write(line)
    count(counts, record)
  }
  const dataEnd = out.position()
  const table = Buffer.from(Uint32Array.from([...hashes, ...offsets]).buffer)
  if (endianness() === "BE") table.swap32()
  const records = Object.values(counts).reduce((sum, it) => sum + it.vulnerability + it.malware, 0)
  const info: IndexInfo = { schema: "nanoguard.advisories/1", ...description, records, counts }
  const header = Buffer.from(JSON.stringify(info))
  for (const bytes of [table, header]) out.write(bytes)
  const tableCrc = crc32(header, crc32(table))
  out.write(encodeFooterStart({ count: hashes.length, dataEnd, headerLength: header.length, tableCrc }))
  writeSync(fd, encodeFooterEnd(out.digest()))
  return info
}

/** Makes a rename durable, where the platform can open a directory. */
function syncDirectory(directory: string): void {
  try {
    const fd = openSync(directory, "r")
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Windows opens no directories; the file itself is synced either way.
  }
}

/**
 * Writes the packages, which come with ascending hashes, to `file`: first under another name beside it, synced, then
 * renamed, so that no reader ever sees half of an index.
 */
export function writeIndex(file: string, packages: Iterable<HashedPackage>, description: IndexDescription): IndexInfo {
  const temporary = `${file}.${process.pid}.tmp`
  const fd = openSync(temporary, "w", 0o600)
  try {
    let info: IndexInfo
    try {
      info = writeTo(fd, file, packages, description)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    if (!verifyIndex(temporary)) throw unverified(file)
    renameSync(temporary, file)
    syncDirectory(dirname(file))
    return info
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
