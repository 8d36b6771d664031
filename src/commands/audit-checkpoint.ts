// `nanoguard audit checkpoint [--publish]`: sign the tree as it stands now, and bring it where this host cannot rewrite it.
import { setTimeout } from "node:timers/promises"
import { anchorsOf } from "../audit/anchors/index.ts"
import { newestCheckpoint } from "../audit/checkpoints/checkpoint.ts"
import { loadLogKey } from "../audit/checkpoints/keys.ts"
import { formatVerifier } from "../audit/checkpoints/note.ts"
import { lastSeq } from "../audit/derive/derive-log.ts"
import { emptyRecord } from "../audit/derive/open-derived.ts"
import { readRecords } from "../audit/read/query.ts"
import type { Anchor } from "../audit/types.ts"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { type CheckpointReport, renderCheckpoint } from "../render/audit-checkpoint.ts"
import { openReader, openStore } from "../store/open.ts"
import type { Store } from "../store/types.ts"

export interface CheckpointOptions {
  publish?: boolean
  format?: "text" | "json"
}

/** Who writes what the log says about itself meanwhile. */
const GATEWAY = "audit-checkpoint"

/**
 * Signs a checkpoint over all that is in the log; with `publish` brings it to each place of NANOGUARD_ANCHORS, without to none. Exit: ok;
 * findings where the log and a checkpoint of it contradict each other; nothingChecked where the record is empty; configuration where
 * there is no place to publish to; environment where there is no record, or a place did not confirm.
 */
export async function auditCheckpoint(
  ctx: Context,
  options: CheckpointOptions = {},
): Promise<{ report: CheckpointReport; exit: ExitCode }> {
  const anchors = options.publish ? anchorsOf(ctx) : []
  if (options.publish && anchors.length === 0) {
    throw new NanoguardError("there is no place to publish to", {
      exit: EXIT.configuration,
      hint: "set NANOGUARD_ANCHORS, such as dir:/mnt/witness or git:/srv/anchors.git, several separated by commas",
    })
  }
  await requireRecord(ctx)
  const env = options.publish ? ctx.env : { ...ctx.env, NANOGUARD_ANCHORS: undefined }
  const store = await openStore({ ...ctx, env }, { gateway: GATEWAY })
  try {
    const before = await lastSeq(store.db)
    await store.checkpoint()
    const checkpoint = await newestCheckpoint(store.db)
    if (checkpoint === undefined) throw emptyRecord()
    const { origin, size, root, note, time } = checkpoint
    const key = loadLogKey(stateHome(ctx), origin)
    const report: CheckpointReport = {
      schema: "nanoguard.audit-checkpoint/1",
      ...{ origin, size, root: Buffer.from(root).toString("base64"), time: new Date(time).toISOString(), note },
      key: key === undefined ? null : formatVerifier(key),
      places: await describePlaces(store, anchors, size, before),
    }
    ctx.stdout.write(renderCheckpoint(report, options.format ?? "text", options.publish === true))
    return { report, exit: exitOf(report) }
  } finally {
    await store.close()
  }
}

/** Opening to write would make a record where there is none. */
async function requireRecord(ctx: Context): Promise<void> {
  const reader = await openReader(ctx)
  try {
    if ((await lastSeq(reader.db)) === 0) throw emptyRecord()
  } finally {
    await reader.close()
  }
}

/** Milliseconds that the log has to hear why a place did not confirm: it does a moment after the place was given up. */
const HEARSAY = 3000

/** Which places confirmed a checkpoint of this size; of the others, what the log heard since it had `before` records. */
async function describePlaces({ db }: Store, anchors: readonly Anchor[], size: number, before: number) {
  const rows = await db.selectFrom("publications").select("anchor").where("size", ">=", size).execute()
  const confirmed = new Set(rows.map(({ anchor }) => anchor))
  const open = anchors.filter(({ name }) => !confirmed.has(name))
  const deadline = performance.now() + HEARSAY
  let reasons = await readReasons(db, before)
  while (open.some(({ name }) => !reasons.has(name)) && performance.now() < deadline) {
    await setTimeout(50)
    reasons = await readReasons(db, before)
  }
  return anchors.map(({ name }): CheckpointReport["places"][number] =>
    confirmed.has(name) ? { anchor: name, state: "confirmed" } : { anchor: name, ...stateOf(reasons.get(name)) },
  )
}

interface Reason {
  split: boolean
  reason: string
}

async function readReasons(db: Store["db"], before: number): Promise<Map<string, Reason>> {
  const reasons = new Map<string, Reason>()
  for await (const { record } of readRecords(db, { fromSeq: before + 1 })) {
    if (record?.type === "log.split-view")
      reasons.set(record.subject, { split: true, reason: "it holds a checkpoint that this log does not contain" })
    if (record?.type === "log.anchor-unreachable")
      reasons.set(record.subject, { split: false, reason: String(record.detail?.["reason"] ?? "out of reach") })
  }
  return reasons
}

function stateOf(known: Reason | undefined) {
  if (known === undefined) return { state: "failed" as const, reason: "no answer in time" }
  return { state: known.split ? ("split" as const) : ("failed" as const), reason: known.reason }
}

function exitOf({ places }: CheckpointReport): ExitCode {
  if (places.some(({ state }) => state === "split")) return EXIT.findings
  return places.some(({ state }) => state === "failed") ? EXIT.environment : EXIT.ok
}
