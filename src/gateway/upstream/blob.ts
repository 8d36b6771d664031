// An artifact out of the cache. Whatever lies there is hashed before it is served and while it is: a file that was cut, changed or
// swapped is dropped, and fetched again.
import { type FileHandle, lutimes } from "node:fs/promises"
import type { Lru } from "../lru.ts"
import { type CacheDirectory, type Opened, SMALL } from "./directory.ts"
import { createCheck, type Promised } from "./integrity.ts"
import type { Reference } from "./references.ts"
import { closedEarly, type Reader } from "./spool.ts"
import { IntegrityError } from "./types.ts"

export interface Blob {
  reader: Reader
  /** The promised hash that it was found to keep. */
  held: string
}

export interface BlobServices {
  directory: CacheDirectory
  /** sha256 -> the state of the file whose bytes were found to have it: one that nobody wrote to since is hashed only once, on its way. */
  seen: Lru<string>
  onDropped: () => void
}

const CHUNK = 256 * 1024
/** Milliseconds after which a use is noted, for the cache to know what was not used longest. */
const TOUCH = 10 * 60 * 1000

/** Opens the blob of a reference; undefined where it is not there, not sound, or not what is promised now. */
export async function openBlob(
  services: BlobServices,
  reference: Reference,
  promised: Promised | "none",
): Promise<Blob | undefined> {
  const { sha256, size } = reference
  const own = Buffer.from(sha256, "hex").toString("base64")
  if (promised !== "none" && promised.algorithm === "sha256" && !promised.digests.includes(own)) return undefined
  if (size <= SMALL) return openSmall(services, reference, promised)
  const file = await services.directory.open("blobs", sha256, Number.MAX_SAFE_INTEGER)
  if (file === undefined) return undefined
  const { handle } = file
  let reader: Reader | undefined
  try {
    if (file.bytes !== size) return void (await drop(services, file))
    let held = knownPromise(reference, promised)
    if (held === undefined || services.seen.get(sha256) !== (await stateOf(handle))) {
      const found = await hashWhole(handle, promised)
      if (found.sha256 !== sha256) return void (await drop(services, file))
      held = found.held
      if (held === undefined) return undefined
    }
    await touch(file)
    services.seen.set(sha256, await stateOf(handle))
    reader = streamOf(services, file, sha256)
    return { reader, held }
  } catch {
    return undefined
  } finally {
    if (reader === undefined) handle.close().catch(() => {})
  }
}

/** The same for a small one, in one go. */
async function openSmall(services: BlobServices, reference: Reference, promised: Promised | "none") {
  const { sha256, size } = reference
  const file = services.directory.readSmall("blobs", sha256)
  if (file === undefined) return undefined
  const known = knownPromise(reference, promised)
  const check = createCheck(known === undefined ? promised : "none")
  check.update(file.bytes)
  const found = check.end()
  if (file.bytes.length !== size || found.sha256 !== sha256) return void (await drop(services, file))
  await touch(file)
  const held = known ?? found.held
  return held === undefined ? undefined : { reader: readerOf(file.bytes), held }
}

/** The state of an open file: another one whenever its bytes may be others. */
export async function stateOf(handle: FileHandle): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true })
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

/** The promised hash that these bytes were found to keep before: sha256 is their name. */
function knownPromise(reference: Reference, promised: Promised | "none"): string | undefined {
  if (promised === "none" || promised.algorithm === "sha256")
    return `sha256-${Buffer.from(reference.sha256, "hex").toString("base64")}`
  return promised.digests
    .map((digest) => `${promised.algorithm}-${digest}`)
    .find((item) => reference.kept.includes(item))
}

async function hashWhole(handle: FileHandle, promised: Promised | "none") {
  const check = createCheck(promised)
  const buffer = Buffer.allocUnsafeSlow(CHUNK)
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at)
    if (bytesRead === 0) return check.end()
    check.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

async function touch({ path, used }: Pick<Opened, "path" | "used">): Promise<void> {
  if (Math.abs(Date.now() - used) < TOUCH) return
  await lutimes(path, new Date(), new Date()).catch(() => {})
}

async function drop({ directory, onDropped }: BlobServices, { path }: Pick<Opened, "path">): Promise<void> {
  onDropped()
  await directory.drop(path)
}

function readerOf(bytes: Buffer): Reader {
  let left: Buffer | undefined = bytes
  let isAtEnd = bytes.length === 0
  return {
    close: () => {
      left = undefined
    },
    next: async () => {
      if (isAtEnd) return { done: true, value: undefined }
      if (left === undefined) throw closedEarly()
      isAtEnd = true
      return { done: false, value: left }
    },
  }
}

/** Chunk by chunk, one read ahead; the last one only once the whole has the hash. */
function streamOf(services: BlobServices, file: Opened, sha256: string): Reader {
  const { handle, bytes: size } = file
  const check = createCheck("none")
  let open = true
  let isAtEnd = false
  let at = 0
  const readAhead = () => {
    const reading = handle.read(Buffer.allocUnsafeSlow(Math.min(CHUNK, size - at)), 0, Math.min(CHUNK, size - at), at)
    // Awaited by the next `next`, if there is one.
    reading.catch(() => {})
    return reading
  }
  let ahead: ReturnType<typeof readAhead> | undefined
  const close = () => {
    if (!open) return
    open = false
    handle.close().catch(() => {})
  }
  return {
    close,
    next: async () => {
      if (isAtEnd) return { done: true, value: undefined }
      if (!open) throw closedEarly()
      try {
        const { bytesRead, buffer } = await (ahead ?? readAhead())
        const chunk = buffer.subarray(0, bytesRead)
        check.update(chunk)
        at += bytesRead
        ahead = at < size && bytesRead > 0 ? readAhead() : undefined
        isAtEnd = at === size && check.end().sha256 === sha256
        if (isAtEnd) close()
        if (isAtEnd || (bytesRead > 0 && at < size)) return { done: false, value: chunk }
        await drop(services, file)
        services.seen.delete(sha256)
        throw new IntegrityError("the cache's copy of the artifact was damaged: it was dropped")
      } catch (error) {
        close()
        throw error
      }
    },
  }
}
