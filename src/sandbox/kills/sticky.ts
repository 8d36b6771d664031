// Kills that the store could not take (full, locked, out of reach): they wait in the state directory, one file a target, and stop
// whom they name all the same. The name of a file says it all, so that it also holds where the disk has room for no more than that.
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { isRecord } from "../../packages/registries/values.ts"
import { prepareDirectory, syncDirectory } from "../../store/sqlite/files.ts"
import { readPrivate, writePrivate } from "../../vault/private-file.ts"
import { MAX_BY, MAX_REASON } from "./chain.ts"
import { formatTarget, type Kill, readTarget } from "./types.ts"

const DIRECTORY = "killed"
const ENDING = ".json"

/** Most that are read; more than anybody stops by name while a store is broken. */
const MAX_WAITING = 1000

/** Where they wait: `<stateHome>/killed`. */
export const waitingDirectory = (stateDirectory: string): string => join(stateDirectory, DIRECTORY)

/** Writes a kill down, durably. Returns what was wrong where not even an empty file could be made. */
export function writeWaiting(stateDirectory: string, { target, time, by, reason }: Kill): string | undefined {
  const directory = waitingDirectory(stateDirectory)
  const file = join(directory, `${encodeURIComponent(formatTarget(target))}${ENDING}`)
  try {
    prepareDirectory(stateDirectory)
    prepareDirectory(directory)
    // First the name alone, which needs no space on most file systems; then what it says.
    const fd = openSync(file, "a", 0o600)
    fsyncSync(fd)
    closeSync(fd)
    syncDirectory(directory)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  try {
    writePrivate(file, JSON.stringify({ schema: "nanoguard.killed/1", time, by, reason }), "the list of kills", true)
  } catch {
    // The name stands.
  }
  return undefined
}

/** Kills that wait, by target. Whatever lies there with the right name counts, readable or not. Never throws. */
export function readWaiting(stateDirectory: string): ReadonlyMap<string, Kill> {
  const waiting = new Map<string, Kill>()
  const directory = waitingDirectory(stateDirectory)
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    // Where nothing ever waited there is no such directory.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return waiting
    const reason = `the list of kills cannot be read (${(error as NodeJS.ErrnoException).code})`
    return new Map([["all", { target: { kind: "all" }, time: 0, by: "nanoguard", reason, position: 0 }]])
  }
  for (const name of names.filter((name) => name.endsWith(ENDING)).slice(0, MAX_WAITING)) {
    const target = readName(name.slice(0, -ENDING.length))
    if (target) waiting.set(formatTarget(target), { target, ...readContent(join(directory, name)), position: 0 })
  }
  return waiting
}

/** Forgets a kill that the store has by now. */
export function removeWaiting(stateDirectory: string, target: string): void {
  const directory = waitingDirectory(stateDirectory)
  rmSync(join(directory, `${encodeURIComponent(target)}${ENDING}`), { force: true, recursive: true })
  syncDirectory(directory)
}

function readName(name: string) {
  try {
    return readTarget(decodeURIComponent(name))
  } catch {
    return undefined
  }
}

function readContent(file: string): Pick<Kill, "time" | "by" | "reason"> {
  try {
    const value: unknown = JSON.parse(readPrivate(file, "the list of kills") ?? "")
    if (isRecord(value) && isTime(value["time"]) && isText(value["by"], MAX_BY) && isText(value["reason"], MAX_REASON))
      return { time: value["time"], by: value["by"], reason: value["reason"] }
  } catch {
    // Empty, or damaged: that it is there is enough.
  }
  const { mtimeMs = 0 } = lstatSync(file, { throwIfNoEntry: false }) ?? {}
  return { time: Math.trunc(mtimeMs), by: "unknown", reason: "ordered while the store could not be written" }
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value)
const isText = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most
