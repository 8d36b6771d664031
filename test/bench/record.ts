// The record's benchmarks. Usage: node test/bench/record.ts [append | derive | lag | proofs | verify | inventory ...]; without a name, append alone.
// NANOGUARD_BENCH_DIR: a directory on the disk to measure. NANOGUARD_BENCH_LOG: a state directory for the large log (made where it
// is missing, and kept), NANOGUARD_BENCH_RECORDS: its size, 10 million where unset: 12 GB and some minutes.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sealEvent } from "../../src/audit/sealing/seal.ts"
import type { NewEvent, PersonCommitment } from "../../src/audit/types.ts"
import { type MadeLog, makeLog } from "./make-log.ts"
import { bareSync, closedLoop, type Load, loopCost, oneTransactionEach, openLoop } from "./record-append.ts"
import { decidedEvent, requestEvent } from "./record-events.ts"

const work = mkdtempSync(join(process.env["NANOGUARD_BENCH_DIR"] ?? tmpdir(), "nanoguard-record-"))
const say = (text: string) => process.stdout.write(`${text}\n`)
const ROUNDS = 3
const MS = 1500

function bodiesOf(events: readonly NewEvent[]): string[] {
  const commitments = { get: () => `person:${"A".repeat(43)}` } as unknown as ReadonlyMap<string, PersonCommitment>
  return events.map((event) => sealEvent(event, { commitKey: new Uint8Array(32), commitments, time: Date.now() }))
}

/** The round in the middle, by throughput. */
const middle = (loads: Load[]) => loads.sort((a, b) => a.perSecond - b.perSecond)[loads.length >> 1]!

async function append(title: string, make: (n: number) => NewEvent): Promise<void> {
  const events = Array.from({ length: 1000 }, (_, n) => make(n))
  const bodies = bodiesOf(events)
  const options = { directory: join(work, "store"), events, ms: MS }
  const lax = { ...options, lax: true as const }
  const runs = [
    () => bareSync(work, bodies, MS),
    () => oneTransactionEach(work, bodies, MS),
    () => closedLoop(options, 64),
    () => closedLoop(options, 16),
    () => closedLoop(options, 1),
    () => openLoop(options, 2_000),
    () => openLoop(options, 10_000),
    () => closedLoop(lax, 64),
    () => closedLoop(lax, 1),
    () => openLoop(lax, 2_000),
    () => openLoop(lax, 10_000),
  ]
  const rounds: Load[][] = runs.map(() => [])
  for (let round = 0; round < ROUNDS; round++) for (const [n, run] of runs.entries()) rounds[n]!.push(await run())
  const loads = rounds.map(middle)
  const [bare, each, many] = loads as [Load, Load, Load]
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length
  say(`\n${title}, ${Math.round(bytes)} bytes a record; median of ${ROUNDS} rounds`)
  say(
    `${"".padEnd(40)}${["records/s", "x fdatasync", "p50 us", "p99 us", "p99 / bare p50", "loop us"].map((s) => s.padStart(15)).join("")}`,
  )
  for (const load of loads) {
    const cells = [
      Math.round(load.perSecond).toString(),
      (load.perSecond / bare.perSecond).toFixed(1),
      Math.round(load.p50).toString(),
      Math.round(load.p99).toString(),
      (load.p99 / bare.p50).toFixed(1),
      load.loop === undefined ? "" : load.loop.toFixed(1),
    ]
    say(`${load.name.padEnd(40)}${cells.map((cell) => cell.padStart(15)).join("")}`)
  }
  say(`64 writers reach ${(many.perSecond / bare.perSecond).toFixed(1)} x one fdatasync a record (wanted: 8)`)
  say(`64 writers reach ${(many.perSecond / each.perSecond).toFixed(1)} x SQLite with a transaction each (wanted: 5)`)
  say(`the event loop is busy for ${(await loopCost(options)).toFixed(1)} us an append (wanted: below 50)`)
}

const sections: Record<string, () => Promise<void>> = {
  async append() {
    await append("A request's decision", requestEvent)
    await append("A package's decision", decidedEvent)
  },
  async derive() {
    const { benchDerive } = await import("./record-derive.ts")
    await benchDerive(join(work, "derive"), say)
  },
  async lag() {
    const { benchLag } = await import("./record-derive.ts")
    await benchLag(join(work, "lag"), say)
  },
  async inventory() {
    const { benchInventory } = await import("./record-inventory.ts")
    await benchInventory(largeLog, say)
  },
  async proofs() {
    const { benchProofs } = await import("./record-proofs.ts")
    await benchProofs(largeLog, say)
  },
}

/** The log that sections share which need a large one. */
function largeLog(): Promise<MadeLog> {
  const directory = process.env["NANOGUARD_BENCH_LOG"] ?? join(work, "large")
  return makeLog(directory, Number(process.env["NANOGUARD_BENCH_RECORDS"] ?? 10_000_000), say)
}

const wanted = process.argv.slice(2)
try {
  for (const [name, section] of Object.entries(sections)) {
    if (wanted.includes(name) || (wanted.length === 0 && name === "append")) await section()
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
