// The store of a gateway: reads in this thread, commits in one of their own, derivation in another.
import type { DeriverThread } from "../audit/derive/deriver-thread.ts"
import type { NewEvent } from "../audit/types.ts"
import type { Context } from "../context.ts"
import type { NanoguardError } from "../errors.ts"
import { closedStore, startCommitter } from "./committer-thread.ts"
import { storeLocation } from "./location.ts"
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

  const startDeriving = async () => {
    const { startDeriver } = await import("../audit/derive/deriver-thread.ts")
    const append = (event: NewEvent) => committer.write({ events: [event] })
    return startDeriver(ctx, { ...options, location, append })
  }
  // Only a process that wrote has something to derive; what others wrote they derive.
  const derive = () => {
    deriver ??= startDeriving()
    return deriver
  }
  const onCommit = () => {
    subscriptions?.notify()
    if (!closing) void derive().then((thread) => thread.wake())
  }

  const committer = await startCommitter(ctx, { location, gateway: options.gateway, onCommit })
  const reader = await openIndexed(ctx).catch(async (error) => {
    await committer.close()
    throw error
  })
  subscriptions = createSubscriptions(await watchingOf(location, reader.db))

  const write = (batch: Batch) => (closing ? Promise.reject(closedStore()) : committer.write(batch))
  const close = async () => {
    subscriptions.close()
    await committer.drain()
    // While it ends it may still have something to tell the log.
    if (deriver) await (await deriver).close()
    await reader.close()
    // Last: a connection that writes brings the WAL into its file and removes it.
    await committer.close()
  }
  return {
    kind: location.kind,
    db: reader.db,
    write,
    append: async (event) => (await write({ events: [event] })).seqs[0]!,
    subscribe: subscriptions.subscribe,
    async checkpoint() {
      if (closing) throw closedStore()
      await committer.drain()
      return (await derive()).checkpoint()
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
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
