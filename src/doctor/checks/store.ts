// The record's store: that it opens, has room, and is its owner's alone.
import { lstatSync, statfsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { stateHome } from "../../home.ts"
import { formatBytes } from "../../render/bytes.ts"
import { storeLocation } from "../../store/location.ts"
import { readStoreStatus, type StoreStatus } from "../../store/status.ts"
import type { Check, Finding } from "../types.ts"

/** Free bytes below which recording will soon stop, and below which it may any moment. */
const LITTLE = 1024 ** 3
const NOTHING = 100 * 1024 ** 2

/** That the record can be read, where it is, and what weakens it. */
export const storeCheck: Check = {
  id: "store",
  title: "Record",
  run: async ({ ctx, reader }) => {
    const location = storeLocation(ctx)
    const room = readRoom(stateHome(ctx))
    if (location.kind === "sqlite" && (await reader()) === undefined)
      return judgeRoom(room, { state: "ok", facts: { free: room }, why: "none yet: the first approver makes it" })
    const status = await readStoreStatus(ctx)
    const facts = factsOf(status, room)
    const problem = status.warnings[0] ?? findOpenMode(stateHome(ctx))
    if (problem !== undefined) return { state: "warn", facts, why: problem, ...fixIn(problem) }
    const why = `${status.kind === "sqlite" ? "SQLite" : "PostgreSQL"}, ${status.records} records, ${formatBytes(status.bytes)}, ${formatBytes(room)} free`
    return judgeRoom(room, { state: "ok", facts, why })
  },
}

function factsOf(status: StoreStatus, free: number) {
  const { kind, location, origin, version, records, archived, bytes, role, warnings } = status
  return { kind, location, origin, version, records, archived, bytes, free, ...(role && { role }), warnings }
}

function judgeRoom(room: number, fine: Finding): Finding {
  if (room >= LITTLE) return fine
  const why = `only ${formatBytes(room)} are free where the record lies: what cannot be recorded is not released`
  return { ...fine, state: room < NOTHING ? "fail" : "warn", why }
}

/** Bytes that this user may still write where a directory lies, or will. */
function readRoom(directory: string): number {
  let at = directory
  while (statSync(at, { throwIfNoEntry: false }) === undefined && dirname(at) !== at) at = dirname(at)
  const { bavail, bsize } = statfsSync(at)
  return bavail * bsize
}

/** What in the state directory others may enter or read. Opening the store closes it; what is read-only here stays open. */
function findOpenMode(directory: string): string | undefined {
  if (process.platform === "win32") return undefined
  for (const path of ["", "record.db", "index.db", "vault.json", "gateway"].map((name) => join(directory, name))) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) continue
    if (stats.isSymbolicLink()) return `${path} is a link`
    if (stats.uid !== process.getuid?.()) return `${path} belongs to another user: chown -R "$(id -u)" ${path}`
    if ((stats.mode & 0o077) !== 0) return `others may get at ${path}: chmod go-rwx ${path}`
  }
  return undefined
}

function fixIn(problem: string): { fix?: string } {
  const fix = /: (ch(?:mod|own) .+)$/.exec(problem)?.[1]
  return fix === undefined ? {} : { fix }
}
