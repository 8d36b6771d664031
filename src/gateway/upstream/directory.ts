// The cache's place on disk: for its owner alone, never through a link, every file complete or not there. Several processes may
// share it; nothing in it is believed without its hash.
import { randomBytes } from "node:crypto"
import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { createLargeGate, type LargeGate } from "../../packages/registries/body.ts"
import { makeDirectory } from "../../store/sqlite/files.ts"

/** `blobs`: artifacts by sha256; `refs`: what an address gave; `meta`: documents by address. */
const AREAS = ["blobs", "refs", "meta"] as const
export type Area = (typeof AREAS)[number]

export interface Draft {
  handle: FileHandle
  path: string
}

export interface Opened {
  handle: FileHandle
  path: string
  bytes: number
  /** Milliseconds since the epoch: when its last use was noted. */
  used: number
}

/** A file that was read whole. */
export interface Small {
  path: string
  bytes: Buffer
  /** As in `Opened`. */
  used: number
}

/** Bytes of a file that is read at once: the page cache gives them in less time than four ways to another thread and back take. */
export const SMALL = 256 * 1024

export interface CacheDirectory {
  root: string
  /** `name` is 64 hexadecimal digits. */
  pathOf: (area: Area, name: string) => string
  /** A new file for writing and reading, to be kept or dropped. */
  draft: () => Promise<Draft>
  /** Moves a whole draft to its name; false where that failed, which costs a download later. */
  keep: (draft: Draft, area: Area, name: string, bytes: number) => Promise<boolean>
  /** Opens a file for reading; undefined where there is none, or something else than a file of at most `most` bytes. */
  open: (area: Area, name: string, most: number) => Promise<Opened | undefined>
  /** Reads a file of at most `SMALL` bytes; undefined where there is none, or something else. */
  readSmall: (area: Area, name: string) => Small | undefined
  /** Runs what no client waits for, two at a time: Node has few threads for files, and clients wait for what they read. */
  inTurn: LargeGate
  /** In its turn. */
  write: (area: Area, name: string, bytes: Buffer) => Promise<void>
  drop: (path: string) => Promise<void>
  /** Told of every file that is kept. */
  onKept: (listener: (bytes: number) => void) => void
  close: () => void
}

const DRAFTS = "drafts"
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const ABANDONED = 24 * 60 * 60 * 1000

/**
 * Prepares `directory` (0700), and removes the drafts of processes that are no more. Without one a private place is made that goes
 * when it is closed. Throws `NanoguardError` where it is a link, another user's or cannot be made.
 */
export async function openDirectory(directory: string | undefined): Promise<CacheDirectory> {
  const root = directory ?? mkdtempSync(join(tmpdir(), "nanoguard-gateway-"))
  const prepareAll = () => {
    for (const path of [root, ...[...AREAS, DRAFTS].map((area) => join(root, area))]) prepare(path)
  }
  prepareAll()
  await removeAbandoned(join(root, DRAFTS))
  const made = new Set<string>()
  const mark = `${process.pid}-${randomBytes(8).toString("hex")}`
  let drafts = 0
  const inTurn = createLargeGate()
  let kept = (_bytes: number) => {}
  const pathOf = (area: Area, name: string) => join(root, area, name.slice(0, 2), name)

  const self: CacheDirectory = {
    root,
    pathOf,
    draft: async () => {
      const path = join(root, DRAFTS, `${mark}-${drafts++}`)
      const make = () => open(path, "wx+", 0o600)
      const handle = await make().catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error
        // Somebody emptied the caches: made anew.
        prepareAll()
        made.clear()
        return make()
      })
      return { handle, path }
    },
    keep: async (draft, area, name, bytes) => {
      const target = pathOf(area, name)
      try {
        if (!made.has(dirname(target))) {
          await mkdir(dirname(target), { mode: 0o700 }).catch(() => {})
          if (!lstatSync(dirname(target)).isDirectory()) throw new Error("not a directory")
          made.add(dirname(target))
        }
        await rename(draft.path, target)
        kept(bytes)
        return true
      } catch {
        made.delete(dirname(target))
        await rm(draft.path, { force: true }).catch(() => {})
        return false
      }
    },
    open: async (area, name, most) => {
      try {
        const path = pathOf(area, name)
        const handle = await open(path, READ)
        const stats = await handle.stat()
        if (stats.isFile() && stats.size <= most) return { handle, path, bytes: stats.size, used: stats.mtimeMs }
        await handle.close()
      } catch {
        // Not there, or not readable.
      }
      return undefined
    },
    readSmall: (area, name) => {
      const path = pathOf(area, name)
      let file: number | undefined
      try {
        file = openSync(path, READ)
        const stats = fstatSync(file)
        if (!stats.isFile() || stats.size > SMALL) return undefined
        const bytes = Buffer.allocUnsafeSlow(stats.size)
        return { path, bytes: bytes.subarray(0, readSync(file, bytes, 0, stats.size, 0)), used: stats.mtimeMs }
      } catch {
        return undefined
      } finally {
        if (file !== undefined) closeSync(file)
      }
    },
    inTurn,
    write: (area, name, bytes) =>
      inTurn(async () => {
        const draft = await self.draft()
        try {
          await draft.handle.writeFile(bytes)
          await self.keep(draft, area, name, bytes.length)
        } finally {
          await draft.handle.close()
        }
      }),
    drop: (path) => rm(path, { force: true, recursive: false }).catch(() => {}),
    onKept: (listener) => {
      kept = listener
    },
    close: () => {
      if (directory === undefined) rmSync(root, { recursive: true, force: true })
    },
  }
  return self
}

function prepare(path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeDirectory(path)
    const stats = lstatSync(path)
    if (!stats.isDirectory()) throw refuse(path, stats.isSymbolicLink() ? "is a symbolic link" : "is not a directory")
    const uid = process.getuid?.()
    if (uid === undefined) return
    if (stats.uid !== uid) throw refuse(path, "belongs to another user")
    if ((stats.mode & 0o077) !== 0) chmodSync(path, 0o700)
  } catch (error) {
    if (error instanceof NanoguardError) throw error
    throw refuse(path, `cannot be prepared (${String((error as { code?: unknown }).code)})`)
  }
}

function refuse(file: string, problem: string): NanoguardError {
  return new NanoguardError(`the gateway's cache ${problem}`, {
    exit: EXIT.environment,
    hint: "move that away, make it writable for this user, or set NANOGUARD_HOME to another directory",
    where: { file },
  })
}

/** A draft carries the process id of its writer; one whose writer is gone, or that is a day old, is nobody's. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const pid = Number(/^(\d{1,10})-/.exec(name)?.[1])
    const old = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs > ABANDONED,
      () => false,
    )
    if (old || !isAlive(pid)) await rm(path, { force: true }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM"
  }
}
