// For commands that ask the index: the record opened for reading, its derived tables brought up to date first.
import type { Kysely } from "kysely"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { storeLocation } from "../../store/location.ts"
import { openReader, type Reader } from "../../store/reader.ts"
import type { Tables } from "../../store/schema.ts"
import { type Derivation, deriveAll, LogMismatch, lastSeq, readPosition } from "./derive.ts"

export interface DerivedReader extends Reader {
  /** Records of the log; 0 where it is empty. */
  readonly size: number
  /** The newest records that the index does not contain; 0 where it has all. */
  readonly behind: number
  /** Why it does not, where it does not: this user may only read, or old records lie in an archive. */
  readonly failure?: NanoguardError
}

export interface DeriveOptions {
  /** Directory with the archived records, for an index that has to be built anew. */
  archive?: string
}

/**
 * Opens the record like `openReader`, and derives what is not yet derived, in this thread. Who may only read gets the index as it
 * stands, and `behind` says what is missing. Throws `LogMismatch` where the index knows records that the log no longer has;
 * environment where there is no record, or no index at all and none can be made.
 */
export async function openDerived(ctx: Pick<Context, "env">, options: DeriveOptions = {}): Promise<DerivedReader> {
  let reader = await openReader(ctx)
  try {
    const size = await lastSeq(reader.db)
    const failure = await bringUp(ctx, reader, options)
    // An index that was not there when the files were opened is seen only by who opens them again.
    if (!reader.indexed && failure === undefined && size > 0) {
      await reader.close()
      reader = await openReader(ctx)
    }
    const position = await readPosition(reader.db)
    // An answer from nothing would read as "nobody has it".
    if (size > 0 && (!reader.indexed || position === 0)) throw failure ?? missingIndex(reader)
    const behind = Math.max(0, size - position)
    return { ...reader, size, behind, ...(behind > 0 && failure && { failure }) }
  } catch (error) {
    await reader.close()
    throw error
  }
}

/** Derives; resolves with what was in the way of it, where that is this user's rights or the file system. */
async function bringUp(
  ctx: Pick<Context, "env">,
  reader: Reader,
  { archive }: DeriveOptions,
): Promise<NanoguardError | undefined> {
  const { kind, db } = reader
  const size = await lastSeq(db)
  if ((await readPosition(db)) >= size) {
    await deriveAll({ engine: kind, source: db, index: db })
    return undefined
  }
  if (reader.immutable) return missingIndex(reader)
  try {
    const archived =
      archive === undefined ? {} : { archived: (await import("./derive-archive.ts")).readArchive(archive) }
    await (reader.directory === undefined
      ? deriveInPostgres(ctx, archived)
      : deriveInFiles(reader.directory, db, archived))
    return undefined
  } catch (error) {
    if (error instanceof LogMismatch) throw error
    if (error instanceof NanoguardError && error.exit === EXIT.environment) return error
    throw error
  }
}

type Archived = Pick<Derivation, "archived">

async function deriveInFiles(directory: string, db: Kysely<Tables>, archived: Archived): Promise<void> {
  const [{ openIndex }, { settleRecord }] = await Promise.all([
    import("../../store/sqlite/index-file.ts"),
    import("../../store/sqlite/database.ts"),
  ])
  const setting = await db.selectFrom("settings").select("value").where("name", "=", "origin").executeTakeFirst()
  const index = await openIndex(directory, setting?.value ?? "")
  try {
    await deriveAll({
      engine: "sqlite",
      source: db,
      index: index.db,
      settle: () => settleRecord(directory),
      ...archived,
    })
  } finally {
    index.close()
  }
}

async function deriveInPostgres(ctx: Pick<Context, "env">, archived: Archived): Promise<void> {
  const location = storeLocation(ctx)
  if (location.kind !== "postgres") return
  const { openPostgresIndex } = await import("../../store/postgres/index-tables.ts")
  const index = await openPostgresIndex(location.url)
  try {
    if (index.mayDerive) await deriveAll({ engine: "postgres", source: index.db, index: index.db, ...archived })
  } finally {
    await index.close()
  }
}

function missingIndex({ location }: Reader): NanoguardError {
  return new NanoguardError("the record has no index, and none can be made here", {
    exit: EXIT.environment,
    hint: "run this as the user who runs the gateway, or on a copy of the whole directory that can be written",
    where: { file: location },
  })
}

/** The error of a command that has nothing to show yet. */
export function emptyRecord(): NanoguardError {
  return new NanoguardError("the record is empty", {
    exit: EXIT.nothingChecked,
    hint: "gateways and runs write to it: what agents asked for, what was decided, and what became of it",
  })
}
