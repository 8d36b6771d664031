// Connections to PostgreSQL: what every one of them has in common.
import type { Client, ClientConfig, CustomTypesConfig, types } from "pg"
import { toStoreError } from "./errors.ts"
import type { Server } from "./url.ts"

/** Everything of nanoguard's lies in one schema of the database. */
export const SCHEMA = "nanoguard"

/** Where commits are announced: LISTEN and NOTIFY, without a payload. */
export const CHANNEL = "nanoguard"

/** Advisory locks, as the two numbers that PostgreSQL takes: "nano", and what for. */
export const LOCKS = {
  migration: "1851879023, 1",
  /** Held by a transaction that adds to the log, from its first look at the log's end to COMMIT. */
  log: "1851879023, 2",
} as const

/** That a commit waits for the server's disk, whatever its default is; a stricter one (standbys) stays. */
export const SYNCED =
  "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"

export interface Limits {
  /** Milliseconds until the server gives up a statement; 0 for never. */
  statement?: number
  /** Milliseconds that a statement waits for a lock. */
  lock?: number
  /** Milliseconds until a transaction that asks nothing more, or a client that is silent, is cut off and its locks are free. */
  idle?: number
  /** Whether the server is to refuse every change on this connection. */
  readOnly?: boolean
}

/** One connection of its own: for the writer, and for LISTEN. An idle loss is no error but an "end" event. */
export async function openClient(server: Server, purpose: string, limits?: Limits): Promise<Client> {
  const { default: pg } = await import("pg")
  const client = new pg.Client(clientConfig(server, purpose, limits, pg.types))
  // Without a listener a connection that breaks while nobody asks anything would end the process.
  client.on("error", () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    client.end().catch(() => {})
    throw toStoreError(error, server)
  }
}

/** A parameter as PostgreSQL takes it: its texts hold no U+0000 (the log's bodies have it as an escape); booleans are 0 and 1. */
export function storable(value: string): string
export function storable(value: unknown): unknown
export function storable(value: unknown): unknown {
  if (typeof value === "boolean") return Number(value)
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value
}

/** Timeouts, and only nanoguard's schema to find names in: temporary tables last, so that none stands before the log's. */
export function clientConfig(
  server: Server,
  purpose: string,
  limits: Limits = {},
  parsers: Pick<typeof types, "getTypeParser">,
): ClientConfig {
  const { statement = 120_000, lock = 15_000, idle = 120_000 } = limits
  const settings = {
    search_path: `${SCHEMA},pg_temp`,
    statement_timeout: statement,
    lock_timeout: lock,
    idle_in_transaction_session_timeout: idle,
    tcp_keepalives_idle: Math.ceil(idle / 2000),
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
    tcp_user_timeout: idle,
    client_min_messages: "warning",
    ...(limits.readOnly && { default_transaction_read_only: "on" }),
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  return {
    ...{ host: server.host, port: server.port, database: server.database, user: server.user, ssl: server.ssl },
    ...(server.password !== undefined && { password: server.password }),
    ...{ application_name: `nanoguard ${purpose}`, options: options.join(" "), keepAlive: true },
    connectionTimeoutMillis: server.connectTimeout * 1000,
    // Where the network swallows the answer, somebody has to give up.
    ...(statement > 0 && { query_timeout: statement + 10_000 }),
    types: numbersFor(parsers),
  }
}

const INT8 = 20
const NUMERIC = 1700

/** Sequence numbers, counts and times, and their sums, are far below 2^53: numbers, as SQLite gives them. */
function numbersFor(parsers: Pick<typeof types, "getTypeParser">): CustomTypesConfig {
  const getTypeParser: CustomTypesConfig["getTypeParser"] = (oid, format) =>
    oid === INT8 || oid === NUMERIC ? Number : parsers.getTypeParser(oid, format)
  return { getTypeParser }
}
