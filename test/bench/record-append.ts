// Durable appends against what the same disk gives to others: one fdatasync a record, and SQLite with one transaction a record.
// The same records for all, in turns, so that a slow moment of the disk hits all alike.
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { setTimeout as delay } from "node:timers/promises"
import type { NewEvent } from "../../src/audit/types.ts"
import { processContext } from "../../src/context.ts"
import { openStore } from "../../src/store/open.ts"
import { loadSqlite } from "../../src/store/sqlite/module.ts"
import { decidedEvent } from "./record-events.ts"

/** What one load did. Times in microseconds. */
export interface Load {
  name: string
  perSecond: number
  p50: number
  p99: number
  /** Time that the main thread was busy for each append, the load's own code included. */
  loop?: number
}

function summary(name: string, times: number[], seconds: number, loop?: number): Load {
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]! * 1000
  return { name, perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), ...(loop !== undefined && { loop }) }
}

/** Repeats `one` for so many milliseconds. */
function repeat(name: string, ms: number, one: (n: number) => void): Load {
  const times: number[] = []
  const start = performance.now()
  let last = start
  while (last - start < ms) {
    one(times.length)
    const now = performance.now()
    times.push(now - last)
    last = now
  }
  return summary(name, times, (last - start) / 1000)
}

/** The floor: each record is written to the end of a file, and synced. */
export function bareSync(directory: string, bodies: readonly string[], ms: number): Load {
  const fd = openSync(join(directory, "bare"), "w")
  const load = repeat("write + fdatasync for each record", ms, (n) => {
    writeSync(fd, bodies[n % bodies.length]!)
    fdatasyncSync(fd)
  })
  closeSync(fd)
  return load
}

/** SQLite as one would use it: WAL, full sync, a transaction for each record. */
export function oneTransactionEach(directory: string, bodies: readonly string[], ms: number): Load {
  const db = new (loadSqlite().DatabaseSync)(join(directory, "each.db"))
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)",
  )
  const insert = db.prepare("INSERT INTO events (body) VALUES (?)")
  const load = repeat("SQLite, full sync, a transaction each", ms, (n) => void insert.run(bodies[n % bodies.length]!))
  db.close()
  return load
}

interface AppendOptions {
  directory: string
  events: readonly NewEvent[]
  ms: number
  /** Acknowledged before the sync. */
  lax?: true
}

async function withStore<T>(
  { directory, lax }: Pick<AppendOptions, "directory" | "lax">,
  work: (append: (event: NewEvent) => Promise<number>) => Promise<T>,
): Promise<T> {
  mkdirSync(directory, { recursive: true })
  const context = { ...processContext(), env: { HOME: directory, NANOGUARD_HOME: directory } }
  const store = await openStore(context, { gateway: "bench" })
  try {
    // The code is compiled and the files have their size, as in a gateway that runs.
    const warm = performance.now()
    while (performance.now() - warm < 500) {
      await Promise.all(Array.from({ length: 64 }, (_, n) => store.append(decidedEvent(n))))
    }
    // Nothing is left to derive of it: what is measured is a gateway that keeps up.
    await store.checkpoint()
    await delay(200)
    if (!lax) return await work(store.append)
    return await work(async (event) => (await store.write({ events: [event], lax })).seqs[0]!)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Closed loop: each of `writers` appends its next record when its last one is durable. */
export function closedLoop(options: AppendOptions, writers: number): Promise<Load> {
  const { events, ms } = options
  return withStore(options, async (append) => {
    const times: number[] = []
    const before = performance.eventLoopUtilization()
    const start = performance.now()
    const write = async (n: number) => {
      for (let i = n; performance.now() - start < ms; i += writers) {
        const from = performance.now()
        await append(events[i % events.length]!)
        times.push(performance.now() - from)
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, n) => write(n)))
    const seconds = (performance.now() - start) / 1000
    const loop = (performance.eventLoopUtilization(before).active * 1000) / times.length
    return summary(`nanoguard${options.lax ? ", lax" : ""}, closed loop of ${writers}`, times, seconds, loop)
  })
}

/**
 * Open loop: every millisecond as many records as the rate asks for, whatever became of those before. Latency counts from the
 * call: a timer that comes late is the machine's affair.
 */
export function openLoop(options: AppendOptions, rate: number): Promise<Load> {
  const { events, ms } = options
  return withStore(options, async (append) => {
    const times: number[] = []
    const waiting: Promise<unknown>[] = []
    const before = performance.eventLoopUtilization()
    const start = performance.now()
    let n = 0
    while (performance.now() - start < ms) {
      const due = Math.min(((performance.now() - start) * rate) / 1000, n + 64)
      for (; n < due; n++) {
        const from = performance.now()
        waiting.push(append(events[n % events.length]!).then(() => times.push(performance.now() - from)))
      }
      await delay(1)
    }
    await Promise.all(waiting)
    const seconds = (performance.now() - start) / 1000
    const loop = (performance.eventLoopUtilization(before).active * 1000) / times.length
    return summary(`nanoguard${options.lax ? ", lax" : ""}, open loop of ${rate}/s`, times, seconds, loop)
  })
}

/** The main thread's own work for one append, in microseconds: call, message, answer, promise; nothing of the caller's. */
export function loopCost(options: AppendOptions): Promise<number> {
  const { events } = options
  return withStore(options, async (append) => {
    const count = 2000
    const costs: number[] = []
    for (let round = 0; round < 10; round++) {
      const before = performance.eventLoopUtilization()
      await Promise.all(Array.from({ length: count }, (_, n) => append(events[n % events.length]!)))
      costs.push((performance.eventLoopUtilization(before).active * 1000) / count)
    }
    return costs.sort((a, b) => a - b)[costs.length >> 1]!
  })
}
