// One server of PostgreSQL for a whole run of tests, started when the first test asks for it. Test files run in processes of
// their own: they ask over a socket where it is.
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import type { TestProject } from "vitest/node"
import { type Address, type Cluster, type Database, tryCluster } from "./postgres-cluster.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Port that answers every connection with a `SharedServer` as JSON. */
    postgres: number
  }
}

/** The server, and a database with the store's tables to copy; no address where this machine has no programs. */
export type SharedServer = { address?: Address; template?: Pick<Database, "name" | "owner"> } | { error: string }

export default async function setup(project: TestProject) {
  let cluster: Promise<Cluster | undefined> | undefined
  const start = async (): Promise<SharedServer> => {
    cluster = tryCluster()
    const started = await cluster
    if (started === undefined) return {}
    // Made before anybody has the address: its roles belong to the whole server.
    const { name, owner } = await started.database(true)
    return { address: { port: started.port, socket: started.socket }, template: { name, owner } }
  }
  let answer: Promise<SharedServer> | undefined
  const server = createServer(async (socket) => {
    answer ??= start().catch((error: unknown) => ({ error: String(error) }))
    socket.end(JSON.stringify(await answer))
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  project.provide("postgres", (server.address() as AddressInfo).port)
  return async () => {
    server.close()
    await (await cluster?.catch(() => undefined))?.stop()
  }
}
