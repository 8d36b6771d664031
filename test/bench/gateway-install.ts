// Installs of a real tree with real npm: straight from an upstream on loopback, through the gate, and through Verdaccio.
import { createNpm, type Way } from "./gateway-npm.ts"
import { type Server, startGate, startUpstream, startVerdaccio } from "./gateway-servers.ts"

/** One install. Seconds; `gate` is processor time of the server in the middle. */
export interface Install {
  wall: number
  npm: number
  gate: number
}

export type Installs = Map<string, Install[]>

/** What is added to every answer of the upstream, in milliseconds, for the last pair. */
const SLOW = 20

/** Runs all arms in turn, `rounds` times after one that fills the upstream; tells of each as it ends. */
export async function measureInstalls(
  work: string,
  ways: readonly Way[],
  rounds: number,
  onRun: (line: string) => void,
): Promise<Installs> {
  const upstream = await startUpstream()
  const npm = createNpm(work)
  const results: Installs = new Map()
  const note = async (arm: string, way: Way, server: Server, round: number) => {
    const before = await server.usage()
    const run = await npm.install(server.origin, way)
    const install = { ...run, gate: server === upstream ? 0 : (await server.usage()).cpu - before.cpu }
    onRun(
      `${round} ${arm}, npm ${way}: ${install.wall.toFixed(2)} s, npm ${run.npm.toFixed(2)} s, gate ${install.gate.toFixed(2)} s of processor time`,
    )
    if (round > 0) results.set(`${way} ${arm}`, [...(results.get(`${way} ${arm}`) ?? []), install])
  }
  const fresh = async (start: typeof startGate, name: string, way: Way, round: number, slow: boolean) => {
    const server = await start(upstream, work)
    try {
      await note(`${name} cold`, way, server, round)
      if (round === 0) return
      await note(`${name} warm`, way, server, round)
      if (!slow) return
      upstream.send({ delay: SLOW })
      await note(`${name} warm, slow upstream`, way, server, round)
      await note("direct, slow upstream", way, upstream, round)
    } finally {
      upstream.send({ delay: 0 })
      await server.close()
    }
  }
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const way of ways) {
        await note("direct", way, upstream, round)
        await fresh(startGate, "gate", way, round, true)
        if (round > 0) await fresh(startVerdaccio, "verdaccio", way, round, false)
      }
    }
  } finally {
    await upstream.close()
  }
  return results
}
