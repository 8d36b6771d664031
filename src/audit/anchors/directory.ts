// Checkpoints in a directory, on another disk, a mount or a share: one file each, made once and never touched again. Nothing is
// renamed or removed, so that it works where the file system allows no more than adding (append-only, write-once).
import { constants } from "node:fs"
import { open, readdir, unlink } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { cleanText } from "../../render/clean.ts"
import { parseCheckpoint } from "../checkpoints/checkpoint-text.ts"
import { NoteError } from "../checkpoints/note-error.ts"
import { SplitView } from "../checkpoints/split-view.ts"
import { sameHash } from "../tree/merkle.ts"
import type { Anchor, Checkpoint } from "../types.ts"
import { AnchorError, causeOf, orBad } from "./failure.ts"
import { logId } from "./log-id.ts"

/** Bytes of the largest file that is read. */
const MAX_FILE = 128 * 1024

/** How long another process may take to write its file: tries, and milliseconds between them. */
const TRIES = 20
const WAIT = 25

/** Opens a directory, which must be there: on a mount that is missing nothing may be made in its place. */
export function openDirectoryAnchor(name: string, directory: string): Anchor {
  /** Names of the log's files, by size. Sizes are of one length, so that names sort as sizes do. */
  const list = async (origin: string): Promise<string[]> => {
    const start = `${logId(origin)}-`
    const names = await readdir(directory).catch((error) => {
      throw new AnchorError(name, `cannot be read: ${causeOf(error)}`, error)
    })
    return names
      .filter((file) => file.startsWith(start) && /^\d{16}\.checkpoint$/.test(file.slice(start.length)))
      .sort()
  }

  /** One checkpoint; undefined where the file is not whole, because it is being written or its writer died. */
  const readOne = async (origin: string, file: string): Promise<Checkpoint | undefined> => {
    const text = await readText(join(directory, file)).catch((error) => {
      throw new AnchorError(name, `has a file that cannot be read, ${file}: ${causeOf(error)}`, error)
    })
    // A note ends with its signature lines and nothing is written after them.
    if (!/\n\n— [^\n]+\n$/.test(text)) return undefined
    const checkpoint = parseCheckpoint(text)
    if (fileName(checkpoint) === file && checkpoint.origin === origin) return checkpoint
    throw new NoteError(`${cleanText(name)} has a file of another checkpoint than its name says: ${file}`)
  }

  return {
    name,
    async read(origin, newest = false, onBad) {
      const found: Checkpoint[] = []
      for (const file of (await list(origin)).reverse()) {
        const checkpoint = await orBad(() => readOne(origin, file), onBad)
        if (checkpoint) found.push(checkpoint)
        if (checkpoint && newest) break
      }
      return found.reverse()
    },
    async publish(checkpoint) {
      const file = fileName(checkpoint)
      try {
        if (await writeOnce(join(directory, file), checkpoint.note)) return await sync(directory)
      } catch (error) {
        throw new AnchorError(name, `cannot be written: ${causeOf(error)}`, error)
      }
      for (let n = 0; n < TRIES; n++) {
        const there = await readOne(checkpoint.origin, file)
        if (there && !sameHash(there.root, checkpoint.root)) throw new SplitView(name, there, checkpoint)
        if (there) return
        await setTimeout(WAIT)
      }
      throw new AnchorError(name, `has an unfinished file: ${file}`)
    },
  }
}

function fileName({ origin, size }: Checkpoint): string {
  return `${logId(origin)}-${String(size).padStart(16, "0")}.checkpoint`
}

async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > MAX_FILE) throw new Error("it is no checkpoint")
    return await file.readFile("utf8")
  } finally {
    await file.close()
  }
}

/** Makes a durable file of mode 0444; false where there is one of the name. */
async function writeOnce(path: string, text: string): Promise<boolean> {
  const file = await open(path, "wx", 0o444).catch((error) => {
    if (error.code === "EEXIST") return undefined
    throw error
  })
  if (file === undefined) return false
  try {
    // Whatever the umask: others are meant to read it.
    await file.chmod(0o444)
    await file.writeFile(text)
    await file.sync()
    return true
  } catch (error) {
    // What is not whole counts for nothing, but would keep this size from being published.
    await unlink(path).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
}

async function sync(directory: string): Promise<void> {
  if (process.platform === "win32") return
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
