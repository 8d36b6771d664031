// What a person wants to know of the server behind the record: whose rights these are, how large it is, what weakens it.
import type { Client } from "pg"
import { openClient } from "./client.ts"
import { toStoreError } from "./errors.ts"
import { ROLES } from "./roles.ts"
import { isLoopback, parseServer, type Server } from "./url.ts"

export interface ServerFacts {
  /** Bytes of nanoguard's tables with their indexes. */
  bytes: number
  /** The strongest of its roles that this login has. */
  role: "owner" | "writer" | "eraser" | "reader"
  /** Sentences: what is weaker than it should be. */
  warnings: string[]
}

interface Row {
  bytes: number
  owner: boolean
  groups: string[]
  settings: Record<string, string>
  encrypted: boolean
}

const FACTS = `select
  (select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
    where relnamespace = 'nanoguard'::regnamespace and relkind = 'r') as bytes,
  (select pg_has_role(nspowner, 'MEMBER') from pg_namespace where nspname = 'nanoguard') as owner,
  (select coalesce(array_agg(rolname::text), '{}') from pg_roles
    where rolname = any($1) and pg_has_role(oid, 'USAGE')) as groups,
  (select json_object_agg(name, setting) from pg_settings where name in ('fsync', 'full_page_writes')) as settings,
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted`

/** Asks the server over one connection. Errors: configuration (address), environment. */
export async function readServerFacts(url: string): Promise<ServerFacts> {
  const server = parseServer(url)
  const client = await openClient(server, "status", { readOnly: true })
  try {
    const { rows } = await client.query<Row>(FACTS, [ROLES])
    const row = rows[0]!
    return { bytes: row.bytes, role: roleOf(row), warnings: warningsOf(row, server) }
  } catch (error) {
    throw toStoreError(error, server)
  } finally {
    await endQuietly(client)
  }
}

async function endQuietly(client: Client): Promise<void> {
  await client.end().catch(() => {})
}

function roleOf({ owner, groups }: Row): ServerFacts["role"] {
  if (owner) return "owner"
  if (groups.includes("nanoguard_eraser")) return "eraser"
  return groups.includes("nanoguard_writer") ? "writer" : "reader"
}

function warningsOf({ owner, settings, encrypted }: Row, server: Server): string[] {
  const warnings: string[] = []
  if (owner) {
    warnings.push(
      "this login owns the record and could turn its guards off: let gateways log in as members of nanoguard_writer",
    )
  }
  for (const name of ["fsync", "full_page_writes"]) {
    if (settings[name] !== "off") continue
    warnings.push(`the server runs with ${name}=off: a power cut can lose or damage what was acknowledged`)
  }
  if (!encrypted && !isLoopback(server.host)) {
    warnings.push("the connection is not encrypted (sslmode=disable): the network can read and change what is recorded")
  }
  return warnings
}
