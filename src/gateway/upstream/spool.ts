// A file that grows while it is read: one writer, any number of readers at their own pace. The newest bytes are kept in memory
// too, so that a reader that keeps up never waits for the disk, and one that does not holds up nobody.
import type { FileHandle } from "node:fs/promises"

/** Bytes of the newest chunks that stay in memory, and of one read of the file. */
const WINDOW = 512 * 1024
const READ = 256 * 1024

/** The disk would not take the bytes. */
export class DiskError extends Error {}

export interface Reader {
  next: () => Promise<IteratorResult<Uint8Array, undefined>>
  /** May be called at any time, and more than once. */
  close: () => void
}

export interface Spool {
  /** Bytes appended, and those that readers may have: all but the last chunk until `finish`. */
  readonly size: number
  readonly released: number
  /** Settles when the bytes are in the file, which is when more may come. */
  append: (chunk: Buffer) => Promise<void>
  /** All bytes are good. */
  finish: () => void
  /** Every reader throws `error`, now. */
  fail: (error: Error) => void
  read: () => Reader
  /** Closes the file once its last reader has left. */
  letGo: () => void
}

/** A spool over an empty file. `onAlone` is called when the last reader leaves. */
export function createSpool(handle: FileHandle, onAlone: () => void): Spool {
  const window: { offset: number; bytes: Buffer }[] = []
  let kept = 0
  let size = 0
  let released = 0
  let finished = false
  let failure: Error | undefined
  let readers = 0
  let wanted = true
  let wake = Promise.withResolvers<void>()

  const move = () => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  const closeIfDone = () => {
    if (!wanted && readers === 0) handle.close().catch(() => {})
  }

  async function bytesAt(offset: number): Promise<Uint8Array> {
    const near = window.find((entry) => offset >= entry.offset && offset < entry.offset + entry.bytes.length)
    if (near !== undefined && near.offset < released) return near.bytes.subarray(offset - near.offset)
    const most = Math.min(READ, released - offset)
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(most), 0, most, offset)
    if (bytesRead === 0) throw new Error("the cache's file is shorter than what was written to it")
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
      const offset = size
      window.push({ offset, bytes: chunk })
      kept += chunk.length
      size += chunk.length
      released = offset
      move()
      try {
        for (let at = 0; at < chunk.length; )
          at += (await handle.write(chunk, at, chunk.length - at, offset + at)).bytesWritten
      } catch (cause) {
        throw new DiskError("the cache cannot be written to", { cause })
      }
      while (kept > WINDOW && window.length > 1) kept -= window.shift()!.bytes.length
    },
    finish: () => {
      finished = true
      released = size
      move()
    },
    fail: (error) => {
      failure = error
      window.length = 0
      move()
    },
    letGo: () => {
      wanted = false
      closeIfDone()
    },
    read: () => {
      let offset = 0
      let open = true
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
          try {
            while (open) {
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
          close()
          return { done: true, value: undefined }
        },
      }
    },
  }
}
