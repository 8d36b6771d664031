// `nanoguard store migrate`, `store status` and `store derive`.
import { resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { type DeriveReport, renderDerive, renderMigrate, renderStoreStatus } from "../render/store.ts"
import { prepareStore } from "../store/prepare.ts"
import { readStoreStatus } from "../store/status.ts"

export interface StoreCommandOptions {
  format?: "text" | "json"
}

/**
 * Creates or upgrades the record's tables, and in PostgreSQL schema, roles and rights (as the owner of the database). Options:
 * `--format text|json`. Exit: ok, also where there was nothing to do; configuration for the address, environment for the rest.
 */
export async function storeMigrate(ctx: Context, options: StoreCommandOptions = {}): Promise<{ exit: ExitCode }> {
  const report = { schema: "nanoguard.store-migrate/1" as const, ...(await prepareStore(ctx)) }
  ctx.stdout.write(renderMigrate(report, options.format ?? "text"))
  return { exit: EXIT.ok }
}

/**
 * Says which store is in use, how many records it has, how far index, checkpoints and outside places have come, and what weakens
 * it. Options: `--format text|json`. Exit: ok; environment where there is no store, configuration for the address.
 */
export async function storeStatus(ctx: Context, options: StoreCommandOptions = {}): Promise<{ exit: ExitCode }> {
  const report = { schema: "nanoguard.store-status/1" as const, ...(await readStoreStatus(ctx)) }
  ctx.stdout.write(renderStoreStatus(report, options.format ?? "text", ctx.now()))
  return { exit: EXIT.ok }
}

/**
 * Brings the index up to the end of the log, building it anew where it is missing or damaged; `archive` is the directory of archived
 * records, which that takes. Exit: ok; environment where there is no store or the index cannot be written.
 */
export async function storeDerive(
  ctx: Context,
  options: StoreCommandOptions & { archive?: string } = {},
): Promise<{ exit: ExitCode }> {
  const { openDerived } = await import("../audit/derive/open-derived.ts")
  const archive = options.archive === undefined ? {} : { archive: resolve(ctx.cwd, options.archive) }
  const reader = await openDerived(ctx, archive)
  const { kind, location, size, behind, failure } = reader
  await reader.close()
  if (failure !== undefined) throw failure
  const report: DeriveReport = {
    schema: "nanoguard.store-derive/1",
    kind,
    location,
    records: size,
    derived: size - behind,
  }
  ctx.stdout.write(renderDerive(report, options.format ?? "text"))
  return { exit: EXIT.ok }
}
