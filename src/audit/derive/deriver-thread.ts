// Starting, waking and ending the deriver's thread. Nothing durable depends on it: when it fails the log goes on, what it would
// have derived is derived later, and only who asks for a checkpoint hears of it.
import { Worker } from "node:worker_threads"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { decodeFailure } from "../../store/committer-messages.ts"
import { type StoreLocation, stateHome } from "../../store/location.ts"
import { workerUrl } from "../../store/workerUrl.ts"
import type { NewEvent } from "../types.ts"
import type { DeriverData, FromDeriver, ToDeriver } from "./deriver-messages.ts"

/** Milliseconds that the thread may take to end: anchors have 10 s of their own. */
const CLOSE_WAIT = 30_000

export interface DeriverOptions {
  location: StoreLocation
  gateway: string
  checkpointEvery?: number | undefined
  checkpointMs?: number | undefined
  /** Appends what the deriver has to tell the log. */
  append: (event: NewEvent) => Promise<unknown>
  /** Called with what is in the way of derivation, and with nothing once that is over. */
  onTrouble?: (error: NanoguardError | undefined) => void
  /** Called with each record up to which the index is derived. */
  onDerived?: (seq: number) => void
}

export interface DeriverThread {
  /** Says that something was committed. Cheap: at most one message is under way. */
  wake(): void
  /** A checkpoint over all that is in the log now, published where that takes less than 10 s: resolves with its size. Errors: environment. */
  checkpoint(): Promise<number>
  /** Derives what is left, takes a last checkpoint, publishes it. Never rejects, and takes at most 30 s. */
  close(): Promise<void>
}

/** Starts the thread. It keeps no process alive. */
export function startDeriver(ctx: Pick<Context, "env" | "now" | "cwd">, options: DeriverOptions): DeriverThread {
  const { location, gateway, checkpointEvery, checkpointMs } = options
  const skew = ctx.now() - Date.now()
  const data: DeriverData = {
    ...{ location, gateway, checkpointEvery, checkpointMs, keys: stateHome(ctx), cwd: ctx.cwd },
    env: { ...ctx.env },
    skew: Math.abs(skew) <= 1 ? 0 : skew,
  }
  const worker = new Worker(workerUrl("deriver"), { workerData: data, name: "nanoguard-deriver" })
  const post = (message: ToDeriver) => worker.postMessage(message)
  const asked = new Map<number, PromiseWithResolvers<number>>()
  const ended = Promise.withResolvers<void>()
  // Appends that the thread asked for, so that they are in the log before it counts as closed.
  const appending = new Set<Promise<unknown>>()
  let [waking, closing, ids] = [false, false, 0]
  let failure: NanoguardError | undefined

  const append = (event: NewEvent) => {
    // What the log cannot take now it hears of at the next outage.
    const pending = options.append(event).catch(() => {})
    appending.add(pending)
    void pending.finally(() => appending.delete(pending))
  }
  const die = (cause: unknown) => {
    failure ??= lostThread(cause)
    for (const { reject } of asked.values()) reject(failure)
    asked.clear()
    ended.resolve()
  }
  worker.on("message", (message: FromDeriver) => {
    switch (message.kind) {
      case "woken":
        waking = false
        break
      case "derived":
        options.onDerived?.(message.seq)
        break
      case "events":
        for (const event of message.events) append(event)
        break
      case "checkpointed":
        asked.get(message.id)?.resolve(message.size)
        asked.delete(message.id)
        break
      case "failed":
        asked.get(message.id)?.reject(decodeFailure(message.failure))
        asked.delete(message.id)
        break
      case "refused":
        failure = decodeFailure(message.failure)
        options.onTrouble?.(failure)
        break
      case "closed":
        // A place that does not answer would keep it.
        void worker.terminate()
        break
      case "trouble":
        options.onTrouble?.(message.failure && decodeFailure(message.failure))
        break
    }
    if (asked.size === 0 && !closing) worker.unref()
  })
  worker.on("error", (error) => {
    options.onTrouble?.(lostThread(error))
    die(error)
  })
  worker.on("exit", (code) => die(`it ended with ${code}`))
  worker.unref()

  return {
    wake() {
      if (waking || closing || failure) return
      waking = true
      post({ kind: "wake" })
    },
    checkpoint() {
      if (failure) return Promise.reject(failure)
      if (closing) return Promise.reject(lostThread("the store is closed"))
      const answer = Promise.withResolvers<number>()
      asked.set(++ids, answer)
      worker.ref()
      post({ kind: "checkpoint", id: ids })
      return answer.promise
    },
    async close() {
      if (!closing) {
        closing = true
        worker.ref()
        post({ kind: "close" })
      }
      const late = setTimeout(() => void worker.terminate(), CLOSE_WAIT)
      await ended.promise
      clearTimeout(late)
      while (appending.size > 0) await Promise.all(appending)
    },
  }
}

function lostThread(cause: unknown): NanoguardError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new NanoguardError(`the thread that derives the log's tree is gone (${why})`, {
    exit: EXIT.environment,
    hint: "nothing of the log is lost: start this process again, and it is derived",
    cause,
  })
}
