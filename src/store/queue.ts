// The main thread's side of the committer: calls of one tick go over as few messages, answers come back in the same order.
// Nothing here waits; what a call costs the event loop is the JSON text of its batch.
import { EXIT, NanoguardError } from "../errors.ts"
import { decodeFailure, encodeBatch, type FromCommitter } from "./committer-messages.ts"
import type { Batch, Written } from "./types.ts"

export interface QueueOptions {
  /** The text of a batch; throws what is wrong with it. */
  encode?: (batch: Batch) => string
  /** Hands texts of batches to the committer, in order. */
  send: (texts: string[]) => void
  /** Called when the first batch starts to wait, and when the last one has its answer. */
  onBusy: () => void
  onIdle: () => void
  /** Most batches that wait, and most characters of theirs. */
  maxPending?: number
  maxPendingSize?: number
}

export interface Queue {
  write(batch: Batch): Promise<Written>
  /** What became of the batches that were sent first. */
  settle(done: Extract<FromCommitter, { kind: "done" }>): void
  /** Sends what was collected, and resolves when every batch has its answer. */
  drain(): Promise<void>
  /** Refuses every further batch with this error, and those that wait with `lost`, if given. */
  stop(error: NanoguardError, lost?: NanoguardError): void
  readonly pending: number
}

interface Waiting {
  events: number
  size: number
  resolve: (written: Written) => void
  reject: (error: Error) => void
}

/** Batches that go over before their tick is over: the committer seals and syncs some while this thread writes the next. */
const SEND = 32

const MAX_PENDING = 100_000
const MAX_PENDING_SIZE = 128 * 1024 * 1024

/** A queue in front of a committer that answers every batch, in order. */
export function createQueue(options: QueueOptions): Queue {
  const {
    encode = encodeBatch,
    send,
    onBusy,
    onIdle,
    maxPending = MAX_PENDING,
    maxPendingSize = MAX_PENDING_SIZE,
  } = options
  /** From `head` on: what waits for an answer, in order. Before it: what is answered, until it is let go of. */
  let waiting: (Waiting | undefined)[] = []
  let head = 0
  let size = 0
  let collected: string[] = []
  let stopped: NanoguardError | undefined
  const drained: (() => void)[] = []

  const flush = () => {
    const texts = collected
    collected = []
    if (texts.length > 0) send(texts)
  }

  const next = (): Waiting => {
    const one = waiting[head]!
    waiting[head++] = undefined
    size -= one.size
    return one
  }

  const rest = () => {
    if (head < waiting.length) return
    waiting = []
    head = 0
    onIdle()
    for (const resolve of drained.splice(0)) resolve()
  }

  return {
    get pending() {
      return waiting.length - head
    },
    write(batch) {
      try {
        if (stopped) throw stopped
        const text = encode(batch)
        if (waiting.length - head >= maxPending || size + text.length > maxPendingSize)
          throw overloaded(waiting.length - head)
        if (waiting.length === head) onBusy()
        size += text.length
        // After everything that this turn of the event loop still does, so that it shares the transaction.
        if (collected.push(text) === 1) setImmediate(flush)
        if (collected.length >= SEND) flush()
        return new Promise((resolve, reject) => {
          waiting.push({ events: batch.events?.length ?? 0, size: text.length, resolve, reject })
        })
      } catch (error) {
        return Promise.reject(error)
      }
    },
    settle({ count, seqs, failures }) {
      let at = 0
      let failed = 0
      for (let place = 0; place < count; place++) {
        const { events, resolve, reject } = next()
        const failure = failures[failed]
        if (failure?.[0] === place) {
          failed++
          reject(decodeFailure(failure[1]))
        } else {
          resolve({ seqs: seqs.slice(at, at + events) })
          at += events
        }
      }
      if (head > 4096 && head > waiting.length / 2) {
        waiting = waiting.slice(head)
        head = 0
      }
      rest()
    },
    drain() {
      flush()
      if (waiting.length === head) return Promise.resolve()
      return new Promise((resolve) => drained.push(resolve))
    },
    stop(error, lost) {
      stopped = error
      if (!lost || waiting.length === head) return
      collected = []
      while (head < waiting.length) next().reject(lost)
      rest()
    },
  }
}

function overloaded(pending: number): NanoguardError {
  return new NanoguardError(`the store cannot keep up: ${pending} writes wait already`, {
    exit: EXIT.environment,
    hint: "try again later, with fewer writes at once; nothing of this one is in the log",
  })
}
