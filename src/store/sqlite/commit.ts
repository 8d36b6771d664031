// Group commit on SQLite: one transaction and one sync for many batches, each of which can be undone alone.
import { join } from "node:path"
import type { SQLInputValue } from "node:sqlite"
import type { SealKeys } from "../../audit/sealing/seal.ts"
import type { PersonCommitment } from "../../audit/types.ts"
import { NanoguardError } from "../../errors.ts"
import { Conflict } from "../conflict.ts"
import type { Engine, EngineOptions, Outcome, PendingBatch } from "../engine.ts"
import {
  type Commitments,
  clockBackEvent,
  forgetPeople,
  personalValuesOf,
  sealBatch,
  sealDrafted,
  timeOfRecord,
} from "../sealing.ts"
import type { Change } from "../types.ts"
import { beginWriting } from "./begin.ts"
import { limitWal, type WalSize } from "./checkpoint.ts"
import { RECORD } from "./database.ts"
import { failedGroup, isBroken, isFailedSync, isSurroundings, lostTrust, refusedChange } from "./failed-group.ts"
import { beginWaiting } from "./lock-wait.ts"
import { createWalSync } from "./wal-sync.ts"
import { insertEvents, openWriter, prepareChange, syncEachCommit, type Writer } from "./writer.ts"

/** Where the log stands: what the next transaction goes on from. */
interface Head {
  seq: number
  /** Time of the newest record, milliseconds since the epoch. */
  time: number
}

/** What one transaction works with. */
interface Group {
  writer: Writer
  keys: SealKeys
  commitments: Commitments
  now: number
  head: Head
  /** Sealed events that wait to be inserted together. */
  bodies: string[]
  wal: WalSize
}

export interface SqliteEngineOptions extends EngineOptions {
  directory: string
  /** Milliseconds to wait for other processes that write; 10 s where absent. */
  patience?: number
  /** Bytes after which the WAL is started over; 64 MiB where absent. */
  walLimit?: number
}

/** Opens the log in a state directory for committing. Errors: environment. */
export async function openSqliteEngine(options: SqliteEngineOptions): Promise<Engine> {
  const { directory, gateway } = options
  const file = join(directory, RECORD)
  const keys: SealKeys = { commitKey: options.commitKey }
  const { entry, recovered, ...beginning } = await beginWriting(directory, gateway, options.now())
  let writer: Writer | undefined = beginning.writer
  let head: Head = { seq: -1, time: 0 }
  const wal: WalSize = { written: 0 }
  let closed = false
  /** Set once a sync failed: from then on no answer of the disk is believed. */
  let distrusted = false
  const distrust = () => {
    distrusted = true
  }
  let sync = createWalSync(`${file}-wal`, distrust)

  /** After a failure of the disk nothing that a connection remembers counts. */
  const letGo = () => {
    try {
      writer?.db.close()
    } catch {
      // What it could not write is in the WAL, or was never acknowledged.
    }
    writer = undefined
    // Its WAL may have gone with it.
    sync.close().catch(distrust)
    sync = createWalSync(`${file}-wal`, distrust)
  }

  const openAgain = async () => {
    try {
      return await openWriter(directory)
    } catch (error) {
      throw failedGroup(error, file, false)
    }
  }

  const commit = (writer: Writer, batches: readonly PendingBatch[]): Outcome[] => {
    let committing = false
    const lax = batches.every((batch) => batch.lax) && sync.ready()
    try {
      syncEachCommit(writer, !lax)
      // Nothing else happens in this thread while it waits.
      beginWaiting(writer, options.patience, sync.settle)
      const before = readHead(writer, head)
      const group: Group = {
        ...{ writer, keys, wal, bodies: [] },
        now: options.now(),
        head: { ...before },
        commitments: findPeople(writer, keys, batches),
      }
      const back = batches.some(asksForTime) ? clockBackEvent(group.head.time, group.now, gateway) : undefined
      if (back) commitBatch(group, { changes: [], events: [back] })
      const outcomes = batches.map((batch) => commitBatch(group, batch))
      flushBodies(group)
      committing = true
      writer.commit.run()
      if (lax) sync.written()
      // Without a record there may have been nothing to write, and so no sync.
      else if (group.head.seq > before.seq) sync.synced()
      head = group.head
      return outcomes
    } catch (error) {
      rollBack(writer)
      throw failedGroup(error, file, committing)
    }
  }

  try {
    if (recovered) commit(beginning.writer, [{ changes: [], events: [recovered] }])
    entry.settle()
  } catch (error) {
    letGo()
    entry.leave()
    throw error
  }
  return {
    async commitGroup(batches) {
      if (distrusted) throw lostTrust(file)
      writer ??= await openAgain()
      try {
        const outcomes = commit(writer, batches)
        limitWal(writer.db, wal, batches.length, options.walLimit)
        return outcomes
      } catch (error) {
        if (error instanceof NanoguardError && isBroken(error.cause)) letGo()
        distrusted = error instanceof NanoguardError && isFailedSync(error.cause)
        throw error
      }
    },
    async close() {
      if (closed) return
      closed = true
      // A disk that fails now has nobody left to tell.
      await sync.close().catch(distrust)
      writer?.db.close()
      entry.leave()
    },
  }
}

/** The commitments that the group's personal values have already. */
function findPeople(writer: Writer, keys: SealKeys, batches: readonly PendingBatch[]): Commitments {
  const commitments: Commitments = new Map()
  const values = personalValuesOf(batches, keys)
  if (values.length === 0) return commitments
  for (const row of writer.findPeople.all(JSON.stringify(values))) {
    commitments.set(String(row["value"]), String(row["commitment"]) as PersonCommitment)
  }
  return commitments
}

/** Where the log stands now. Another process may have appended; if not, the newest record need not be read. */
function readHead(writer: Writer, known: Head): Head {
  const last = writer.lastSeq.get()
  if (last === undefined) return { seq: Number(writer.archived.get()?.["value"] ?? 0), time: 0 }
  const seq = Number(last["seq"])
  if (seq === known.seq) return { ...known }
  return { seq, time: timeOfRecord(String(writer.lastBody.get()?.["body"])) }
}

const asksForTime = (batch: PendingBatch) =>
  batch.draft !== undefined || batch.events.some((event) => event.time === undefined)

/** One batch within the group's transaction. Throws only where the whole transaction cannot go on. */
function commitBatch(group: Group, batch: PendingBatch): Outcome {
  const { writer, commitments } = group
  let sealed: ReturnType<typeof sealBatch>
  try {
    sealed = batch.draft
      ? sealDrafted(batch.draft, group.keys, commitments)
      : sealBatch(batch.events, group.keys, commitments, group.now)
  } catch (error) {
    return refused(error)
  }
  if (batch.changes.length > 0) {
    flushBodies(group)
    writer.savepoint.run()
    try {
      for (const [index, change] of batch.changes.entries()) makeChange(writer, change, index)
    } catch (error) {
      if (isSurroundings(error) || !writer.db.isTransaction) throw error
      writer.db.exec("ROLLBACK TO batch; RELEASE batch")
      forgetPeople(sealed.people, commitments)
      return refused(error)
    }
    writer.release.run()
  }
  for (const { commitment, salt, value } of sealed.people) writer.addPerson.run(commitment, salt, value)
  const first = group.head.seq + 1
  for (const body of sealed.bodies) {
    group.bodies.push(body)
    group.wal.written += body.length
  }
  group.head.seq += sealed.bodies.length
  if (sealed.bodies.length > 0) group.head.time = batch.events.at(-1)?.time ?? group.now
  return { seqs: sealed.bodies.map((_, index) => first + index) }
}

/** Only what is at the log's end can wait: a change may read the events before it. */
function flushBodies(group: Group): void {
  if (group.bodies.length === 0) return
  insertEvents(group.writer, group.head.seq - group.bodies.length + 1, group.bodies)
  group.bodies = []
}

function makeChange(writer: Writer, change: Change, index: number): void {
  const parameters = change.parameters.map((value) => (typeof value === "boolean" ? Number(value) : value))
  const { changes } = prepareChange(writer, change.sql).run(...(parameters as SQLInputValue[]))
  if (change.expect !== undefined && Number(changes) !== change.expect) {
    throw new Conflict(index, change.expect, Number(changes))
  }
}

function rollBack({ db }: Writer): void {
  try {
    if (db.isTransaction) db.exec("ROLLBACK")
  } catch {
    // A transaction that cannot be undone ends with its connection; what is told is the first error.
    db.close()
  }
}

function refused(error: unknown): Outcome {
  return { refused: error instanceof NanoguardError ? error : refusedChange(error) }
}
