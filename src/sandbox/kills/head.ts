// How far the chain of kills had come when this machine last saw it, kept in the state directory beside the store: whoever may write the store
// and cuts off the end of the table is found out at the next start.
import { join } from "node:path"
import { type Kysely, sql } from "kysely"
import { isRecord } from "../../packages/registries/values.ts"
import type { Tables } from "../../store/schema.ts"
import { prepareDirectory } from "../../store/sqlite/files.ts"
import { readPrivate, writePrivate } from "../../vault/private-file.ts"

/** A point of the chain. */
export interface KillHead {
  /** Of the store: another one has another chain. */
  origin: string
  position: number
  link: string
}

const fileOf = (stateDirectory: string) => join(stateDirectory, "kills-head.json")

/** The store's own name; "" where it has none yet. */
export async function readOrigin(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ value: unknown }>`select value from settings where name = 'origin'`.execute(db)
  return String(rows[0]?.value ?? "")
}

/** What was seen last; undefined where nothing was. "damaged" where it cannot be read: then nothing is known of what is missing. */
export function readKillHead(stateDirectory: string): KillHead | "damaged" | undefined {
  try {
    const text = readPrivate(fileOf(stateDirectory), "the head of the kills")
    if (text === undefined) return undefined
    const value: unknown = JSON.parse(text)
    if (!isRecord(value)) return "damaged"
    const { origin, position, link } = value
    const isWhole = typeof origin === "string" && Number.isSafeInteger(position) && typeof link === "string"
    return isWhole ? { origin, position: Number(position), link } : "damaged"
  } catch {
    return "damaged"
  }
}

/** Writes what is seen now. Never throws: a disk that is full must not stand in the way of a kill, and what was kept before stays. */
export function writeKillHead(stateDirectory: string, head: KillHead): void {
  try {
    prepareDirectory(stateDirectory)
    writePrivate(fileOf(stateDirectory), JSON.stringify(head), "the head of the kills", true)
  } catch {
    // The next one that sees it keeps it.
  }
}
