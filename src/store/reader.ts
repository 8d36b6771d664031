// Reading the record without any thread or lock of its own: for the commands.
import type { Context } from "../context.ts"
import { storeLocation } from "./location.ts"
import type { Reader } from "./types.ts"

export type { Reader } from "./types.ts"

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
