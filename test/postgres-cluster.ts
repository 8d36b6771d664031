// Servers of PostgreSQL for tests, and fresh databases in them.
import pg from "pg"
import { migratePostgres } from "../src/store/postgres/migrate.ts"
import { parseServer } from "../src/store/postgres/url.ts"
import { PASSWORD, type PostgresServer, startServer, type Tls } from "./postgres-server.ts"

/** How to reach a server. */
export interface Address {
  port: number
  /** Directory of the Unix socket. */
  socket: string
  /** Only the socket takes connections without TLS. */
  tls?: boolean
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

/** Makes a new database; with the store's tables, roles and rights in it where `migrated`, as `nanoguard store migrate` does. */
export type MakeDatabase = (migrated?: boolean) => Promise<Database>

export interface Cluster extends PostgresServer {
  database: MakeDatabase
}

/** Starts a server in about a second; undefined where this machine has no programs for one. */
export async function tryCluster(tls?: Tls): Promise<Cluster | undefined> {
  const server = await startServer(tls)
  if (server === undefined) return undefined
  return { ...server, database: databaseMaker({ port: server.port, socket: server.socket, tls: tls !== undefined }) }
}

/**
 * Makes databases in a running server, each with an owner who may create roles but is no superuser. `prefix` begins their names
 * where several processes use one server. A migrated one is a copy of `template` or of one that is made when first needed.
 */
export function databaseMaker(
  address: Address,
  prefix = "store",
  template?: Pick<Database, "name" | "owner">,
): MakeDatabase {
  const overSocket = `?host=${encodeURIComponent(address.socket)}`
  const url = (user: string, database: string) =>
    `postgres://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${address.port}/${database}`
  const admin = (sql: string, database: string) =>
    query(`${url("admin", database)}${address.tls ? overSocket : ""}`, sql)
  const password = PASSWORD.replaceAll("'", "''")
  let count = 0
  let migrated = template && Promise.resolve(template)
  const make = async (from?: Pick<Database, "name" | "owner">): Promise<Database> => {
    const name = `${prefix}${++count}`
    const owner = from?.owner ?? `${prefix}_owner${count}`
    if (from === undefined) await admin(`CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD '${password}'`, "postgres")
    await admin(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${from?.name ?? "template1"}`, "postgres")
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
