// Who writes to a state directory, and who died doing so. Each writer has a marker, `writers/<pid>-<random>`, and holds a lock
// on it for as long as it lives: the system lets go of it with the process, so neither a number that another process got
// later nor a process that this one cannot see (another container) is taken for what it is not.
import { randomBytes } from "node:crypto"
import { readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import { isDamage, SQLITE, sqliteCode, withStoreErrors } from "./sqlite/errors.ts"
import { prepareDirectory, prepareFile, syncDirectory, withFileErrors } from "./sqlite/files.ts"
import { loadSqlite } from "./sqlite/module.ts"

const DIRECTORY = "writers"
const MARKER = /^\d+-[0-9a-f]{16}$/
/** Milliseconds after which a marker without a row is no longer about to be made. */
const STILLBORN = 60_000
/** Dead writers that are taken up at once, each with an open file; more are left to the next one. */
const MAX_CLAIMED = 256

export interface DeadWriter {
  /** As it called itself; "" where the marker was lost in the crash. */
  gateway: string
  pid: number
  /** When it began to write, in milliseconds since the epoch; 0 where unknown. */
  since: number
}

/** Dead writers, held so that no other process takes them up as well. */
export interface Claim {
  dead: readonly DeadWriter[]
  /** Writers that live, in this or another process; also those that another process is taking up. */
  alive: number
  /** Their end is recorded: removes the markers. */
  settle(): void
  /** Leaves them for the next one. */
  letGo(): void
}

/** The directory of the markers; makes it. A program that opens a marker itself and closes it again would drop its own locks. */
export function writersDirectory(directory: string): string {
  prepareDirectory(directory)
  const writers = join(directory, DIRECTORY)
  prepareDirectory(writers)
  return writers
}

/**
 * Marks this process as a writer, on the disk before it returns where `synced`. The result removes the mark: at a clean end.
 */
export function markWriter(directory: string, gateway: string, now: number, synced = true): () => void {
  const writers = writersDirectory(directory)
  const file = join(writers, `${process.pid}-${randomBytes(8).toString("hex")}`)
  prepareFile(file)
  const lock = withStoreErrors(file, () => openMarker(file))
  withStoreErrors(file, () => {
    // In this mode the lock stays when the transaction ends.
    const disk = `PRAGMA synchronous=${synced ? "FULL" : "OFF"}`
    lock.exec(`PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; ${disk}; BEGIN EXCLUSIVE`)
    lock.exec("CREATE TABLE writer (gateway TEXT NOT NULL, since INTEGER NOT NULL) STRICT")
    lock.prepare("INSERT INTO writer VALUES (?, ?)").run(gateway, now)
    lock.exec("COMMIT")
  })
  if (synced) syncDirectory(writers)
  return () => remove(file, lock)
}

/** Finds the writers that died, and claims them. `now` in milliseconds since the epoch. Errors: environment. */
export function claimDeadWriters(directory: string, now: number): Claim {
  const writers = writersDirectory(directory)
  const names = withFileErrors(writers, () => readdirSync(writers)).filter((name) => MARKER.test(name))
  const held: { file: string; lock: DatabaseSync }[] = []
  const letGo = () => {
    for (const { lock } of held.splice(0)) lock.close()
  }
  const settle = () => {
    for (const { file, lock } of held.splice(0)) remove(file, lock)
  }
  const dead: DeadWriter[] = []
  let alive = 0
  try {
    for (const name of names.sort()) {
      if (held.length === MAX_CLAIMED) break
      const file = join(writers, name)
      const probe = withStoreErrors(file, () => probeMarker(file, now))
      if (probe === "alive") alive += 1
      if (typeof probe === "string") continue
      dead.push({ pid: Number.parseInt(name, 10), ...probe.writer })
      held.push({ file, lock: probe.lock })
    }
    return { dead, alive, settle, letGo }
  } catch (error) {
    letGo()
    throw error
  }
}

type Probe = "alive" | "gone" | { writer: Omit<DeadWriter, "pid">; lock: DatabaseSync }

function probeMarker(file: string, now: number): Probe {
  let lock: DatabaseSync | undefined
  try {
    lock = openMarker(file)
    lock.exec("PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE")
    return readMarker(file, lock, now)
  } catch (error) {
    if (lock && isDamage(error)) return { writer: { gateway: "", since: 0 }, lock }
    lock?.close()
    if (sqliteCode(error) === SQLITE.BUSY) return "alive"
    if (sqliteCode(error) === SQLITE.CANTOPEN && !statSync(file, { throwIfNoEntry: false })) return "gone"
    throw error
  }
}

/** A writer that died before its marker was whole has written nothing. */
function readMarker(file: string, lock: DatabaseSync, now: number): Probe {
  const isMade = lock.prepare("SELECT 1 FROM sqlite_master WHERE name = 'writer'").get() !== undefined
  const row = isMade ? lock.prepare("SELECT gateway, since FROM writer").get() : undefined
  if (row) return { writer: { gateway: String(row["gateway"]), since: Number(row["since"]) }, lock }
  const age = now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now)
  if (age > STILLBORN) remove(file, lock)
  else lock.close()
  return "gone"
}

/** `mode=rw`: a marker that was removed meanwhile is not made again. */
function openMarker(file: string): DatabaseSync {
  const uri = pathToFileURL(file)
  uri.searchParams.set("mode", "rw")
  const { DatabaseSync: Database } = loadSqlite()
  return new Database(uri.href, { timeout: 0 })
}

/** Removed first and unlocked then, so that nobody finds it unlocked; Windows only removes what is closed. */
function remove(file: string, lock: DatabaseSync): void {
  if (process.platform !== "win32") rmSync(file, { force: true })
  lock.close()
  rmSync(file, { force: true })
}
