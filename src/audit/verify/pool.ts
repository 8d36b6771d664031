// Ranges handed out to worker threads, results in order.
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { workerUrl } from "../../store/workerUrl.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import { errorOf, type HasherAnswer } from "./hasher-messages.ts"
import { checkRange, type RangeResult, type RangeSource, type RangeTask } from "./range.ts"
import type { SqliteFiles } from "./sqlite-source.ts"

/** Fewest and most records of one task. What a task adds up to is sent and merged once, so large ones are cheaper. */
const TASK_RECORDS = [16_384, 262_144] as const

/** Tasks that each thread should have, so that none waits long for the last. */
const TASKS_PER_THREAD = 4

/** Records below which threads cost more than they gain: one takes 40 ms to start. */
const WORTH_THREADS = 65_536

/** Cuts 1..`records` into tasks of whole tiles; `sizes`, ascending, are the tree sizes whose partial tiles are wanted. */
export function cutTasks(
  records: number,
  sizes: readonly number[],
  rest: Omit<RangeTask, "from" | "to" | "sizes">,
): RangeTask[] {
  const tasks: RangeTask[] = []
  const [least, most] = TASK_RECORDS
  const share = Math.ceil(records / (availableParallelism() * TASKS_PER_THREAD * TILE_WIDTH)) * TILE_WIDTH
  const size = Math.min(most, Math.max(least, share))
  let next = 0
  for (let from = 1; from <= records; from += size) {
    const to = Math.min(records, from + size - 1)
    const own: number[] = []
    for (; next < sizes.length && sizes[next]! <= to; next++) own.push(sizes[next]!)
    tasks.push({ from, to, sizes: own, ...rest })
  }
  return tasks
}

/** Checks ranges one after the other in this thread. */
export async function* checkHere(source: RangeSource, tasks: readonly RangeTask[]): AsyncGenerator<RangeResult> {
  for (const task of tasks) yield await checkRange(source, task)
}

/** How many threads so many tasks are worth; 0: this one. */
export function threadsFor(tasks: readonly RangeTask[]): number {
  const records = tasks.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  return records < WORTH_THREADS ? 0 : Math.min(availableParallelism(), tasks.length)
}

/**
 * Checks ranges in `threads` worker threads and yields the results in the order of the tasks. At most two tasks a thread are
 * ahead of what was taken, so that results do not pile up. Throws what a thread failed with.
 */
export async function* checkInThreads(
  files: SqliteFiles,
  tasks: readonly RangeTask[],
  threads: number,
): AsyncGenerator<RangeResult> {
  const workers = Array.from({ length: threads }, () => new Worker(workerUrl("hasher"), { workerData: files }))
  const idle = [...workers]
  const waiting: Promise<RangeResult>[] = []
  const queue: (() => void)[] = []
  const run = (task: RangeTask) =>
    new Promise<RangeResult>((resolve, reject) => {
      const start = () => {
        const worker = idle.pop()!
        const finish = (done: () => void) => {
          worker.removeAllListeners("message").removeAllListeners("error")
          idle.push(worker)
          queue.shift()?.()
          done()
        }
        worker.once("message", (answer: HasherAnswer) =>
          finish(() => ("result" in answer ? resolve(answer.result) : reject(errorOf(answer.failed)))),
        )
        worker.once("error", (error) => finish(() => reject(error)))
        worker.postMessage(task)
      }
      if (idle.length > 0) start()
      else queue.push(start)
    })
  try {
    for (const task of tasks) {
      const result = run(task)
      // Awaited in order; until then a failure is nobody's unhandled rejection.
      result.catch(() => {})
      waiting.push(result)
      if (waiting.length >= threads * 2) yield await waiting.shift()!
    }
    for (const result of waiting) yield await result
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
