// Bytes that grow while they are read: one writer, any number of readers at their own pace. The newest stay in memory, so that a
// reader that keeps up never waits for the disk; the others go to a file, so that one that does not holds up nobody.
import type { FileHandle } from "node:fs/promises"
import { TransferError } from "./types.ts"

/** Bytes that stay in memory, beside those on their way to the disk; of one write; of one read. */
const WINDOW = 256 * 1024
const BATCH = 256 * 1024
const READ = 128 * 1024

/** The disk would not take the bytes, or not give them back. */
export class DiskError extends Error {}

export interface Reader {
  /** Throws `TransferError` once it was closed before its end: a part is never taken for the whole. */
  next: () => Promise<IteratorResult<Uint8Array, undefined>>
  /** May be called at any time, and more than once. */
  close: () => void
}

export interface Spool {
  /** Bytes appended, and those that readers may have: all but the last chunk until `finish`. */
  readonly size: number
  readonly released: number
  /** Settles when more may come. Throws `DiskError`. */
  append: (chunk: Buffer) => Promise<void>
  /** All bytes are good. */
  finish: () => void
  /** Every reader throws `error`, now. */
  fail: (error: Error) => void
  /** To be called after the last byte; settles when all are in the file. Throws `DiskError`. */
  store: () => Promise<void>
  read: () => Reader
  /** Settles when nothing is being written any more; the file is closed once the last reader has left. */
  letGo: () => Promise<void>
}

interface Entry {
  offset: number
  bytes: Buffer
}

/** What reading on after `close` throws. */
export function closedEarly(): TransferError {
  return new TransferError("the artifact was let go before its end")
}

/** An empty spool; `openFile` is called for one that does not fit into memory. `onAlone`: the last reader has left. */
export function createSpool(openFile: () => Promise<FileHandle>, onAlone: () => void): Spool {
  // Neighbours, oldest first; those from `unwritten` on are not in the file yet.
  const entries: Entry[] = []
  let unwritten = 0
  let kept = 0
  let waiting = 0
  let size = 0
  let released = 0
  let finished = false
  let failure: Error | undefined
  let readers = 0
  let wanted = true
  let file: FileHandle | undefined
  let writing: Promise<void> = Promise.resolve()
  let wake = Promise.withResolvers<void>()

  const move = () => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  const closeIfDone = () => {
    if (wanted || readers > 0) return
    file?.close().catch(() => {})
    file = undefined
  }

  /** Begins to write what waits. One write at a time: the next one waits for it, and throws what it threw. */
  async function write(): Promise<void> {
    await writing
    const batch = entries.slice(unwritten)
    const first = batch[0]
    if (first === undefined) return
    unwritten = entries.length
    waiting = 0
    const work = async () => {
      try {
        file ??= await openFile()
        await writeAll(file, batch, first.offset)
      } catch (cause) {
        throw new DiskError("the cache cannot be written to", { cause })
      }
      while (kept > WINDOW && unwritten > 1) {
        kept -= entries.shift()!.bytes.length
        unwritten--
      }
    }
    writing = work()
    // Thrown by whoever waits for it; nobody may.
    writing.catch(() => {})
  }

  async function bytesAt(offset: number): Promise<Uint8Array> {
    const near =
      offset < (entries[0]?.offset ?? 0)
        ? undefined
        : entries.find((entry) => offset < entry.offset + entry.bytes.length)
    if (near !== undefined) return near.bytes.subarray(offset - near.offset)
    const most = Math.min(READ, released - offset)
    const { bytesRead, buffer } = await file!.read(Buffer.allocUnsafeSlow(most), 0, most, offset)
    if (bytesRead === 0) throw new DiskError("the cache's file is shorter than what was written to it")
    return buffer.subarray(0, bytesRead)
  }

  return {
    get size() {
      return size
    },
    get released() {
      return released
    },
    append: async (chunk) => {
      if (chunk.length === 0) return
      entries.push({ offset: size, bytes: chunk })
      released = size
      size += chunk.length
      kept += chunk.length
      waiting += chunk.length
      move()
      if (waiting >= BATCH) await write()
    },
    finish: () => {
      finished = true
      released = size
      move()
    },
    fail: (error) => {
      failure = error
      move()
    },
    store: async () => {
      await write()
      await writing
      // Readers that are late find them in the file: many slow ones must not fill memory.
      entries.length = 0
      unwritten = 0
      kept = 0
    },
    letGo: async () => {
      await writing.catch(() => {})
      wanted = false
      closeIfDone()
    },
    read: () => {
      let offset = 0
      let open = true
      let isAtEnd = false
      readers++
      const close = () => {
        if (!open) return
        open = false
        readers--
        if (readers === 0) onAlone()
        closeIfDone()
      }
      return {
        close,
        next: async () => {
          if (isAtEnd) return { done: true, value: undefined }
          try {
            for (;;) {
              if (!open) throw closedEarly()
              if (failure !== undefined) throw failure
              if (offset < released) {
                const bytes = await bytesAt(offset)
                offset += bytes.length
                return { done: false, value: bytes }
              }
              if (finished) break
              await wake.promise
            }
          } catch (error) {
            close()
            throw error
          }
          isAtEnd = true
          close()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

async function writeAll(file: FileHandle, batch: readonly Entry[], offset: number): Promise<void> {
  const { bytesWritten } = await file.writev(
    batch.map(({ bytes }) => bytes),
    offset,
  )
  const end = offset + bytesWritten
  // A disk that is nearly full takes a part, and says why with the next one.
  for (const entry of batch) {
    let at = Math.max(0, end - entry.offset)
    while (at < entry.bytes.length)
      at += (await file.write(entry.bytes, at, entry.bytes.length - at, entry.offset + at)).bytesWritten
  }
}
