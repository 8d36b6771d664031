// `nanoguard policy suggest`: the rules that would have allowed what a run asked for.
import { emptyRecord, openDerived } from "../audit/derive/open-derived.ts"
import { readRecords, type StoredRecord } from "../audit/read/query.ts"
import { type RecordOptions, readFilter } from "../audit/read/record-options.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { type Suggestions, type SuggestReport, startSuggestions } from "../policy/suggest.ts"
import { renderSuggestions } from "../render/suggest.ts"
import { findPolicy } from "../vet/policy.ts"
import { tellBehind } from "./behind.ts"

export interface SuggestOptions extends Pick<RecordOptions, "since" | "until" | "agent" | "run"> {
  /** Policy file; the one that is found here or above where absent. */
  policy?: string
  format?: "text" | "json"
}

/** A request that was held comes a second time as released, so that `network.held` is left out. */
const DECISIONS: readonly string[] = ["network.decided", "network.released"]

/** What sealing left in place of a secret or of a text's end: no rule can be made of it. */
const REPLACED = /secret:[\w-]{43}|\[cut: \d+ characters, /

/**
 * Reads the recorded requests, decides them by the policy as it is, and prints rules for those that no rule names. Exit: ok;
 * nothingChecked where no request is on record; usage for a time; configuration for the policy; environment for the store.
 */
export async function policySuggest(
  ctx: Context,
  options: SuggestOptions,
): Promise<{ report: SuggestReport; exit: ExitCode }> {
  const filter = readFilter(ctx, { ...options, kind: "network" })
  const { policy } = await findPolicy(ctx, { file: options.policy })
  const reader = await openDerived(ctx)
  try {
    if (reader.size === 0) throw emptyRecord()
    const suggestions = startSuggestions(policy)
    for await (const stored of readRecords(reader.db, filter)) addRecord(suggestions, stored)
    const report = suggestions.finish()
    ctx.stdout.write(renderSuggestions(report, options.format ?? "text"))
    tellBehind(ctx, reader)
    return { report, exit: report.requests === 0 ? EXIT.nothingChecked : EXIT.ok }
  } finally {
    await reader.close()
  }
}

/** A decision counts once, and again for each request that was recorded as its like. */
function addRecord(suggestions: Suggestions, { seq, body, record }: StoredRecord): void {
  if (record?.type === "network.repeated") {
    for (const [of, times] of repeatsIn(record.detail)) suggestions.repeat(of, times)
    return
  }
  if (!record || !DECISIONS.includes(record.type) || !record.action || !record.evidence || !record.verdict) return
  const { action, evidence, verdict } = record
  suggestions.add({ seq, action, evidence, verdict, partial: REPLACED.test(body) })
}

/** `of: ["<seq> x<count>"]` of a record that stands for several. */
function repeatsIn(detail: unknown): [number, number][] {
  const of = (detail as { of?: unknown } | undefined)?.of
  return (Array.isArray(of) ? of : []).flatMap((text): [number, number][] => {
    const [, seq, times] = /^(\d{1,15}) x(\d{1,9})$/.exec(String(text)) ?? []
    return seq === undefined ? [] : [[Number(seq), Number(times)]]
  })
}
