// The engine behind the committer where the record is in PostgreSQL. A connection may break at any moment, also between COMMIT
// and its answer: then the log itself is asked, under its lock, whether the group is in it. Nothing is written twice.
import { NanoguardError } from "../../errors.ts"
import type { Engine, EngineOptions, Outcome, PendingBatch } from "../engine.ts"
import { isLost, toStoreError } from "./errors.ts"
import { type Attempt, type GroupOptions, isInLog, newAttempt, writeGroup } from "./group.ts"
import { openSession, type Session } from "./session.ts"
import { parseServer } from "./url.ts"

/** Connects as a writer. Errors: configuration (address), environment (unreachable, rights, version of the schema). */
export async function openPostgresEngine(url: string, options: EngineOptions): Promise<Engine> {
  const server = parseServer(url)
  const session = await openSession(server)
  // A sync must not fall into a group's transaction.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }
  let timer: NodeJS.Timeout | undefined
  const settle = () => {
    timer = undefined
    return inTurn(() => syncNow(session))
  }
  return {
    async commitGroup(batches) {
      const outcomes = await inTurn(() => commitGroup(session, batches, { ...options, server }))
      if (session.unsynced > session.acknowledged) timer ??= setTimeout(settle, SYNC_DELAY)
      return outcomes
    },
    async close() {
      clearTimeout(timer)
      await settle()
      await session.close()
    },
  }
}

/**
 * Waits until the server has on its disk what was committed without waiting for that: the first commit that writes anything takes
 * all before it along. Where the connection is gone the server's own WAL writer does it, a little later.
 */
async function syncNow(session: Session): Promise<void> {
  const { unsynced } = session
  if (unsynced <= session.acknowledged) return
  try {
    const client = await session.client()
    await client.query("select pg_logical_emit_message(true, 'nanoguard', '')")
    session.acknowledged = Math.max(session.acknowledged, unsynced)
  } catch {
    session.drop()
  }
  // Not tried again: what a server that went down has lost, this one cannot bring back.
  if (session.unsynced === unsynced) session.unsynced = 0
}

/** Milliseconds after a commit that was not synced until it is; the rest of the 100 ms is the server's. */
const SYNC_DELAY = 30

async function commitGroup(
  session: Session,
  batches: readonly PendingBatch[],
  options: GroupOptions,
): Promise<Outcome[]> {
  /** An attempt whose COMMIT was sent and not answered. */
  let lost: Attempt | undefined
  for (let tries = 1; ; tries++) {
    const attempt = newAttempt(batches)
    try {
      const client = await session.client()
      const found = lost && (await isInLog(client, lost))
      if (found && lost) return acknowledge(session, lost)
      // Asked under the lock of the log: what is not there now will never be.
      lost = undefined
      if (tries > 2) throw new Error("the connection was lost twice while writing")
      await writeGroup(client, batches, options, attempt)
      return acknowledge(session, attempt)
    } catch (error) {
      // Dropped in any case: what the server still has open ends with the connection.
      session.drop()
      if (attempt.committing && isLost(error)) lost = attempt
      // Rows of changes alone prove nothing, so they are never made again.
      const repeat = isLost(error) && !(error instanceof NanoguardError) && (lost ? lost.bodies.length > 0 : true)
      if (!repeat || tries > 2 || (tries === 2 && lost === undefined)) throw failure(error, options, lost !== undefined)
    }
  }
}

function acknowledge(session: Session, { first, bodies, outcomes, lax }: Attempt): Outcome[] {
  if (bodies.length > 0) session[lax ? "unsynced" : "acknowledged"] = first + bodies.length - 1
  return outcomes
}

function failure(error: unknown, { server }: GroupOptions, uncertain: boolean): NanoguardError {
  const { message, exit, hint } = toStoreError(error, server)
  const fate = uncertain ? "it may be in the log all the same" : "nothing of it is in the log"
  const first = uncertain ? "look for it in the log before you repeat it; " : ""
  return new NanoguardError(`${message}; ${fate}`, { exit, hint: `${first}${hint ?? ""}`, cause: error })
}
