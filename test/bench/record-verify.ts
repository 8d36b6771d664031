// How fast `audit verify` is: records a second, beside a bare SHA-256 over the same bytes, in turns within one run.
// Usage: node test/bench/record-verify.ts [records]     NANOGUARD_BENCH_LOG: a state directory with such a log, made where missing
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSqliteSource } from "../../src/audit/verify/sqlite-source.ts"
import { verifyStore } from "../../src/audit/verify/verify.ts"
import { openFilesForReading } from "../../src/store/sqlite/reader.ts"
import { makeLog } from "./make-log.ts"

const ROUNDS = 3
const records = Number(process.argv[2] ?? 500_000)
const kept = process.env["NANOGUARD_BENCH_LOG"]
const directory = kept ?? mkdtempSync(join(tmpdir(), "nanoguard-verify-"))
const say = (text: string) => process.stdout.write(`${text}\n`)

/** Reads every body and hashes all of them as one text: the least that any verification costs. Resolves with their bytes. */
async function bareHash(): Promise<number> {
  const source = openSqliteSource({ directory, immutable: false, indexed: false, entries: false })
  const hash = createHash("sha256")
  let bytes = 0
  for (let from = 1; from <= records; from += 256) {
    for (const [, body] of await source.bodies(from, from + 255)) {
      hash.update(body)
      bytes += body.length
    }
  }
  hash.digest()
  source.close()
  return bytes
}

async function verify(index: boolean, threads?: number): Promise<void> {
  const reader = await openFilesForReading(directory)
  const report = await verifyStore(reader, { keys: [], anchors: [], index, ...(threads !== undefined && { threads }) })
  await reader.close()
  if (!report.intact || report.hashed !== report.records) throw new Error(JSON.stringify(report.problems))
}

interface Run {
  name: string
  work: () => Promise<unknown>
  /** Milliseconds of each round: on the wall, and of all threads together. */
  wall: number[]
  cpu: number[]
}

const run = (name: string, work: () => Promise<unknown>): Run => ({ name, work, wall: [], cpu: [] })
const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

try {
  await makeLog(directory, records, say)
  const bytes = await bareHash()
  say(`${records} records of ${Math.round(bytes / records)} bytes`)
  const runs = [
    run("SHA-256 of all bodies, one thread", bareHash),
    run("verify, index too", () => verify(true)),
    run("verify, index too, one thread", () => verify(true, 0)),
    run("verify --no-index", () => verify(false)),
    run("verify --no-index, one thread", () => verify(false, 0)),
  ]
  for (let round = 0; round < ROUNDS; round++) {
    for (const { work, wall, cpu } of runs) {
      const before = process.cpuUsage()
      const start = performance.now()
      await work()
      wall.push(performance.now() - start)
      const { user, system } = process.cpuUsage(before)
      cpu.push((user + system) / 1000)
    }
  }
  const bare = middle(runs[0]!.wall)
  say(`${"".padEnd(36)}${["records/s", "x bare", "CPU us/record"].map((title) => title.padStart(15)).join("")}`)
  for (const { name, wall, cpu } of runs) {
    const cells = [
      Math.round((records / middle(wall)) * 1000).toString(),
      (middle(wall) / bare).toFixed(2),
      ((middle(cpu) / records) * 1000).toFixed(2),
    ]
    say(`${name.padEnd(36)}${cells.map((cell) => cell.padStart(15)).join("")}`)
  }
} finally {
  if (kept === undefined) rmSync(directory, { recursive: true, force: true })
}
