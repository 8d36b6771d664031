// The members of a zip archive by its central directory, one after the other, each bounded; names are only labels and
// become no paths. (APPNOTE.TXT 6.3.10: 4.3.7 local header, 4.3.12 central directory, 4.3.14-16 its end.)
// Not fflate: it needs the archive in memory, or finds the ends of members by their looks when it streams.
import { closeSync, fstatSync, openSync } from "node:fs"
import { inflateRawSync } from "node:zlib"
import { readInto } from "../read.ts"
import { type InputItem, MAX_ITEMS, MAX_RECORD_BYTES } from "./item.ts"

const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const MEMBER = 0x02014b50
const LOCAL = 0x04034b50
const MAX_DIRECTORY_BYTES = 1 << 30
const WINDOW = 4 << 20

interface Directory {
  entries: number
  offset: number
  size: number
}

interface Member {
  name: string
  method: number
  flags: number
  compressed: number
  size: number
  offset: number
}

/** Reads through one large window: members mostly follow each other, and a system call for each would dominate. */
function windowReader(fd: number, fileSize: number) {
  let start = 0
  let window: Buffer = Buffer.alloc(0)
  return (position: number, length: number): Buffer | undefined => {
    if (position < 0 || length < 0 || position + length > fileSize) return undefined
    if (position < start || position + length > start + window.length) {
      const bytes = Buffer.allocUnsafe(Math.min(Math.max(WINDOW, length), fileSize - position))
      const read = readInto(bytes, bytes.length, fd, position)
      if (!read) return undefined
      start = position
      window = read
    }
    return window.subarray(position - start, position - start + length)
  }
}

type Read = ReturnType<typeof windowReader>

function findDirectory(read: Read, fileSize: number): Directory | undefined {
  const tailStart = Math.max(0, fileSize - 22 - 0xffff)
  const tail = read(tailStart, fileSize - tailStart)
  if (!tail) return undefined
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END) continue
    const entries = tail.readUInt16LE(at + 10)
    const size = tail.readUInt32LE(at + 12)
    const offset = tail.readUInt32LE(at + 16)
    if (entries !== 0xffff && size !== 0xffffffff && offset !== 0xffffffff) return { entries, size, offset }
    const locator = read(tailStart + at - 20, 20)
    if (locator?.readUInt32LE(0) !== LOCATOR_64) return { entries, size, offset }
    const end = read(Number(locator.readBigUInt64LE(8)), 56)
    if (end?.readUInt32LE(0) !== END_64) return undefined
    return {
      entries: Number(end.readBigUInt64LE(32)),
      size: Number(end.readBigUInt64LE(40)),
      offset: Number(end.readBigUInt64LE(48)),
    }
  }
  return undefined
}

/** Sizes and offset that do not fit 32 bits are in the extra field 0x0001, in this order, only those that need it (4.5.3). */
function applyZip64(member: Member, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) {
      const values = extra.subarray(at + 4, at + 4 + length)
      let next = 0
      for (const key of ["size", "compressed", "offset"] as const) {
        if (member[key] !== 0xffffffff || next + 8 > values.length) continue
        member[key] = Number(values.readBigUInt64LE(next))
        next += 8
      }
      return
    }
    at += 4 + length
  }
}

function* membersOf(directory: Buffer, entries: number): Generator<Member | undefined> {
  let at = 0
  for (let i = 0; i < entries; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== MEMBER) {
      yield undefined
      return
    }
    const nameLength = directory.readUInt16LE(at + 28)
    const extraLength = directory.readUInt16LE(at + 30)
    const member: Member = {
      name: directory.toString("utf8", at + 46, at + 46 + Math.min(nameLength, 200)),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      compressed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    }
    applyZip64(member, directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength))
    yield member
    at += 46 + nameLength + extraLength + directory.readUInt16LE(at + 32)
  }
}

function contentOf(member: Member, read: Read): InputItem {
  const { name: where, compressed, method } = member
  if ((member.flags & 1) !== 0) return { where, problem: "encrypted" }
  if (member.size > MAX_RECORD_BYTES || compressed > MAX_RECORD_BYTES) {
    return { where, problem: `larger than ${MAX_RECORD_BYTES >> 20} MiB` }
  }
  const local = read(member.offset, 30)
  if (local?.readUInt32LE(0) !== LOCAL) return { where, problem: "damaged zip data" }
  const start = member.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const bytes = read(start, compressed)
  if (!bytes) return { where, problem: "damaged zip data" }
  if (method === 0) return { where, text: bytes.toString() }
  if (method !== 8) return { where, problem: `zip compression method ${method}` }
  try {
    // What the directory says of the size is the archive's word; this is the bound.
    return { where, text: inflateRawSync(bytes, { maxOutputLength: MAX_RECORD_BYTES }).toString() }
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
    return { where, problem: tooLarge ? `larger than ${MAX_RECORD_BYTES >> 20} MiB` : "damaged zip data" }
  }
}

/** The JSON members of a zip file. `where` labels the archive in problems that concern all of it. */
export function* readZip(file: string, where: string): Generator<InputItem> {
  const fd = openSync(file, "r")
  try {
    const fileSize = fstatSync(fd).size
    const read = windowReader(fd, fileSize)
    const found = findDirectory(read, fileSize)
    if (!found || found.size > MAX_DIRECTORY_BYTES || found.entries > MAX_ITEMS) {
      yield { where, problem: found ? "a zip directory beyond all bounds" : "not a whole zip archive" }
      return
    }
    const directory = read(found.offset, found.size)
    if (!directory) {
      yield { where, problem: "not a whole zip archive" }
      return
    }
    const copy = Buffer.from(directory)
    for (const member of membersOf(copy, found.entries)) {
      if (!member) yield { where, problem: "damaged zip directory" }
      else if (/\.json$/i.test(member.name)) {
        const item = contentOf(member, read)
        yield { ...item, where: `${where}/${item.where}` }
      }
    }
  } finally {
    closeSync(fd)
  }
}
