// Reading the record without any thread or lock of its own: for the commands.
import type { Kysely } from "kysely"
import type { Context } from "../context.ts"
import { storeLocation } from "./location.ts"
import type { Tables } from "./schema.ts"

export interface Reader {
  readonly kind: "sqlite" | "postgres"
  /** Record and derived tables under their own names. Nothing can be written through it. */
  readonly db: Kysely<Tables>
  /** The state directory, where the record is files. */
  readonly directory?: string
  /** For people; without a password. */
  readonly location: string
  /**
   * False where the derived tables stand empty for an index that is not there (and could not be made: derive first).
   * Always true for PostgreSQL.
   */
  readonly indexed: boolean
  /** True where nobody can write here (a read-only file system, a copy as evidence): what is read cannot change meanwhile. */
  readonly immutable: boolean
  close(): Promise<void>
}

/**
 * Opens the record for reading, in this thread. Gateways may write at the same time: each query or transaction sees one state. Throws
 * `NanoguardError`: environment where there is no record, where it is damaged, locked or another user's; configuration for the address.
 */
export async function openReader(ctx: Pick<Context, "env">): Promise<Reader> {
  const location = storeLocation(ctx)
  if (location.kind === "sqlite") {
    const { openFilesForReading } = await import("./sqlite/reader.ts")
    return openFilesForReading(location.directory)
  }
  const { openPostgresReader } = await import("./postgres/reader.ts")
  return openPostgresReader(location.url)
}
