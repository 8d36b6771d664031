// A record on disk for tests of the commands that read it.
import { join } from "node:path"
import type { NewEvent } from "../../src/audit/types.ts"
import { sampleEvents } from "../audit/events.ts"
import { type TestLog, writeLog } from "../audit/verify-log.ts"
import { emptyHome, type TestContext, temporaryDirectory, testContext } from "../context.ts"

export interface Recorded {
  log: TestLog
  env: Record<string, string>
  /** A context whose state directory has the record; each has its own output. */
  context(edge?: { now?: number; terminal?: number; env?: Record<string, string> }): TestContext
}

/** A record of these events (or of so many samples), with checkpoints at the given sizes. */
export async function recordEvents(
  events: readonly NewEvent[] | number,
  sizes: readonly number[] = [],
): Promise<Recorded> {
  const env = emptyHome()
  const list = typeof events === "number" ? sampleEvents(1, events) : events
  const log = await writeLog(join(env["NANOGUARD_HOME"]!, "state"), list, sizes)
  const cwd = temporaryDirectory()
  return {
    log,
    env,
    context: (edge = {}) => testContext(cwd, { ...edge, env: { ...env, NO_COLOR: "1", ...edge.env } }),
  }
}
