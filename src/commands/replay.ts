// `nanoguard policy replay`: what another policy would have said to what was already decided.
import { emptyRecord, openDerived } from "../audit/derive/open-derived.ts"
import { countArchivedDecisions, readRecords, type StoredRecord } from "../audit/read/query.ts"
import { type RecordOptions, readFilter } from "../audit/read/record-options.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode } from "../errors.ts"
import { type PastDecision, type ReplayReport, startReplay } from "../policy/replay.ts"
import type { Effect } from "../policy/types.ts"
import { type RecordReplay, renderReplay } from "../render/replay.ts"
import { loadStyle } from "../render/style.ts"
import { findPolicy } from "../vet/policy.ts"
import { tellBehind } from "./behind.ts"

export interface ReplayOptions extends Pick<RecordOptions, "since" | "until" | "agent" | "run" | "kind"> {
  /** Policy file; the one that is found here or above where absent. */
  policy?: string
  /** Which changes end with exit code 1. */
  failOn?: "looser" | "stricter" | "any"
  format?: "text" | "json"
  color?: boolean
}

/** What sealing left in place of a secret or of a text's end: a rule about that part would decide on something else. */
const REPLACED = /secret:[\w-]{43}|\[cut: \d+ characters, /

const STRICTNESS: Record<Effect, number> = { allow: 0, ask: 1, deny: 2 }

/**
 * Decides the recorded decisions again, each at its own time and on the evidence of that time, and lists what would change. Exit: ok;
 * findings where `failOn` says so; nothingChecked where no decision is on record; configuration for the policy; environment for the store.
 */
export async function policyReplay(
  ctx: Context,
  options: ReplayOptions,
): Promise<{ report: RecordReplay; exit: ExitCode }> {
  const filter = readFilter(ctx, options)
  const { policy } = await findPolicy(ctx, { file: options.policy })
  const reader = await openDerived(ctx)
  try {
    if (reader.size === 0) throw emptyRecord()
    const replay = startReplay(policy)
    for await (const stored of readRecords(reader.db, filter)) {
      const past = pastDecision(stored)
      if (past !== undefined) replay.add(past)
    }
    const report = { ...replay.finish(), archived: await countArchivedDecisions(reader.db, filter) }
    const style = await loadStyle(ctx.stdout, ctx.env, options.color)
    ctx.stdout.write(renderReplay(report, options.format ?? "text", style, ctx.stdout.columns))
    tellBehind(ctx, reader)
    return { report, exit: exitOf(report, options.failOn) }
  } finally {
    await reader.close()
  }
}

/** A record that is a decision; undefined for what only followed from one, and for what cannot be read. */
function pastDecision({ seq, body, record }: StoredRecord): PastDecision | undefined {
  if (!record?.type.endsWith(".decided") || !record.action || !record.evidence || !record.verdict) return undefined
  const { agent, action, evidence, verdict } = record
  return { seq, agent, action, evidence, verdict, partial: REPLACED.test(body) }
}

function exitOf({ decisions, failed, transitions }: ReplayReport, failOn: ReplayOptions["failOn"]): ExitCode {
  if (decisions === 0 && failed.count === 0) return EXIT.nothingChecked
  const failing = transitions.some(({ from, to }) => {
    if (failOn === undefined) return false
    if (failOn === "any") return true
    return failOn === "looser" ? STRICTNESS[to] < STRICTNESS[from] : STRICTNESS[to] > STRICTNESS[from]
  })
  return failing ? EXIT.findings : EXIT.ok
}
