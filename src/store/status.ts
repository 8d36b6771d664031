// Where the record stands: what is in it, how far what is derived and published has come, what weakens it.
import { statSync } from "node:fs"
import { join } from "node:path"
import type { Kysely } from "kysely"
import { anchorNames } from "../audit/anchors/index.ts"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"
import { listFileWarnings } from "./file-warnings.ts"
import { type StoreLocation, storeLocation } from "./location.ts"
import { openReader, type Reader } from "./reader.ts"
import type { PublicationsTable, Tables } from "./schema.ts"
import { RECORD_VERSION } from "./versions.ts"

export interface StoreStatus {
  kind: "sqlite" | "postgres"
  /** A directory, or an address without its password. */
  location: string
  /** Name of the log, as checkpoints and outside places have it. */
  origin: string
  /** Version of the schema. */
  version: number
  /** Records that the log has ever had; the first `archived` of them lie in an archive. */
  records: number
  archived: number
  /** The last record that index and tree contain. */
  derived: number
  /** The newest signed tree head; time in milliseconds since the epoch. */
  checkpoint: { size: number; time: number } | null
  /** The outside places that NANOGUARD_ANCHORS names here. */
  anchors: string[]
  /** The newest checkpoint that each outside place has confirmed. */
  publications: PublicationsTable[]
  /** On disk, with indexes and write-ahead logs. */
  bytes: number
  /** PostgreSQL: the strongest role of this login. */
  role?: "owner" | "writer" | "eraser" | "reader"
  /** Sentences. */
  warnings: string[]
}

/** Reads the status of the store that the environment names. Errors: environment where there is none, configuration (address). */
export async function readStoreStatus(ctx: Pick<Context, "env">): Promise<StoreStatus> {
  const location = storeLocation(ctx)
  const reader = await openReader(ctx)
  try {
    const { warnings, ...facts } = await readFacts(location)
    const log = await readLog(reader)
    const { kind } = reader
    const files = listFileWarnings(reader.directory ?? stateHome(ctx))
    return {
      ...{ kind, location: reader.location, version: RECORD_VERSION, anchors: anchorNames(ctx) },
      ...{ ...log, ...facts, warnings: [...warnings, ...files] },
    }
  } finally {
    await reader.close()
  }
}

async function readFacts(location: StoreLocation): Promise<Pick<StoreStatus, "bytes" | "role" | "warnings">> {
  if (location.kind === "sqlite") return { bytes: sizeOfFiles(location.directory), warnings: [] }
  const { readServerFacts } = await import("./postgres/status.ts")
  return readServerFacts(location.url)
}

function sizeOfFiles(directory: string): number {
  const names = ["record.db", "index.db"].flatMap((name) => [name, `${name}-wal`])
  const sizes = names.map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
  return sizes.reduce((sum, size) => sum + size, 0)
}

type Log = Pick<StoreStatus, "origin" | "records" | "archived" | "derived" | "checkpoint" | "publications">

/** One state of the log: what is read later may not be newer than the numbers that it is held against. */
function readLog({ kind, db }: Reader): Promise<Log> {
  const transaction = db.transaction()
  return (kind === "postgres" ? transaction.setIsolationLevel("repeatable read") : transaction).execute(async (db) => {
    const settings = await readNames(db, "settings")
    const derived = await readNames(db, "derived")
    const last = await db.selectFrom("events").select("seq").orderBy("seq", "desc").limit(1).executeTakeFirst()
    const checkpoint = await db
      .selectFrom("checkpoints")
      .select(["size", "time"])
      .orderBy("size", "desc")
      .limit(1)
      .executeTakeFirst()
    const archived = Number(settings.get("archived") ?? 0)
    return {
      origin: settings.get("origin") ?? "",
      records: last?.seq ?? archived,
      archived,
      derived: Number(derived.get("seq") ?? 0),
      checkpoint: checkpoint ?? null,
      publications: await readPublications(db),
    }
  })
}

async function readNames(db: Kysely<Tables>, table: "settings" | "derived"): Promise<Map<string, string>> {
  const rows = await db.selectFrom(table).selectAll().execute()
  return new Map(rows.map(({ name, value }) => [name, value]))
}

function readPublications(db: Kysely<Tables>): Promise<PublicationsTable[]> {
  return db
    .selectFrom("publications as newest")
    .selectAll()
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("publications as later")
            .select("later.size")
            .whereRef("later.anchor", "=", "newest.anchor")
            .whereRef("later.size", ">", "newest.size"),
        ),
      ),
    )
    .orderBy("anchor")
    .execute()
}
