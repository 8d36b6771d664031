// How long the System of Record takes to answer over a large log: warm, in this process, median of five.
// Usage: node test/bench/record-inventory.ts [state directory]     Makes a log of NANOGUARD_BENCH_RECORDS records where there is none.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { readInventory } from "../../src/audit/inventory/index.ts"
import type { InventoryQuery } from "../../src/audit/inventory/types.ts"
import { readLast } from "../../src/audit/read/query.ts"
import { openDefaultAdvisories } from "../../src/packages/advisories/index.ts"
import { safeJson } from "../../src/render/clean.ts"
import { openFilesForReading } from "../../src/store/sqlite/reader.ts"
import { type MadeLog, makeLog } from "./make-log.ts"

const ROUNDS = 5

/** Times each question and says how long it took. `largeLog` makes or finds the log. */
export async function benchInventory(largeLog: () => Promise<MadeLog>, say: (text: string) => void): Promise<void> {
  const { directory, records } = await largeLog()
  const reader = await openFilesForReading(directory)
  const advisories = openDefaultAdvisories({ env: { HOME: directory } })
  const { db } = reader
  try {
    const span = await db
      .selectFrom("entries")
      .select(["time"])
      .where("seq", "in", [1, Math.floor(records / 2), records])
      .orderBy("seq")
      .execute()
    const [, half, end] = span.map(({ time }) => time) as [number, number, number]
    const ask = (query: InventoryQuery) => () => readInventory(db, query, Date.now(), advisories)
    const questions: [string, () => Promise<unknown>][] = [
      ["inventory", ask({})],
      ["inventory --format json", async () => safeJson(await readInventory(db, {}, Date.now(), advisories))],
      ["inventory --agent", ask({ agent: "agent-7" })],
      ["inventory --refused", ask({ refused: true })],
      ["inventory --touched pkg:npm/package-13", ask({ touched: "pkg:npm/package-13" })],
      ["inventory --touched host-31.example.com", ask({ touched: "host-31.example.com" })],
      ["inventory --touched GHSA-aaaa-bbbb-cccc", ask({ touched: "GHSA-aaaa-bbbb-cccc" })],
      ["inventory --as-of (half-way)", ask({ asOf: half })],
      ["inventory --as-of --touched", ask({ asOf: half, touched: "pkg:npm/package-13" })],
      ["tail", () => readLast(db, {}, 20)],
      ["tail --agent", () => readLast(db, { agent: "agent-7" }, 20)],
      ["tail --agent --effect deny", () => readLast(db, { agent: "agent-7", effect: "deny" }, 20)],
      ["tail --run", () => readLast(db, { run: "run-3" }, 20)],
      ["tail --since (the last hour)", () => readLast(db, { since: end - 3_600_000 }, 20)],
      ["tail --kind kill (there is none)", () => readLast(db, { kind: "kill" }, 20)],
    ]
    const { uses, items, runs } = await countRows(db)
    say(
      `\nQuestions to ${records} records: ${uses} uses of ${items} items, ${runs} runs (wanted: inventory below 1,000 ms)`,
    )
    for (const [name, question] of questions) {
      await question()
      const times: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now()
        await question()
        times.push(performance.now() - start)
      }
      const median = times.sort((a, b) => a - b)[ROUNDS >> 1]!
      say(`  ${name.padEnd(42)}${median.toFixed(median < 10 ? 2 : 0).padStart(10)} ms`)
    }
  } finally {
    advisories.close()
    await reader.close()
  }
}

async function countRows(db: Awaited<ReturnType<typeof openFilesForReading>>["db"]) {
  const count = async (table: "uses" | "items" | "agents") => {
    const row = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }
  return { uses: await count("uses"), items: await count("items"), runs: await count("agents") }
}

if (import.meta.main) {
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const work = mkdtempSync(join(process.env["NANOGUARD_BENCH_DIR"] ?? tmpdir(), "nanoguard-inventory-"))
  const count = Number(process.env["NANOGUARD_BENCH_RECORDS"] ?? 10_000_000)
  try {
    await benchInventory(() => makeLog(process.argv[2] ?? work, count, say), say)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
