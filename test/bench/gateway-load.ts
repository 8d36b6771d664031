// The gate under requests alone, without a package manager's own work: an install's downloads, latency, listings, memory.
import { askAll, createClient, openLoop, percentile } from "./gateway-client.ts"
import { type Server, startGate, startUpstream, startVerdaccio } from "./gateway-servers.ts"

const ABBREVIATED = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"
/** Sockets of npm to one host. */
const SOCKETS = 15

export interface Row {
  name: string
  cells: readonly (number | string)[]
}

/** One of each server, over the same upstream, closed at the end. */
async function withServers<T>(
  work: string,
  names: readonly ("gate" | "verdaccio")[],
  run: (servers: Map<string, Server>) => Promise<T>,
): Promise<T> {
  const upstream = await startUpstream()
  const servers = new Map([["direct", upstream]])
  try {
    for (const name of names) servers.set(name, await (name === "gate" ? startGate : startVerdaccio)(upstream, work))
    return await run(servers)
  } finally {
    for (const server of [...servers.values()].reverse()) await server.close()
  }
}

const cpuOf = async (server: Server, run: () => Promise<number>): Promise<[number, number]> => {
  const before = (await server.usage()).cpu
  const ms = await run()
  return [ms, ((await server.usage()).cpu - before) * 1000]
}

/** The archives of the tree, `SOCKETS` at a time: through a gate that has nothing yet, then again. */
export function measureArchives(work: string, archives: readonly string[], rounds: number): Promise<Row[]> {
  const client = createClient(SOCKETS)
  const sum = new Map<string, [number, number][]>()
  const note = async (name: string, server: Server) => {
    const urls = archives.map((path) => server.origin + path)
    const figures = await cpuOf(server, () => askAll(client.ask, urls, SOCKETS))
    sum.set(name, [...(sum.get(name) ?? []), figures])
  }
  return withServers(work, [], async (servers) => {
    const upstream = servers.get("direct")!
    await note("warm-up", upstream)
    for (let round = 0; round < rounds; round++) {
      await note("direct", upstream)
      for (const [name, start] of [
        ["gate", startGate],
        ["verdaccio", startVerdaccio],
      ] as const) {
        const server = await start(upstream, work)
        try {
          await note(`${name} cold`, server)
          await note(`${name} warm`, server)
        } finally {
          await server.close()
        }
      }
    }
    client.close()
    sum.delete("warm-up")
    return [...sum].map(([name, runs]) => ({
      name,
      cells: [
        percentile(
          runs.map(([ms]) => ms),
          0.5,
        ),
        Math.min(...runs.map(([ms]) => ms)),
        percentile(
          runs.map(([, cpu]) => cpu),
          0.5,
        ),
      ],
    }))
  })
}

const SHARES = [0.5, 0.99]

/** Open loop over the archives of the tree, in turns of a second; p50 and p99 of the turn in the middle and of the best one, milliseconds. */
export function measureLatency(work: string, archives: readonly string[], rate: number, turns: number): Promise<Row[]> {
  return withServers(work, ["gate"], async (servers) => {
    const client = createClient(200)
    const shares = new Map<string, number[][]>()
    const cpu = new Map<string, number[]>()
    for (let turn = -1; turn < turns; turn++) {
      for (const [name, server] of servers) {
        const urls = archives.map((path) => server.origin + path)
        if (turn < 0) {
          for (let warm = 0; warm < 3; warm++) await askAll(client.ask, urls, SOCKETS)
          continue
        }
        const start = (turn * rate) % urls.length
        const before = (await server.usage()).cpu
        const found = await openLoop(client.ask, [...urls.slice(start), ...urls.slice(0, start)], rate, 1000)
        const used = (((await server.usage()).cpu - before) * 1000) / found.length
        cpu.set(name, [...(cpu.get(name) ?? []), used])
        shares.set(name, [...(shares.get(name) ?? []), SHARES.map((share) => percentile(found, share))])
      }
    }
    client.close()
    const of = (turns: readonly number[][], n: number, share: number) =>
      percentile(
        turns.map((turn) => turn[n]!),
        share,
      )
    return [...shares].map(([name, all]) => ({
      name,
      cells: [...SHARES.flatMap((_, n) => [of(all, n, 0.5), of(all, n, 0)]), percentile(cpu.get(name)!, 0.5)],
    }))
  })
}

/** Closed loop over one real listing, in turns; answers a second. */
export function measureListings(work: string, name: string, turns: number): Promise<Row[]> {
  return withServers(work, ["gate", "verdaccio"], async (servers) => {
    const client = createClient(SOCKETS)
    const rates = new Map<string, number[]>()
    const cpu = new Map<string, number[]>()
    for (let turn = -1; turn < turns; turn++) {
      for (const [of, server] of servers) {
        // A slow one must not hold up the bench, a fast one has to be measured over some time.
        const count = turn < 0 ? 20 : Math.ceil(rates.get(of)?.[0] ?? 20)
        const urls = Array.from({ length: count }, () => `${server.origin}/${name}`)
        const [ms, used] = await cpuOf(server, () => askAll(client.ask, urls, SOCKETS, ABBREVIATED))
        rates.set(of, [...(rates.get(of) ?? []), (count * 1000) / ms])
        cpu.set(of, [...(cpu.get(of) ?? []), used / count])
      }
    }
    client.close()
    return [...rates].map(([of, all]) => ({
      name: of,
      cells: [percentile(all.slice(1), 0.5), Math.max(...all.slice(1)), percentile(cpu.get(of)!.slice(1), 0.5)],
    }))
  })
}

/** Requests mixed over many packages, half for listings; resident MiB in the first and the last tenth. */
export function measureMemory(work: string, packages: number, requests: number): Promise<Row[]> {
  return withServers(work, ["gate"], async (servers) => {
    const client = createClient(SOCKETS)
    const gate = servers.get("gate")!
    const rows: Row[] = []
    const begun = performance.now()
    let state = 1
    for (let tenth = 0; tenth < 10; tenth++) {
      const urls = Array.from({ length: requests / 10 }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31
        const name = `synthetic-${state % packages}`
        return (state >> 16) % 2 === 0
          ? `${gate.origin}/${name}`
          : `${gate.origin}/${name}/-/${name}-1.${(state >> 8) % 10}.0.tgz`
      })
      let most = 0
      for (let at = 0; at < urls.length; at += 1000) {
        await askAll(client.ask, urls.slice(at, at + 1000), SOCKETS, ABBREVIATED)
        most = Math.max(most, (await gate.usage()).rss)
      }
      rows.push({
        name: `tenth ${tenth + 1}`,
        cells: [most, (await gate.usage()).cpu, (performance.now() - begun) / 1000],
      })
    }
    client.close()
    return rows
  })
}
