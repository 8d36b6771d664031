// `nanoguard audit inventory [agents|items]`: the System of Record.

import { emptyRecord, openDerived } from "../audit/derive/open-derived.ts"
import { readInventory } from "../audit/inventory/index.ts"
import { readQuestion } from "../audit/inventory/touched.ts"
import type { Inventory } from "../audit/inventory/types.ts"
import { readTime } from "../audit/read/time.ts"
import type { Item } from "../audit/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import type { AdvisoryIndex } from "../packages/advisories/types.ts"
import type { View } from "../render/audit-inventory.ts"
import { cleanText, safeJson } from "../render/clean.ts"
import { loadStyle } from "../render/style.ts"
import { VERSION } from "../version.ts"
import { tellBehind } from "./behind.ts"

export interface InventoryOptions {
  agent?: string
  kind?: Item["kind"]
  touched?: string
  asOf?: string
  refused?: boolean
  format?: "text" | "json" | "csv" | "cyclonedx"
  verbose?: boolean
  color?: boolean
}

/** Rows of a table for people, without and with --verbose. */
const LIMITS = { short: 20, long: 10_000 }

/**
 * Answers who runs, what each consumed and by whose approval, from the record. Exit: ok, also where nothing matches; nothingChecked
 * where the record is empty; environment where there is none, or where the local advisories were needed and cannot be searched.
 */
export async function auditInventory(
  ctx: Context,
  view: View,
  options: InventoryOptions = {},
): Promise<{ report: Inventory; exit: ExitCode }> {
  const { agent, kind, touched, refused = false, format = "text" } = options
  const asOf = options.asOf === undefined ? undefined : readTime(options.asOf, ctx.now(), "--as-of", true)
  if (format === "cyclonedx" && refused) {
    throw new NanoguardError("--format cyclonedx lists what was consumed, and --refused what was not", {
      exit: EXIT.usage,
      hint: "use --format json or csv with --refused",
    })
  }
  const reader = await openDerived(ctx)
  const advisories = await openLocalAdvisories(ctx, touched)
  try {
    if (reader.size === 0) throw emptyRecord()
    const report = await readInventory(reader.db, { agent, kind, touched, asOf, refused }, ctx.now(), advisories)
    ctx.stdout.write(await render(ctx, report, view, options))
    tellBehind(ctx, reader)
    const unsearched = report.touched?.index?.searched === false
    return { report, exit: unsearched ? EXIT.environment : EXIT.ok }
  } finally {
    if ("close" in advisories) advisories.close()
    await reader.close()
  }
}

/** The local advisories, where the question is about one; else, or where they cannot be opened, why not. */
async function openLocalAdvisories(ctx: Context, touched?: string): Promise<AdvisoryIndex | { reason: string }> {
  if (touched === undefined || readQuestion(touched).by !== "advisory") return { reason: "not asked for" }
  const { openDefaultAdvisories } = await import("../packages/advisories/index.ts")
  try {
    return openDefaultAdvisories(ctx)
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    return { reason: error.hint === undefined ? error.message : `${error.message}: ${error.hint}` }
  }
}

async function render(ctx: Context, report: Inventory, view: View, options: InventoryOptions): Promise<string> {
  switch (options.format ?? "text") {
    case "json":
      return safeJson(report)
    case "csv": {
      const { renderInventoryCsv } = await import("../render/audit-inventory-csv.ts")
      return renderInventoryCsv(report, view === "agents" ? "agents" : "items")
    }
    case "cyclonedx": {
      const { renderInventoryCyclonedx } = await import("../render/audit-inventory-cyclonedx.ts")
      return renderInventoryCyclonedx(report, onlyAgent(report), VERSION)
    }
    case "text": {
      const { renderInventory } = await import("../render/audit-inventory.ts")
      const style = await loadStyle(ctx.stdout, ctx.env, options.color)
      const limit = options.verbose ? LIMITS.long : LIMITS.short
      const asked = { asOf: options.asOf !== undefined, agent: options.agent !== undefined }
      return renderInventory(report, view, { style, limit, columns: ctx.stdout.columns ?? 80 }, asked)
    }
  }
}

/** A bill of materials is of one agent. */
function onlyAgent({ agents }: Inventory) {
  const [first, second] = agents
  if (first !== undefined && second === undefined) return first
  const names = agents.slice(0, 5).map(({ agent }) => cleanText(agent || "-", 60))
  throw new NanoguardError(
    first === undefined
      ? "no agent is on record like that"
      : `a bill of materials is of one agent, and there are ${agents.length}`,
    {
      exit: EXIT.usage,
      hint:
        first === undefined ? "see `nanoguard audit inventory agents`" : `name one with --agent: ${names.join(", ")}`,
    },
  )
}
