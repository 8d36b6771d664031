// The writer's one connection: opened again when it was lost, with growing pauses and for a bounded time.
import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "pg"
import { openClient, SYNCED } from "./client.ts"
import { codeOf, toStoreError } from "./errors.ts"
import { checkDatabaseLength } from "./lengths.ts"
import type { Server } from "./url.ts"
import { checkSchema } from "./version.ts"

/** Milliseconds of pause before each further attempt, about 15 s in all: a server that restarts needs less. */
const PAUSES = [50, 100, 200, 400, 800, 1500, 2000, 2000, 2000, 2000, 2000, 2000]

/** Answers that a restart, a failover or a crowd explains. All others (password, rights, address) stay as they are. */
const PASSING = /^(57P0[123]|53300|08...|ECONN.*|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|)$/

/** A server that takes longer for one statement, or for the lock of the log, fails the group instead of holding everything up. */
const LIMITS = { statement: 30_000, lock: 15_000, idle: 20_000 }

export interface Session {
  /** The last record that was acknowledged to callers as synced: no server that lacks it is written to. */
  acknowledged: number
  /** The last one that was acknowledged and may not be synced yet: a server that crashed may lack it. */
  unsynced: number
  /** The connection; a new one where the last was dropped. Errors: environment. */
  client(): Promise<Client>
  /** Says that the connection is of no more use. */
  drop(): void
  close(): Promise<void>
}

/** Opens the first connection without a second attempt: a wrong address is said at once. */
export async function openSession(server: Server): Promise<Session> {
  let current: Client | undefined = await openWriter(server, 0)
  // After a time without success each caller gets one attempt: callers must not wait in line behind a server that is gone.
  let down = false
  const session: Session = {
    acknowledged: 0,
    unsynced: 0,
    client: async () => {
      if (current !== undefined) return current
      const pauses = down ? [] : PAUSES
      down = true
      current = await retry(() => openWriter(server, session.acknowledged), pauses)
      down = false
      return current
    },
    drop: () => {
      current?.end().catch(() => {})
      current = undefined
    },
    close: async () => {
      const last = current
      current = undefined
      await last?.end().catch(() => {})
    },
  }
  return session
}

async function retry<T>(attempt: () => Promise<T>, pauses: readonly number[]): Promise<T> {
  for (const pause of pauses) {
    try {
      return await attempt()
    } catch (error) {
      // Without a cause it is our own finding: a schema or a log that is not as it must be.
      const cause = error instanceof Error ? error.cause : undefined
      if (cause === undefined || !PASSING.test(codeOf(cause))) throw error
      await sleep(pause)
    }
  }
  return await attempt()
}

async function openWriter(server: Server, acknowledged: number): Promise<Client> {
  const client = await openClient(server, "writer", LIMITS)
  try {
    await checkSchema(client, server)
    await checkDatabaseLength(client, server, acknowledged)
    // What is acknowledged is on the server's disk, whatever its default is.
    await client.query(SYNCED)
    return client
  } catch (error) {
    client.end().catch(() => {})
    throw toStoreError(error, server)
  }
}
