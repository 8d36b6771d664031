// The traffic journal: repeats of what is recorded already, counted in a file that outlives this process before they are acknowledged, and
// taken into the log a moment later. One write for all of a turn of the event loop takes the place of a transaction for each request.
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { prepareDirectory } from "../sqlite/files.ts"
import { markWriter } from "../writers.ts"
import { JOURNAL, nameOfLog, type Parts, replayJournal } from "./replay.ts"
import { dropSegment, openSegment, removeSegment, type Segment } from "./segment.ts"
import { segmentBatch } from "./take-in.ts"
import type { Repeated } from "./text.ts"

/** Milliseconds from a segment's first turn until it is handed to the store, which syncs it 30 ms after that: 100 in all. */
const TAKE_IN = 50
/** Milliseconds until what could not be taken in is tried again. */
const AGAIN = 1_000
/** Bytes of a segment, and segments that wait for the store: beyond them everybody waits for it. */
const MAX_SIZE = 4 * 1024 * 1024
const MAX_WAITING = 8

export interface Journal {
  /**
   * One more repeat of record `seq`; `common` is the JSON of what it has in common with others (`Common`). Resolves once the end of this
   * process cannot take it back. Undefined where the journal takes nothing now; rejects where it failed to: then the caller writes an
   * event of its own.
   */
  repeat: (common: string, seq: number) => Promise<void> | undefined
  /** Hands what is in the file to the store: to be called before anything is that must not be in the log before it. */
  takeIn: () => void
  /** Resolves once the store has all of it. What it cannot take stays for the next process. */
  close: () => Promise<void>
}

/** A journal in the state directory `state`. Nothing is opened before it is asked for. */
export function createJournal(state: string, parts: Parts, now: () => number): Journal {
  const directory = join(state, JOURNAL)
  const id = randomBytes(8).toString("hex")
  /** Undefined until it is open; what could not be opened is tried again later. */
  let opened: { origin: string; leave: () => void } | undefined
  let usable = true
  let closed = false
  let turn: { repeated: Repeated; written: PromiseWithResolvers<void> } | undefined
  let segment: Segment | undefined
  let timer: NodeJS.Timeout | undefined
  /** The last segment that was handed over. */
  let last = 0
  const waiting = new Set<Promise<void>>()

  const rest = () => {
    usable = false
    if (!closed) setTimeout(recover, AGAIN).unref()
  }
  const open = async () => {
    usable = false
    try {
      const origin = await nameOfLog(parts.db)
      prepareDirectory(directory)
      // Only the end of this process is what the file has to outlive.
      opened = { origin, leave: markWriter(directory, id, now(), false) }
      usable = true
    } catch {
      rest()
    }
  }
  /** After a failure of the store: what is in the files comes first, in its order. */
  const recover = async () => {
    if (opened === undefined) return open()
    takeIn()
    await Promise.all(waiting)
    try {
      await replayJournal(directory, id, parts)
      usable = true
    } catch {
      rest()
    }
  }

  const flush = () => {
    const { repeated, written } = turn!
    turn = undefined
    try {
      // Since it was asked for, the journal was closed or failed.
      if (!usable || closed || opened === undefined) throw new Error("the journal takes nothing now")
      segment ??= openSegment(directory, id, last + 1, opened.origin)
      segment.append(repeated)
      written.resolve()
    } catch (error) {
      written.reject(error)
      return abandon()
    }
    if (segment.size > MAX_SIZE) takeIn()
    else timer ??= setTimeout(takeIn, TAKE_IN).unref()
  }
  /** A file that did not take a turn gets no other one. */
  const abandon = () => {
    if (segment === undefined || segment.repeated.size > 0) return takeIn()
    segment.close()
    removeSegment(directory, id, segment.n)
    segment = undefined
  }

  const takeIn = () => {
    clearTimeout(timer)
    timer = undefined
    if (segment === undefined) return
    const { n, repeated, close } = segment
    segment = undefined
    last = n
    close()
    const taken = parts.write(segmentBatch(parts.db, id, n, repeated)).then(
      () => dropSegment(directory, id, n),
      () => {
        if (usable) rest()
      },
    )
    const done = taken.catch(() => {}).finally(() => waiting.delete(done))
    waiting.add(done)
  }

  return {
    repeat: (common, seq) => {
      if (closed || !usable || waiting.size >= MAX_WAITING) return undefined
      if (opened === undefined) return void open()
      if (turn === undefined) {
        turn = { repeated: new Map(), written: Promise.withResolvers() }
        setImmediate(flush)
      }
      const { repeated, written } = turn
      const counts = repeated.get(common)
      if (counts === undefined) repeated.set(common, new Map([[seq, 1]]))
      else counts.set(seq, (counts.get(seq) ?? 0) + 1)
      return written.promise
    },
    takeIn,
    close: async () => {
      if (closed) return
      if (turn !== undefined) flush()
      closed = true
      takeIn()
      await Promise.all(waiting)
      // A mark that stays is what the next process finds it by.
      if (usable) opened?.leave()
    },
  }
}
