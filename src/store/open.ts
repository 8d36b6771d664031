// The store of a gateway: reads in this thread, commits in one of their own, derivation in another.
import { setTimeout as delay } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { startCommitter } from "./committer-thread.ts"
import { storeLocation } from "./location.ts"
import { openReader } from "./reader.ts"
import { createSubscriptions, type Subscriptions, watchingOf } from "./subscribe.ts"
import type { Store } from "./types.ts"

export { openReader, type Reader } from "./reader.ts"

export interface OpenOptions {
  /** Id of the gateway or command that writes: in the events that the log writes about itself. */
  gateway: string
  /** Records after which the tree's head is signed; 4,096 where absent. */
  checkpointEvery?: number
}

/**
 * Opens the store for writing, and makes it where there is none (in files; a PostgreSQL is made by `nanoguard store migrate`).
 * Any number of processes may have it open at once. Errors: configuration (`NANOGUARD_STORE`), environment (the rest).
 */
export async function openStore(ctx: Context, options: OpenOptions): Promise<Store> {
  const location = storeLocation(ctx)
  let subscriptions: Subscriptions | undefined
  const committer = await startCommitter(ctx, {
    location,
    gateway: options.gateway,
    onCommit: () => subscriptions?.notify(),
  })
  const reader = await openReader(ctx).catch(async (error) => {
    await committer.close()
    throw error
  })
  subscriptions = createSubscriptions(await watchingOf(location, reader.db))
  return {
    kind: location.kind,
    db: reader.db,
    write: committer.write,
    append: async (event) => (await committer.write({ events: [event] })).seqs[0]!,
    subscribe: subscriptions.subscribe,
    async checkpoint() {
      await committer.drain()
      await delay(0)
      throw new NanoguardError("checkpoints are not derived yet", { exit: EXIT.environment })
    },
    async close() {
      subscriptions.close()
      await committer.close()
      await reader.close()
    },
  }
}
