// `nanoguard store migrate` and `nanoguard store status`.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { renderMigrate, renderStoreStatus } from "../render/store.ts"
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
