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
  return {
    commitGroup: (batches) => commitGroup(session, batches, { ...options, server }),
    close: () => session.close(),
  }
}

async function commitGroup(
  session: Session,
  batches: readonly PendingBatch[],
  options: GroupOptions,
): Promise<Outcome[]> {
  /** An attempt whose COMMIT was sent and not answered. */
  let lost: Attempt | undefined
  for (let tries = 1; ; tries++) {
    const attempt = newAttempt()
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

function acknowledge(session: Session, { first, bodies, outcomes }: Attempt): Outcome[] {
  if (bodies.length > 0) session.acknowledged = first + bodies.length - 1
  return outcomes
}

function failure(error: unknown, { server }: GroupOptions, uncertain: boolean): NanoguardError {
  const { message, exit, hint } = toStoreError(error, server)
  const fate = uncertain ? "it may be in the log all the same" : "nothing of it is in the log"
  const first = uncertain ? "look for it in the log before you repeat it; " : ""
  return new NanoguardError(`${message}; ${fate}`, { exit, hint: `${first}${hint ?? ""}`, cause: error })
}
