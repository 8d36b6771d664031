// Answers of registries, kept between runs: one file each, named by a hash of what it answers, so that no name from outside
// becomes a path. Several processes may share it: files are only ever replaced whole.
import { createHash, randomBytes } from "node:crypto"
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { isAbsolute, join } from "node:path"
import type { Context } from "../../context.ts"
import { dataHome, homeDirectory } from "../../home.ts"
import { isRepositorys } from "./config-files.ts"

export interface CacheEntry {
  etag?: string
  /** Milliseconds since the epoch: when the registry last vouched for it, and until when it need not be asked. */
  fetchedAt: number
  freshUntil: number
  /** What the registry said, reduced; checked by its reader. */
  payload: unknown
}

export interface Cache {
  /** Undefined where there is none, or one that is damaged or was changed. */
  read: (key: string) => Promise<CacheEntry | undefined>
  /** Starts a write; failures only cost the next run a request. */
  write: (key: string, entry: CacheEntry) => void
  /** Waits for the writes, and now and then removes what was not used longest. */
  close: () => Promise<void>
}

/** Part of every key: raise it when the meaning of a payload changes. */
const FORMAT = "nanoguard.registry-cache/1"
const MAX_FILE = 64 * 1024 * 1024
const MAX_TOTAL = 512 * 1024 * 1024
const SWEEP_EVERY = 24 * 60 * 60 * 1000

/**
 * Where answers are kept: `NANOGUARD_HOME/cache`, else `$XDG_CACHE_HOME/nanoguard`, else `~/.cache/nanoguard`. Undefined
 * where that lies in the vetted directory: an agent could write its own answers there.
 */
export function cacheDirectory(ctx: Pick<Context, "cwd" | "env">): string | undefined {
  const { env } = ctx
  const xdg = env.XDG_CACHE_HOME
  const base = env.NANOGUARD_HOME
    ? join(dataHome(ctx), "cache")
    : join(xdg && isAbsolute(xdg) ? xdg : join(homeDirectory(env), ".cache"), "nanoguard")
  const directory = join(base, "registries")
  return isRepositorys(ctx, directory) ? undefined : directory
}

/** The key of an answer: a hash of whatever tells it from others. */
export function cacheKey(...parts: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, ...parts]))
    .digest("hex")
}

/** Opens the cache in `directory`; without one it holds nothing. `maxTotal` in bytes. */
export function openCache(directory: string | undefined, now: () => number, maxTotal = MAX_TOTAL): Cache {
  if (directory === undefined) return { read: async () => undefined, write: () => {}, close: async () => {} }
  const pathOf = (key: string) => join(directory, key.slice(0, 2), key)
  // Writes under way by key: what was just written is there for who asks next.
  const pending = new Map<string, { entry: CacheEntry; work: Promise<void> }>()
  let wrote = false

  return {
    read: async (key) => {
      const written = pending.get(key)
      if (written !== undefined) return written.entry
      try {
        const path = pathOf(key)
        const entry = decodeEntry(await readFile(path, "utf8"), key)
        if (entry !== undefined && entry.fetchedAt <= now()) return entry
      } catch {
        // Not there, or not readable: the registry is asked.
      }
      return undefined
    },
    write: (key, entry) => {
      wrote = true
      // In turn: an older entry must not replace a newer one.
      const work = (pending.get(key)?.work ?? Promise.resolve())
        .then(() => writeEntry(pathOf(key), encodeEntry(entry, key)))
        .catch(() => {})
        .then(() => {
          if (pending.get(key)?.work === work) pending.delete(key)
        })
      pending.set(key, { entry, work })
    },
    close: async () => {
      await Promise.all([...pending.values()].map(({ work }) => work))
      if (wrote) await sweep(directory, now(), maxTotal).catch(() => {})
    },
  }
}

/** A line with the hash of the rest, then the entry: a torn, cut or edited file is no entry. */
function encodeEntry(entry: CacheEntry, key: string): string {
  const text = JSON.stringify(entry)
  return `${digest(key, text)}\n${text}`
}

function decodeEntry(text: string, key: string): CacheEntry | undefined {
  if (text.length > MAX_FILE || text[64] !== "\n") return undefined
  const body = text.slice(65)
  if (text.slice(0, 64) !== digest(key, body)) return undefined
  const entry = JSON.parse(body) as Partial<CacheEntry>
  const { etag, fetchedAt, freshUntil } = entry
  const sound =
    Number.isFinite(fetchedAt) &&
    Number.isFinite(freshUntil) &&
    (etag === undefined || /^[\x21-\x7e]{1,200}$/.test(etag))
  return sound ? (entry as CacheEntry) : undefined
}

function digest(key: string, text: string): string {
  return createHash("sha256").update(key).update(text).digest("hex")
}

async function writeEntry(path: string, text: string): Promise<void> {
  if (text.length > MAX_FILE) return
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`
  try {
    await writeFile(draft, text, { flag: "wx", mode: 0o600 })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** At most once a day: removes drafts that nobody finished, and the oldest entries beyond `maxTotal` bytes. */
async function sweep(directory: string, now: number, maxTotal: number): Promise<void> {
  const marker = join(directory, "swept")
  const last = await stat(marker).catch(() => undefined)
  if (last !== undefined && now - last.mtimeMs < SWEEP_EVERY) return
  await writeFile(marker, "")
  await utimes(marker, now / 1000, now / 1000)
  const files: { path: string; bytes: number; time: number }[] = []
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    const info = await stat(path).catch(() => undefined)
    if (!info?.isFile() || path === marker) continue
    if (name.endsWith(".tmp") && now - info.mtimeMs > SWEEP_EVERY) await rm(path, { force: true })
    else files.push({ path, bytes: info.size, time: info.mtimeMs })
  }
  let total = files.reduce((sum, file) => sum + file.bytes, 0)
  for (const file of files.sort((a, b) => a.time - b.time)) {
    if (total <= maxTotal) return
    await rm(file.path, { force: true })
    total -= file.bytes
  }
}
