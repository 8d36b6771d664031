// The worker thread: checks the ranges that it is sent, one after the other.
import { parentPort, workerData } from "node:worker_threads"
import { EXIT, NanoguardError } from "../../errors.ts"
import { checkRange, type RangeResult, type RangeTask } from "./range.ts"
import { openSqliteSource, type SqliteFiles } from "./sqlite-source.ts"

/** What it answers: the result, or what went wrong, in a form that a message can carry. */
export type HasherAnswer = { result: RangeResult } | { failed: { message: string; exit?: number; hint?: string } }

if (parentPort) {
  const port = parentPort
  let source: ReturnType<typeof openSqliteSource> | undefined
  port.on("message", async (task: RangeTask) => {
    try {
      source ??= openSqliteSource(workerData as SqliteFiles)
      const result = await checkRange(source, task)
      port.postMessage({ result } satisfies HasherAnswer)
    } catch (error) {
      port.postMessage({ failed: describe(error) } satisfies HasherAnswer)
    }
  })
}

function describe(error: unknown): { message: string; exit?: number; hint?: string } {
  if (!(error instanceof NanoguardError)) return { message: String(error instanceof Error ? error.stack : error) }
  return { message: error.message, exit: error.exit, ...(error.hint !== undefined && { hint: error.hint }) }
}

/** The error that an answer describes. */
export function errorOf({ message, exit, hint }: { message: string; exit?: number; hint?: string }): Error {
  if (exit === undefined) return new Error(message)
  return new NanoguardError(message, { exit: EXIT.environment, ...(hint !== undefined && { hint }) })
}
