// One round of the deriver: derive, sign what is due, publish, keep the files short.
import { setTimeout as pause } from "node:timers/promises"
import { isDue, newestCheckpoint, takeCheckpoint } from "../checkpoints/checkpoint.ts"
import type { Signer } from "../checkpoints/note.ts"
import { createPublisher } from "../checkpoints/publish.ts"
import type { Anchor, Checkpoint, NewEvent } from "../types.ts"
import { checkIndex, createDeriver, deriveTo, lastSeq } from "./derive.ts"
import type { Place } from "./deriver-place.ts"

/** Records of a slice: about 20 ms, for which whoever derives besides waits. Never more than belong under one checkpoint. */
const SLICE = 1_024

/** Milliseconds that anchors are waited for where somebody asked. */
const ANCHOR_WAIT = 10_000

/** Milliseconds between two looks at the length of the WALs. */
const FILES_MS = 250

export interface Round {
  /** The last record that the index contains. */
  seq: number
  /** Records under the newest checkpoint; 0 where there is none. */
  checkpoint: number
}

export interface Rounds {
  /** `asked`: a checkpoint is wanted now over all that is in the log. */
  run(wish: { asked: boolean }): Promise<Round>
  /** Whether the failure was a damaged index: it is put aside then, and everything is to be opened again. */
  discardDamaged(error: unknown): boolean
  close(): Promise<void>
}

export interface RoundsOptions {
  place: Place
  anchors: readonly Anchor[]
  signer: Signer
  gateway: string
  now: () => number
  checkpointEvery?: number | undefined
  checkpointMs?: number | undefined
  /** Tells the log. */
  tell: (event: NewEvent) => void
}

/** Prepares the rounds. Throws `LogMismatch` where log and index contradict each other. */
export async function createRounds(options: RoundsOptions): Promise<Rounds> {
  const { place, signer, now, tell, gateway, anchors, checkpointEvery, checkpointMs } = options
  const { engine, record, index, settle } = place
  const derivation = { engine, source: record, index, ...(settle && { settle }) }
  await checkIndex(derivation)
  const deriver = createDeriver(derivation)
  // What fails because the connections are closed is no place's outage.
  let closed = false
  const tellWhileOpen = (event: NewEvent) => void (closed || tell(event))
  const publisher = createPublisher({
    ...{ anchors, record, index, gateway, key: signer, now },
    tell: tellWhileOpen,
  })
  const every = {
    ...(checkpointEvery !== undefined && { everyRecords: checkpointEvery }),
    ...(checkpointMs !== undefined && { everyMs: checkpointMs }),
  }
  const size = Math.min(SLICE, checkpointEvery ?? SLICE)
  let last: (Checkpoint & { time: number }) | undefined
  let filesLooked = 0

  const signDue = async (size: number, asked: boolean): Promise<void> => {
    if (size === 0 || size <= (last?.size ?? 0)) return
    if (!asked && !isDue({ size, last, now: now(), ...every })) return
    // Another process may have signed meanwhile.
    last = await newestCheckpoint(record)
    if (!asked && !isDue({ size, last, now: now(), ...every })) return
    if (size <= (last?.size ?? 0)) return
    last = { ...(await takeCheckpoint({ record, index, size, signer, now: now() })), time: now() }
  }

  const lookAtFiles = () => {
    const time = performance.now()
    if (time - filesLooked < FILES_MS) return
    filesLooked = time
    place.checkpointFiles()
  }

  return {
    async run({ asked }) {
      let endsRun = false
      const seq = await deriveTo(deriver, await lastSeq(record), size, async (slice) => {
        endsRun ||= slice.endsRun
        await signDue(slice.to, false)
        lookAtFiles()
      })
      await signDue(seq, asked || endsRun)
      lookAtFiles()
      if (last !== undefined) {
        const published = publisher.publish(last, asked || endsRun)
        if (asked) await Promise.race([published, pause(ANCHOR_WAIT, undefined, { ref: false })])
      }
      return { seq, checkpoint: last?.size ?? 0 }
    },
    discardDamaged: (error) => place.discardDamaged(error),
    close() {
      closed = true
      return place.close()
    },
  }
}
