// The worker thread: checks the ranges that it is sent, one after the other. Imported by nobody: it listens as soon as it runs.
import { parentPort, workerData } from "node:worker_threads"
import { describeFailure, type HasherAnswer } from "./hasher-messages.ts"
import { checkRange, type RangeTask } from "./range.ts"
import { openSqliteSource, type SqliteFiles } from "./sqlite-source.ts"

let source: ReturnType<typeof openSqliteSource> | undefined

async function answer(task: RangeTask): Promise<HasherAnswer> {
  try {
    source ??= openSqliteSource(workerData as SqliteFiles)
    return { result: await checkRange(source, task) }
  } catch (error) {
    return { failed: describeFailure(error) }
  }
}

parentPort?.on("message", async (task: RangeTask) => parentPort?.postMessage(await answer(task)))
