// Typed queries: Kysely over a pool of connections.
import {
  type DatabaseMetadataOptions,
  Kysely,
  PostgresDialect,
  PostgresIntrospector,
  type PostgresPool,
  type PostgresPoolClient,
} from "kysely"
import type { ClientBase, Pool, PoolClient } from "pg"
import type { Tables } from "../schema.ts"
import { clientConfig, type Limits, SCHEMA, SYNCED, storable } from "./client.ts"
import { known } from "./errors.ts"
import type { Server } from "./url.ts"

/** A pool for typed queries: up to four connections, opened when they are needed; none keeps the process alive. */
export async function openDatabase(server: Server, purpose: string, limits?: Limits): Promise<Kysely<Tables>> {
  const { default: pg } = await import("pg")
  const config = clientConfig(server, purpose, limits, pg.types)
  // A checkpoint is told outside: neither it nor what is under it may be lost.
  const onConnect = async (client: ClientBase) => void (await client.query(SYNCED))
  const pool = new pg.Pool({ ...config, max: 4, idleTimeoutMillis: 30_000, allowExitOnIdle: true, onConnect })
  pool.on("error", () => {})
  return new Kysely<Tables>({ dialect: new SchemaDialect({ pool: withStoreErrors(pool, server) }) })
}

/** Kysely asks which tables there are, for migrations: only nanoguard's count, whatever else is in the database. */
class SchemaDialect extends PostgresDialect {
  override createIntrospector(db: Kysely<unknown>): PostgresIntrospector {
    return new SchemaIntrospector(db)
  }
}

class SchemaIntrospector extends PostgresIntrospector {
  override async getTables(options?: DatabaseMetadataOptions) {
    return (await super.getTables(options)).filter((table) => table.schema === SCHEMA)
  }
}

/** The pool as Kysely sees it: failures of the server or on the way to it are `NanoguardError`s; constraints stay as they are. */
function withStoreErrors(pool: Pool, server: Server): PostgresPool {
  const clients = new WeakMap<object, PostgresPoolClient>()
  const refuse = (error: unknown): never => {
    throw known(error, server)
  }
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect().catch(refuse)
      const adapted = clients.get(client) ?? adaptClient(client, refuse)
      clients.set(client, adapted)
      return adapted
    },
  }
}

function adaptClient(client: PoolClient, refuse: (error: unknown) => never): PostgresPoolClient {
  const query = (sql: string, parameters: readonly unknown[]) =>
    client.query(sql, parameters.map(storable)).catch(refuse)
  const release = (destroy?: boolean) => client.release(destroy)
  return { query, release } as unknown as PostgresPoolClient
}
