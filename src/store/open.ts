// The store of a gateway: reads in this thread, commits in one of their own, derivation in another.
import type { DeriverThread } from "../audit/derive/deriver-thread.ts"
import type { NewEvent } from "../audit/types.ts"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { closedStore, startCommitter } from "./committer-thread.ts"
import { createJournal } from "./journal/journal.ts"
import { replayJournals } from "./journal/replay.ts"
import { stateHome, storeLocation } from "./location.ts"
import { openReader, type Reader } from "./reader.ts"
import { createSubscriptions, type Subscriptions, watchingOf } from "./subscribe.ts"
import type { Batch, Store } from "./types.ts"

export { openReader } from "./reader.ts"

export interface OpenOptions {
  /** Id of the gateway or command that writes: in the events that the log writes about itself. */
  gateway: string
  /** Records, and milliseconds, after which the tree's head is signed; the deriver's own where absent. */
  checkpointEvery?: number
  checkpointMs?: number
  /** Called with what is in the way of derivation, and with nothing once that is over. The log itself goes on. */
  onTrouble?: (error: NanoguardError | undefined) => void
}

/**
 * Opens the store for writing, and makes it where there is none (in files; a PostgreSQL is made by `nanoguard store migrate`).
 * Any number of processes may have it open at once. Errors: configuration (`NANOGUARD_STORE`), environment (the rest).
 */
export async function openStore(ctx: Pick<Context, "env" | "now" | "cwd">, options: OpenOptions): Promise<Store> {
  const location = storeLocation(ctx)
  let subscriptions: Subscriptions | undefined
  let deriver: Promise<DeriverThread> | undefined
  let closing: Promise<void> | undefined

  const startDeriving = async (): Promise<DeriverThread> => {
    try {
      const { startDeriver } = await import("../audit/derive/deriver-thread.ts")
      const append = (event: NewEvent) => committer.write({ events: [event] })
      return startDeriver(ctx, { ...options, location, append })
    } catch (cause) {
      const error = noDeriver(cause)
      options.onTrouble?.(error)
      throw error
    }
  }
  // Only a process that wrote has something to derive; what others wrote they derive.
  const derive = () => {
    deriver ??= startDeriving()
    return deriver
  }
  const onCommit = () => {
    subscriptions?.notify()
    // That it could not be started was told; the log goes on without.
    if (!closing) derive().then((thread) => thread.wake(), ignore)
  }

  const committer = await startCommitter(ctx, { location, gateway: options.gateway, onCommit })
  let reader: Reader | undefined
  try {
    reader = await openIndexed(ctx)
    subscriptions = createSubscriptions(await watchingOf(location, reader.db))
    await replayJournals(stateHome(ctx), { db: reader.db, write: committer.write }, ctx.now())
  } catch (error) {
    await endAll([reader?.close, committer.close]).catch(ignore)
    throw error
  }
  const { db, close: closeReader } = reader
  const { subscribe, close: unsubscribe } = subscriptions

  const journal = createJournal(stateHome(ctx), { db, write: committer.write }, ctx.now)

  const write = (batch: Batch) => {
    if (closing) return Promise.reject(closedStore())
    // What matters is told after all that went before it.
    if (!batch.lax) journal.takeIn()
    return committer.write(batch)
  }
  const close = () => {
    unsubscribe()
    return endAll([
      journal.close,
      committer.drain,
      // While it ends it may still have something to tell the log.
      async () => (await deriver?.catch(ignore))?.close(),
      closeReader,
      // Last: a connection that writes brings the WAL into its file and removes it.
      committer.close,
    ])
  }
  return {
    kind: location.kind,
    db,
    write,
    append: async (event) => (await write({ events: [event] })).seqs[0]!,
    repeat: (common, seq) => (closing ? undefined : journal.repeat(common, seq)),
    subscribe,
    async checkpoint() {
      if (closing) throw closedStore()
      journal.takeIn()
      await committer.drain()
      return (await derive()).checkpoint()
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Takes each step, whatever became of the one before; rejects with what was wrong first. */
async function endAll(steps: readonly ((() => Promise<unknown>) | undefined)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) await step?.().catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

function ignore(): undefined {}

function noDeriver(cause: unknown): NanoguardError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new NanoguardError(`the thread that derives the log's tree could not be started (${why})`, {
    exit: EXIT.environment,
    hint: "nothing of the log is lost: start this process again, and it is derived",
    cause,
  })
}

/** Opens for reading with an index from the start: one that is made later would not be seen. */
async function openIndexed(ctx: Pick<Context, "env">): Promise<Reader> {
  const reader = await openReader(ctx)
  if (reader.indexed || reader.directory === undefined) return reader
  try {
    const { value } = await reader.db
      .selectFrom("settings")
      .select("value")
      .where("name", "=", "origin")
      .executeTakeFirstOrThrow()
    const { openIndex } = await import("./sqlite/index-file.ts")
    const index = await openIndex(reader.directory, value)
    index.close()
  } catch {
    // The record comes first, and the deriver says what is wrong with its index.
    return reader
  }
  await reader.close()
  return openReader(ctx)
}
