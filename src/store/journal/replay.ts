// Segments that a process left behind are taken in by the next one that writes: exactly once, whoever tries it and however often.
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { readBody } from "../../audit/sealing/record-shape.ts"
import type { Store } from "../types.ts"
import { claimDeadWriters } from "../writers.ts"
import { loadSegment, removeSegment, segmentsOf } from "./segment.ts"
import { type Common, lastTakenIn, segmentBatch } from "./take-in.ts"
import type { Repeated } from "./text.ts"

/** Where journals lie below the state directory. */
export const JOURNAL = "journal"

/** `write` is the committer's own. */
export type Parts = Pick<Store, "db" | "write">

/**
 * Takes in what gateways that are no more had in their journals. `state` is the state directory, `now` milliseconds since the epoch.
 * Errors: environment; what is left is for the next one.
 */
export async function replayJournals(state: string, parts: Parts, now: number): Promise<void> {
  const directory = join(state, JOURNAL)
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return
  const claim = claimDeadWriters(directory, now)
  try {
    for (const { gateway: id } of claim.dead) await replayJournal(directory, id, parts)
    claim.settle()
  } finally {
    claim.letGo()
  }
}

/** Takes in what one journal has left, in its order. Nobody may be writing to it. */
export async function replayJournal(directory: string, id: string, { db, write }: Parts): Promise<void> {
  const segments = segmentsOf(directory, id)
  if (segments.length === 0) return
  const origin = await nameOfLog(db)
  const taken = await lastTakenIn(db, id)
  for (const n of segments) {
    if (n > taken) {
      const { text, time } = loadSegment(directory, id, n)
      // Another log's stay where they are.
      if (text !== undefined && text.origin !== origin) return
      if (text !== undefined) await write(segmentBatch(db, id, n, await known(db, text.repeated), time))
    }
    removeSegment(directory, id, n)
  }
}

/** The log's name. */
export async function nameOfLog(db: Store["db"]): Promise<string> {
  const row = await db.selectFrom("settings").select("value").where("name", "=", "origin").executeTakeFirstOrThrow()
  return row.value
}

/**
 * What refers to records that are what it takes them for. After a power cut the log may end before a record that was not synced, and have
 * others in its place, while the journal was written by chance.
 */
async function known(db: Store["db"], repeated: Repeated): Promise<Repeated> {
  const archived = await db.selectFrom("settings").select("value").where("name", "=", "archived").executeTakeFirst()
  const found: Repeated = new Map()
  for (const [common, counts] of repeated) {
    const { run, item } = JSON.parse(common) as Common
    const kept = new Map<number, number>()
    for (const [seq, count] of counts) {
      const row = await db.selectFrom("events").select("body").where("seq", "=", seq).executeTakeFirst()
      const record = row && readBody(row.body)
      const isIt = record?.type === "network.decided" && record.run === run && record.item?.name === item.name
      if (isIt || (row === undefined && seq <= Number(archived?.value ?? 0))) kept.set(seq, count)
    }
    if (kept.size > 0) found.set(common, kept)
  }
  return found
}
