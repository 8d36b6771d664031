// The gate for actions, beside what it stands next to: direct TLS, and proxies that others make. Usage: node test/bench/egress.ts [keepalive | fresh |
// latency | stream | download | leaf | release | held | memory ...]. Proxy on one core, origin and client on the other, rounds interleaved, medians.
// NANOGUARD_BENCH_ROUNDS: 5 where unset. NANOGUARD_BENCH_SECONDS: of one turn, 2 where unset. NANOGUARD_BENCH_REQUESTS: of `memory`, 100,000 where
// unset. NANOGUARD_BENCH_PEERS=none: without peers. NANOGUARD_BENCH_UNPINNED: on all cores. NANOGUARD_BENCH_PROFILE: directory for the gate's profile.
import { mkdtempSync, rmSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import type { Job, Result } from "./egress-client.ts"
import { measureHeld, measureLeaves, measureRelease } from "./egress-inside.ts"
import { type Contender, isPinned, startClient, startGate, startOrigin, startPeers } from "./egress-proxies.ts"

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const ROUNDS = number("NANOGUARD_BENCH_ROUNDS", 5)
const SECONDS = number("NANOGUARD_BENCH_SECONDS", 2)
/** Seconds before the first turn: what is not compiled yet is three times as slow. */
const WARM = 4
const work = mkdtempSync(join(tmpdir(), "nanoguard-egress-bench-"))
const say = (text: string) => process.stdout.write(`${text}\n`)
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const load = () => loadavg()[0]!.toFixed(1)
const line = (name: string, measured: string, wanted = "") => say(`${name.padEnd(58)}${measured.padEnd(34)}${wanted}`)

const origin = await startOrigin(work)
const client = await startClient()
const gate = await startGate(origin, work)
const withPeers = process.env["NANOGUARD_BENCH_PEERS"] !== "none"
let peers: Contender[] | undefined

type Way = Pick<Contender, "name"> &
  Partial<Pick<Contender, "usage" | "login">> & { port: number | undefined; to?: number }
const direct: Way = { name: "direct", port: undefined }

async function ways(): Promise<Way[]> {
  peers ??= withPeers ? await startPeers(origin, work, say) : []
  return [direct, gate, ...peers]
}

/** Runs a job over each way in turn, as many rounds as asked for; what fails is left out of the ways. */
async function rounds(all: readonly Way[], job: Omit<Job, "port" | "proxy">): Promise<Map<string, Result[]>> {
  cpu.clear()
  const found = new Map<string, Result[]>(all.map(({ name }) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const { name, port, login, usage, to = origin.port } of all) {
      const results = found.get(name)
      if (results === undefined) continue
      try {
        const seconds = round < 0 ? WARM : job.seconds
        const before = await usage?.()
        const result = await client.run({ ...job, seconds, port: to, proxy: port, ...(login && { login }) })
        if (round < 0) continue
        results.push(result)
        const after = await usage?.()
        const [used, count] = cpu.get(name) ?? [0, 0]
        if (before && after) cpu.set(name, [used + after.cpu - before.cpu, count + result.count])
      } catch (error) {
        say(`left out: ${name}: ${(error as Error).message}`)
        found.delete(name)
      }
    }
  }
  return found
}

/** Processor time that each proxy took in its rounds, and for how many requests: says more than the clock while other work goes on. */
const cpu = new Map<string, [seconds: number, count: number]>()

/** Median over rounds of one way's figure by another's. */
function ratio(found: Map<string, Result[]>, of: string, to: string, figure: (result: Result) => number): number {
  const base = found.get(to) ?? []
  return median((found.get(of) ?? []).map((result, round) => figure(result) / figure(base[round]!)))
}

const rate = ({ rate }: Result) => rate

function compare(found: Map<string, Result[]>, wanted: Readonly<Record<string, string>>, unit: string, scale = 1) {
  for (const [name, results] of found) {
    const [used, count] = cpu.get(name) ?? [0, 0]
    const each = used > 0 ? `, ${((used / count) * 1e6).toFixed(0)} us` : ""
    const own = `${(median(results.map(rate)) / scale).toFixed(0)} ${unit}${each}`
    if (name === "gate") line("  gate", own)
    else line(`  ${name}`, `${own}, gate ${ratio(found, "gate", name, rate).toFixed(2)} x`, wanted[name] ?? "")
  }
}

const sections: Record<string, () => Promise<void>> = {
  async keepalive() {
    const found = await rounds(await ways(), { mode: "load", connections: 16, seconds: SECONDS })
    say(`\n1 KB, kept connections, 16 at a time, decided against 100 rules (load ${load()})`)
    compare(found, { direct: "0.65 x", mitmproxy: "15 x", srt: "2 x", mockttp: "5 x" }, "a second")
  },
  async fresh() {
    const found = await rounds(await ways(), { mode: "fresh", connections: 8, seconds: SECONDS })
    say(`\nA new connection for each request, 8 at a time (load ${load()})`)
    compare(found, { direct: "0.9 x" }, "a second")
  },
  async latency() {
    const found = await rounds([direct, gate], { mode: "paced", rate: 200, connections: 50, seconds: SECONDS * 2 })
    const of = (name: string, share: "p50" | "p99") => median(found.get(name)!.map((result) => result[share]))
    say(`\n200 a second, open loop (load ${load()})`)
    line("  added, p50", `${(of("gate", "p50") - of("direct", "p50")).toFixed(2)} ms`, "below 0.5 ms")
    line("  added, p99", `${(of("gate", "p99") - of("direct", "p99")).toFixed(2)} ms`, "below 3 ms")
  },
  async stream() {
    const found = await rounds([direct, gate], { mode: "stream", connections: 4, seconds: SECONDS })
    const of = (name: string, share: "p50" | "p99") => median(found.get(name)!.map((result) => result[share]))
    say(`\nEvents of 4 streams, from the origin's write to the client (load ${load()})`)
    line(
      "  added, p50, p99",
      `${(of("gate", "p50") - of("direct", "p50")).toFixed(2)}, ${(of("gate", "p99") - of("direct", "p99")).toFixed(2)} ms`,
      "below 1 ms",
    )
  },
  async download() {
    const passed: Way = {
      name: "gate, passed through",
      port: gate.port,
      to: origin.second,
      ...(gate.login && { login: gate.login }),
    }
    // mitmproxy takes half a minute for each.
    const quick = (await ways()).filter(({ name }) => name !== "mitmproxy")
    const found = await rounds([...quick, passed], { mode: "big", connections: 1, seconds: SECONDS })
    say(`\nOne answer of 64 MiB (load ${load()})`)
    compare(found, { direct: "0.28 x", srt: "1.5 x" }, "MB/s", 1e6)
    line("  passed through", `${ratio(found, passed.name, "direct", rate).toFixed(2)} x direct`, "0.6 x")
  },
  async leaf() {
    const { p50, p99 } = await measureLeaves()
    say(`\nA leaf, minted and loaded (load ${load()})`)
    line("  p50, p99", `${p50.toFixed(2)}, ${p99.toFixed(2)} ms`, "3 ms")
  },
  async release() {
    const { p50, p99, count } = await measureRelease(work, origin, 300)
    say(`\nFrom a person's signed decision to the request at the origin, the record durable first (load ${load()})`)
    line(`  p50, p99 of ${count}`, `${p50.toFixed(1)}, ${p99.toFixed(1)} ms`, "p99 below 10 ms")
  },
  async held() {
    const { count, rss, before, seconds } = await measureHeld(work, origin, 5000)
    say(`\nHeld at once (load ${load()})`)
    line(
      `  ${count} requests of 1 KB, held within ${seconds.toFixed(1)} s`,
      `${rss.toFixed(0)} MiB (${before.toFixed(0)} before)`,
      "below 400 MB",
    )
  },
  async memory() {
    const requests = number("NANOGUARD_BENCH_REQUESTS", 100_000)
    let done = 0
    const tenths: number[] = []
    while (done < requests) {
      const { count } = await client.run({
        mode: "load",
        connections: 16,
        seconds: 1,
        port: origin.port,
        proxy: gate.port,
        ...(gate.login && { login: gate.login }),
      })
      done += count
      if (done >= ((tenths.length + 1) * requests) / 10) tenths.push((await gate.usage())?.rss ?? Number.NaN)
    }
    say(`\nMemory over ${done} requests (load ${load()})`)
    line("  after each tenth, MiB", tenths.map((rss) => rss.toFixed(0)).join(" "), "flat, below 200 MB")
  },
}

const wanted = process.argv.slice(2)
try {
  say(isPinned ? "Proxy on core 0, origin and client on core 1" : "Not pinned to cores")
  line("", "measured", "wanted")
  for (const [name, section] of Object.entries(sections))
    if (wanted.length === 0 || wanted.includes(name)) await section()
} finally {
  for (const peer of peers ?? []) await peer.close()
  await gate.close()
  client.close()
  origin.close()
  rmSync(work, { recursive: true, force: true })
}
