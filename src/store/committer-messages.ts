// What the main thread and the committer say to each other. A batch travels as text: measured, JSON costs as little as a
// structured clone (2.0 + 4.2 us against 2.3 + 4.1), its size is known, and the caller may change its objects as soon as
// `write` has returned. What is one plain event travels as the draft of its record: 5.9 us here, and 8 us less over there.
import type { NewEvent } from "../audit/types.ts"
import type { ExitCode, Where } from "../errors.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { Conflict } from "./conflict.ts"
import { type Drafter, type DraftPeople, readDraft } from "./draft.ts"
import type { PendingBatch } from "./engine.ts"
import type { StoreLocation } from "./location.ts"
import type { Batch, Change } from "./types.ts"

export interface CommitterData {
  location: StoreLocation
  gateway: string
  /** The state directory, where `commit.key` is. */
  keys: string
  /** Milliseconds that the context's clock is ahead of the system's: 0 but in tests. */
  skew: number
}

export type ToCommitter =
  /** Batches as `encodeBatch` writes them, to be committed in this order; with `people` also drafts, which begin with a brace. */
  | { kind: "batches"; texts: readonly string[]; skew: number; people: DraftPeople | undefined }
  /** Commit what came before, close, say `closed`. */
  | { kind: "close" }

export type FromCommitter =
  | { kind: "ready" }
  /** It could not be opened; the thread ends. */
  | { kind: "refused"; failure: Failure }
  /** What became of the next `count` batches: sequence numbers of those that are durable, in order; the others by place. */
  | { kind: "done"; count: number; seqs: readonly number[]; failures: readonly (readonly [place: number, Failure])[] }
  | { kind: "closed" }

/** An error between threads. */
export type Failure =
  | { conflict: readonly [change: number, expected: number, affected: number] }
  | { message: string; exit: ExitCode; hint?: string | undefined; where?: Where | undefined; code?: string | undefined }

/** Longest text of one batch, in UTF-16 units: a record is at most 256 KiB, what is cut from it may be more. */
const MAX_BATCH = 16 * 1024 * 1024

/** What stands before the text of a lax batch. */
const LAX = "~"

/** How a batch is written for a committer that takes drafts: as one where it can be, else as `encodeBatch` does, after a blank. */
export function encodeDraft(batch: Batch, drafter: Drafter, time: number): string {
  const draft = drafter.draft(batch, time)
  if (draft === undefined) return ` ${encodeBatch(batch)}`
  return batch.lax ? LAX + draft : draft
}

/**
 * The text of a batch. Throws `NanoguardError` (usage) where it holds what cannot be stored: numbers that are not finite,
 * cycles, parameters of other types than string, number, bigint, boolean, null and bytes, or more than 16 Mi characters.
 */
export function encodeBatch(batch: Batch): string {
  const { changes, events } = batch
  let text: string
  try {
    text = JSON.stringify(
      changes === undefined || changes.length === 0 ? { events } : { changes: changes.map(encodeChange), events },
    )
  } catch (error) {
    if (error instanceof NanoguardError) throw error
    throw refuse(`it is no plain data (${error instanceof Error ? error.message.split("\n", 1)[0] : error})`)
  }
  if (text.length > MAX_BATCH) throw refuse(`its ${text.length} characters are more than ${MAX_BATCH}`)
  // JSON writes null for a number that is none. A null is rare, so only then somebody looks for where it came from.
  if (text.includes("null")) refuseNonFinite(events, 0)
  return batch.lax ? LAX + text : text
}

/** Reads what `encodeBatch` or a drafter wrote. */
export function decodeBatch(text: string, people?: DraftPeople): PendingBatch {
  // Neither a blank nor a brace is the mark.
  if (text.startsWith(LAX, Number(text.startsWith(" "))))
    return { ...decodeBatch(text.replace(LAX, ""), people), lax: true }
  if (people !== undefined && text.startsWith("{")) return { changes: [], events: [], draft: readDraft(text, people) }
  const { changes, events } = JSON.parse(text) as { changes?: Change[]; events?: NewEvent[] }
  return { changes: changes?.map(decodeChange) ?? [], events: events ?? [] }
}

export function encodeFailure(error: unknown): Failure {
  if (error instanceof Conflict) return { conflict: [error.change, error.expected, error.affected] }
  if (error instanceof NanoguardError) {
    return { message: error.message, exit: error.exit, hint: error.hint, where: error.where, code: codeOf(error.cause) }
  }
  return {
    message: `the store refused it: ${error instanceof Error ? error.message : String(error)}`,
    exit: EXIT.environment,
    code: codeOf(error),
  }
}

export function decodeFailure(failure: Failure): NanoguardError {
  if ("conflict" in failure) return new Conflict(...failure.conflict)
  const { message, exit, hint, where, code } = failure
  return new NanoguardError(message, {
    exit,
    ...(hint !== undefined && { hint }),
    ...(where !== undefined && { where }),
    ...(code !== undefined && { cause: code }),
  })
}

/** What the database itself called the failure, for whoever has to look closer. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return error.message
}

const BYTES = "$bytes"
const INTEGER = "$integer"

/** Its own members alone: what Kysely compiles carries the query's whole tree beside them, and every value once more in it. */
function encodeChange({ sql, parameters, expect }: Change): Change {
  return { sql, parameters: parameters.map(encodeParameter), ...(expect !== undefined && { expect }) }
}

function encodeParameter(value: unknown): unknown {
  if (value === undefined) return null
  if (value === null || typeof value === "string" || typeof value === "boolean") return value
  if (typeof value === "number" && Number.isFinite(value)) return value
  if (typeof value === "bigint") return { [INTEGER]: String(value) }
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString("base64") }
  throw refuse(`a parameter of type ${typeof value} cannot be stored`)
}

function decodeChange(change: Change): Change {
  return { ...change, parameters: change.parameters.map(decodeParameter) }
}

function decodeParameter(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  const { [BYTES]: bytes, [INTEGER]: integer } = value as Record<string, string>
  return bytes === undefined ? BigInt(integer!) : Buffer.from(bytes, "base64")
}

function refuseNonFinite(value: unknown, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw refuse(`${value} is no number that JSON can write`)
  if (typeof value !== "object" || value === null || depth > 64) return
  for (const member of Object.values(value)) refuseNonFinite(member, depth + 1)
}

function refuse(why: string): NanoguardError {
  return new NanoguardError(`the batch cannot be stored: ${why}`, {
    exit: EXIT.usage,
    hint: "events and parameters are plain data: strings, finite numbers, booleans, arrays and objects of them",
  })
}
