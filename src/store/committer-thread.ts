// Starting, feeding and ending the committer's thread. When it dies nobody knows what it had done: what waits is refused with
// an error that says so, and the store takes nothing more.
import { Worker } from "node:worker_threads"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import {
  type CommitterData,
  decodeFailure,
  encodeDraft,
  type FromCommitter,
  type ToCommitter,
} from "./committer-messages.ts"
import { createDrafter } from "./draft.ts"
import { type StoreLocation, stateHome } from "./location.ts"
import { createQueue } from "./queue.ts"
import type { Batch, Written } from "./types.ts"
import { workerUrl } from "./workerUrl.ts"

export interface Committer {
  write(batch: Batch): Promise<Written>
  /** Resolves when all that was written until now has its answer. */
  drain(): Promise<void>
  /** Commits what waits, then ends the thread. */
  close(): Promise<void>
  readonly pending: number
}

export interface CommitterOptions {
  location: StoreLocation
  gateway: string
  /** Called after each group that put anything into the store. */
  onCommit: () => void
  /** The thread's code; the committer where absent. */
  entry?: URL
  /** MiB that the thread may use; 512 where absent: twice what the queue lets wait. */
  memory?: number
}

/** Starts the thread and waits until the store is open. Errors are the engine's: environment, configuration. */
export async function startCommitter(ctx: Pick<Context, "env" | "now">, options: CommitterOptions): Promise<Committer> {
  const { location, gateway, onCommit } = options
  const skewNow = () => {
    // Read around the context's clock, which in a process is the system's own.
    const before = Date.now()
    const skew = ctx.now() - before
    return Math.abs(skew) <= 1 ? 0 : skew
  }
  const data: CommitterData = { location, gateway, keys: stateHome(ctx), skew: skewNow() }
  const worker = new Worker(options.entry ?? workerUrl("committer"), {
    ...{ workerData: data, name: "nanoguard-committer" },
    // More is a fault, and must not take the gateway's memory.
    resourceLimits: { maxOldGenerationSizeMb: options.memory ?? 512 },
  })
  const post = (message: ToCommitter) => worker.postMessage(message)
  const drafter = location.kind === "sqlite" ? createDrafter() : undefined
  const queue = createQueue({
    ...(drafter && { encode: (batch) => encodeDraft(batch, drafter, ctx.now()) }),
    send: (texts) => post({ kind: "batches", texts, skew: skewNow(), people: drafter?.takePeople() }),
    // A store that nobody closed must not keep the process, a write that nobody answered must.
    onBusy: () => worker.ref(),
    onIdle: () => worker.unref(),
  })

  const opened = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let closing = false
  const die = (cause: unknown) => {
    const lost = lostThread(cause)
    opened.reject(lost)
    if (!closing || queue.pending > 0) queue.stop(closedInDoubt(), lost)
    ended.resolve()
  }
  worker.on("message", (message: FromCommitter) => {
    if (message.kind === "done") {
      queue.settle(message)
      if (message.failures.length < message.count) onCommit()
    } else if (message.kind === "ready") opened.resolve()
    else if (message.kind === "refused") opened.reject(decodeFailure(message.failure))
  })
  worker.on("error", die)
  worker.on("exit", (code) => die(`its thread ended with ${code}`))

  try {
    await opened.promise
  } catch (error) {
    await worker.terminate()
    throw error
  }
  worker.unref()
  return {
    write: queue.write,
    drain: queue.drain,
    get pending() {
      return queue.pending
    },
    async close() {
      if (!closing) {
        closing = true
        queue.stop(closedStore())
        await queue.drain()
        worker.ref()
        post({ kind: "close" })
      }
      await ended.promise
    },
  }
}

function lostThread(cause: unknown): NanoguardError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new NanoguardError(`the store's thread died (${why}); the write may be in the log all the same`, {
    exit: EXIT.environment,
    hint: "start this process again; look for the event in the log before you repeat it",
    cause,
  })
}

function closedInDoubt(): NanoguardError {
  return new NanoguardError("the store is closed: its thread died", {
    exit: EXIT.environment,
    hint: "start this process again; nothing is let through that cannot be recorded",
  })
}

/** The error for a call after `close`. */
export function closedStore(): NanoguardError {
  return new NanoguardError("the store is closed", { exit: EXIT.environment, hint: "open it again to write" })
}
