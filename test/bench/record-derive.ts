// Derivation: how fast it reads a log that is there, and how far it is behind a log that grows.
import { mkdirSync } from "node:fs"
import { performance } from "node:perf_hooks"
import { setTimeout as delay } from "node:timers/promises"
import { startDeriver } from "../../src/audit/derive/deriver-thread.ts"
import { startCommitter } from "../../src/store/committer-thread.ts"
import { makeLog } from "./make-log.ts"
import { requestEvent } from "./record-events.ts"

const RECORDS = 300_000
const MS = 4_000

/** Makes a log, which says how fast it was derived. */
export async function benchDerive(directory: string, say: (text: string) => void): Promise<void> {
  await makeLog(directory, RECORDS, say)
}

/** Appends at a steady pace and as fast as it goes, and says how long each record took from its acknowledgement to the index. */
export async function benchLag(directory: string, say: (text: string) => void): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const ctx = { cwd: directory, env: { NANOGUARD_HOME: directory }, now: Date.now }
  const location = { kind: "sqlite", directory: `${directory}/state` } as const
  const waiting: { seq: number; since: number }[] = []
  const lags: number[] = []
  const committer = await startCommitter(ctx, { location, gateway: "bench", onCommit: () => deriver.wake() })
  const write = async (n: number) => {
    const { seqs } = await committer.write({ events: [requestEvent(n)] })
    waiting.push({ seq: seqs[0]!, since: performance.now() })
  }
  const deriver = startDeriver(ctx, {
    ...{ location, gateway: "bench", append: async () => {} },
    onDerived: (seq) => {
      const now = performance.now()
      // Acknowledgements come in the order of the log, as far as it matters here.
      let count = 0
      while (count < waiting.length && waiting[count]!.seq <= seq) lags.push(now - waiting[count++]!.since)
      waiting.splice(0, count)
    },
  })
  const report = (name: string, written: number) => {
    lags.sort((a, b) => a - b)
    const at = (share: number) => (lags[Math.floor((lags.length - 1) * share)] ?? 0).toFixed(0)
    say(
      `${name}: ${Math.round(written / (MS / 1000))} records/s, in the index after ${at(0.5)} ms (p50), ${at(0.99)} ms (p99)`,
    )
    lags.length = 0
  }

  // The first record waits for the thread to start.
  await write(0)
  await deriver.checkpoint()
  lags.length = 0
  const start = performance.now()
  let n = 0
  while (performance.now() - start < MS) {
    for (const due = performance.now() - start; n < due; n++) void write(n)
    await delay(1)
  }
  await delay(300)
  report("1,000 records a second", n)

  const until = performance.now() + MS
  let done = 0
  const writer = async () => {
    while (performance.now() < until) await write(done++)
  }
  await Promise.all(Array.from({ length: 64 }, writer))
  const behind = waiting.length
  const began = performance.now()
  await deriver.checkpoint()
  report("64 writers", done)
  say(`then ${behind} records were not in the index yet, and were ${(performance.now() - began).toFixed(0)} ms later`)
  await deriver.close()
  await committer.close()
}
