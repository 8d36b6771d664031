// Keeps the cache within its bounds: in the background, what was used longest ago first. Whatever is being read is read on: an open
// file outlives its name.
import { opendir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Area, CacheDirectory } from "./directory.ts"

export interface Sweeper {
  /** Bytes in the cache, as far as they were counted. */
  bytes: () => number
  /** Waits for the sweep that is under way. */
  close: () => Promise<void>
}

interface Entry {
  path: string
  bytes: number
  used: number
}

/** A sweep leaves this part of the bounds; references are small, many, and outlive their blobs, up to a part of their own. */
const LEFT = 0.9
const REFERENCES = 1 / 16
/** What a small file takes on a disk. */
const BLOCK = 4_096

/** Counts what lies in the directory, then sweeps whenever more than `most` bytes do. */
export function startSweeper(directory: CacheDirectory, most: number): Sweeper {
  let bytes = 0
  // Kept while a sweep is under way, which may have passed by where it was put.
  let added = 0
  let closed = false
  let work: Promise<void> | undefined
  const begin = () => {
    work ??= sweep()
      .catch(() => {})
      .finally(() => {
        work = undefined
        if (bytes > most && !closed) begin()
      })
  }

  async function sweep(): Promise<void> {
    const bounds: [Area[], number][] = [
      [["blobs", "meta"], most],
      [["refs"], most * REFERENCES],
    ]
    let counted = 0
    added = 0
    for (const [areas, bound] of bounds) {
      const entries: Entry[] = []
      for (const area of areas) for await (const entry of entriesOf(join(directory.root, area))) entries.push(entry)
      let total = entries.reduce((sum, entry) => sum + entry.bytes, 0)
      if (total > bound) {
        for (const entry of entries.sort((a, b) => a.used - b.used)) {
          if (total <= bound * LEFT || closed) break
          await directory.drop(entry.path)
          total -= entry.bytes
        }
      }
      counted += total
    }
    bytes = counted + added
  }

  async function* entriesOf(path: string): AsyncGenerator<Entry> {
    for await (const part of await opendir(path)) {
      if (closed || !part.isDirectory()) continue
      for await (const file of await opendir(join(path, part.name))) {
        if (!file.isFile()) continue
        const stats = await stat(join(path, part.name, file.name)).catch(() => undefined)
        if (stats === undefined) continue
        const size = Math.ceil(stats.size / BLOCK) * BLOCK
        yield { path: join(path, part.name, file.name), bytes: size, used: stats.mtimeMs }
      }
    }
  }

  directory.onKept((kept) => {
    const blocks = Math.ceil(kept / BLOCK) * BLOCK
    added += blocks
    bytes += blocks
    if (bytes > most) begin()
  })
  begin()
  return {
    bytes: () => bytes,
    close: async () => {
      closed = true
      await work
    },
  }
}
