// The gate's benchmarks, each beside what it stands next to, in one run. Usage: node test/bench/gateway.ts [ci | install | archives | latency | packument | memory ...]
// NANOGUARD_BENCH_ROUNDS: rounds of installs, 3 where unset. NANOGUARD_BENCH_CACHE: where the tree's packages are kept from run to run.
// NANOGUARD_BENCH_PROFILE: a directory for processor profiles of the gate. NANOGUARD_BENCH_POLICY: another policy, as text.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Install, type Installs, measureInstalls } from "./gateway-install.ts"
import { measureArchives, measureLatency, measureListings, measureMemory, type Row } from "./gateway-load.ts"
import { createNpm, type Way } from "./gateway-npm.ts"
import { startUpstream } from "./gateway-servers.ts"

const ROUNDS = Number(process.env["NANOGUARD_BENCH_ROUNDS"] ?? 3)
const work = mkdtempSync(join(tmpdir(), "nanoguard-gateway-bench-"))
const say = (text: string) => process.stdout.write(`${text}\n`)
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

async function install(ways: readonly Way[]): Promise<void> {
  const results = await measureInstalls(work, ways, ROUNDS, (line) => process.stderr.write(`${line}\n`))
  say(`Installs of some 500 packages, npm's cache empty; medians of ${ROUNDS} rounds, ratios of pairs`)
  say(
    `${"".padEnd(34)}${["wall s", "least", "x direct", "wanted", "npm cpu s", "gate cpu s"].map((s) => s.padStart(12)).join("")}`,
  )
  for (const [name, runs] of results) say(installRow(name, runs, results))
}

const WANTED: Record<string, string> = { "gate cold": "1.10", "gate warm": "1.05", "gate warm, slow upstream": "0.70" }

function installRow(name: string, runs: readonly Install[], results: Installs): string {
  const [way = "", arm = ""] = [name.slice(0, name.indexOf(" ")), name.slice(name.indexOf(" ") + 1)]
  const base = results.get(`${way} direct${arm.endsWith("slow upstream") ? ", slow upstream" : ""}`) ?? runs
  const ratio = median(runs.map(({ wall }, round) => wall / (base[round]?.wall ?? wall)))
  const walls = runs.map(({ wall }) => wall)
  const cells = [
    median(walls).toFixed(2),
    Math.min(...walls).toFixed(2),
    ratio.toFixed(2),
    WANTED[arm] ?? "",
    median(runs.map(({ npm }) => npm)).toFixed(2),
    median(runs.map(({ gate }) => gate)).toFixed(2),
  ]
  return `${`npm ${name}`.padEnd(34)}${cells.map((cell) => cell.padStart(12)).join("")}`
}

/** Prints rows of figures below their titles. */
function table(title: string, columns: readonly string[], rows: readonly Row[]): void {
  say(`\n${title}\n${"".padEnd(18)}${columns.map((column) => column.padStart(14)).join("")}`)
  for (const { name, cells } of rows) {
    const texts = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 100 ? 2 : 0) : cell))
    say(`${name.padEnd(18)}${texts.map((cell) => cell.padStart(14)).join("")}`)
  }
}

async function archives(): Promise<string[]> {
  const upstream = await startUpstream()
  try {
    return await createNpm(work).archives(upstream.origin)
  } finally {
    await upstream.close()
  }
}

/** A real package with some hundreds of versions. */
const LISTING = "webpack"

const sections: Record<string, () => Promise<void>> = {
  ci: () => install(["ci"]),
  install: () => install(["install"]),
  async archives() {
    const rows = await measureArchives(work, await archives(), ROUNDS)
    table("The archives of the tree, 15 at a time, without npm", ["ms", "least ms", "server cpu ms"], rows)
  },
  async latency() {
    const rows = await measureLatency(work, await archives(), 200, 12)
    const [direct, gate] = rows as [Row, Row]
    const added = gate.cells.slice(0, 4).map((cell, n) => Number(cell) - Number(direct.cells[n]))
    const all = [...rows, { name: "added", cells: added }, { name: "wanted", cells: ["below 1", "", "below 5", ""] }]
    table(
      "Archives at 200 a second, open loop, warm",
      ["p50 ms", "best turn", "p99 ms", "best turn", "cpu ms each"],
      all,
    )
  },
  async packument() {
    const rows = await measureListings(work, LISTING, 4)
    const of = (name: string) => Number(rows.find((row) => row.name === name)!.cells[0])
    table(`The listing of ${LISTING}, abbreviated, warm`, ["a second", "most", "cpu ms each"], rows)
    say(`the gate gives ${(of("gate") / of("verdaccio")).toFixed(1)} x what Verdaccio does (wanted: 3)`)
  },
  async memory() {
    const rows = await measureMemory(work, 2000, Number(process.env["NANOGUARD_BENCH_REQUESTS"] ?? 100_000))
    table("Requests mixed over 2,000 packages (wanted: flat, below 200 MiB)", ["rss MiB", "cpu s", "s"], rows)
  },
}

const wanted = process.argv.slice(2)
try {
  for (const [name, section] of Object.entries(sections)) {
    if (wanted.length === 0 || wanted.includes(name)) await section()
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
