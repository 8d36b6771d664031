// From an event to the record that lies in the log. Runs for every append, within the committer's transaction: what is
// common (short, no secret in sight) is written and tested once as a whole; the rest goes string by string.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Verdict } from "../../policy/types.ts"
import type { LogRecord, NewEvent, PersonCommitment } from "../types.ts"
import { canonicalText } from "./canonical.ts"
import { checkEvent, checkPersonal } from "./check-event.ts"
import { joinKnown, type KnownSecrets, knownSecrets } from "./known-secrets.ts"
import { kindOf } from "./record.ts"
import { commitSecret, MAX_TEXT, mayHoldSecret, redactText, redactValue } from "./redact.ts"

/** Largest record, in UTF-8 bytes. */
export const MAX_RECORD = 262_144

/** Largest event, as JSON in UTF-16 units: long strings are cut, but looking through them takes its time as well. */
const MAX_EVENT = 4 * MAX_RECORD

const NO_KEY = new Uint8Array(0)

export interface SealKeys {
  /** 32 bytes: keys the commitments to secrets. */
  commitKey: Uint8Array
  /** Exact secrets (the vault's), prepared once: none of them is ever in a record. */
  known?: KnownSecrets | undefined
}

export interface SealOptions extends SealKeys {
  /** The commitment of each of the event's `personalValues`. */
  commitments: ReadonlyMap<string, PersonCommitment>
  /** Milliseconds since the epoch, for an event without a time of its own. */
  time: number
}

/**
 * The personal values of an event as they are committed to and kept in `people`: well-formed, bounded, without secrets. Who
 * operates, who decided, what they wrote, whose exceptions the verdict rests on. Throws `NanoguardError` for an invalid event.
 */
export function personalValues(event: NewEvent, keys: SealKeys): string[] {
  checkPersonal(event)
  const owners = event.decision?.verdict.excepted?.map(({ owner }) => owner) ?? []
  if (event.operator === undefined && event.by === undefined && event.note === undefined && owners.length === 0)
    return []
  const values = [event.operator, ...(event.by ?? []), event.note, ...owners].filter((value) => value !== undefined)
  return [...new Set(values.map((value) => personalText(value, keys)))]
}

/**
 * The canonical text (RFC 8785) of an event's record: personal values and secrets replaced by commitments, long strings cut.
 * Throws `NanoguardError` (usage) where the event is invalid, holds what JSON cannot say, or is larger than 256 KiB.
 */
export function sealEvent(event: NewEvent, options: SealOptions): string {
  checkEvent(event)
  const record = recordOf(event, options)
  const plain = canonicalText(record)
  if (event.secrets === undefined && isHarmless(plain, options)) return plain
  return boundedText(plain.length, record, options, event.secrets)
}

/**
 * The first half of `sealEvent`, for a thread that others wait for: the canonical text before secrets are looked for in it.
 * `commitments` has what stands for each personal value, by the values as the event has them. Throws `NanoguardError` (usage)
 * where the event is invalid. Not for events with `secrets`.
 */
export function draftEvent(event: NewEvent, options: Pick<SealOptions, "commitments" | "time">): string {
  checkEvent(event)
  const text = canonicalText(recordOf(event, { ...options, commitKey: NO_KEY }))
  requireEventSize(text.length)
  return text
}

/** The second half: what `sealEvent` makes of the event, once the draft has its real commitments. */
export function sealDraft(draft: string, keys: SealKeys): string {
  if (isHarmless(draft, keys)) return draft
  return boundedText(draft.length, JSON.parse(draft) as Draft, keys, undefined)
}

/** Most records: short, and nothing in them looks like a secret. */
function isHarmless(plain: string, { known }: SealKeys): boolean {
  return plain.length <= MAX_TEXT && !mayHoldSecret(plain, known)
}

/** The canonical text without secrets and within bounds; `length` is that of the text before. */
function boundedText(length: number, record: Draft, keys: SealKeys, secrets: NewEvent["secrets"]): string {
  requireEventSize(length)
  const text = canonicalText(redactRecord(record, secrets, keys))
  const bytes = text.length * 3 > MAX_RECORD ? Buffer.byteLength(text) : 0
  if (bytes > MAX_RECORD) throw tooLarge(`${bytes} bytes`, MAX_RECORD)
  return text
}

function requireEventSize(length: number): void {
  if (length > MAX_EVENT) throw tooLarge(`${length} characters`, MAX_EVENT)
}

function tooLarge(size: string, limit: number): NanoguardError {
  return new NanoguardError(`the event cannot be recorded: ${size} are more than ${limit}`, {
    exit: EXIT.usage,
    hint: "keep large values out of events: their hash is enough",
  })
}

type Draft = { -readonly [Name in keyof LogRecord]?: LogRecord[Name] }

/** The record before secrets are looked for. Its members come in canonical order, and only those that apply: nothing to sort. */
function recordOf(event: NewEvent, options: SealOptions): Draft {
  const { decision, policy = decision?.verdict.policyHash } = event
  const person = (value: string) => commitmentOf(value, options)
  const record: Draft = {}
  if (decision) record.action = decision.action
  if (event.agent !== undefined) record.agent = event.agent
  if (event.approval !== undefined) record.approval = event.approval
  if (event.boxed !== undefined) record.boxed = event.boxed
  if (event.by) record.by = event.by.map(person)
  if (event.detail) record.detail = event.detail
  if (decision) record.evidence = decision.evidence
  record.gateway = event.gateway
  if (event.item) record.item = event.item
  record.kind = kindOf(event.type)!
  if (event.note !== undefined) record.note = person(event.note)
  if (event.operator !== undefined) record.operator = person(event.operator)
  if (event.outcome !== undefined) record.outcome = event.outcome
  if (policy !== undefined) record.policy = policy
  if (event.run !== undefined) record.run = event.run
  if (event.secrets) record.secrets = commitSecrets(event.secrets, options.commitKey)
  record.subject = event.subject
  record.time = new Date(event.time ?? options.time).toISOString()
  record.type = event.type
  record.v = 1
  if (decision) record.verdict = withoutOwners(decision.verdict, person)
  return record
}

/** Exceptions name the person who answers for them. */
function withoutOwners(verdict: Verdict, person: (value: string) => PersonCommitment): Verdict {
  if (verdict.excepted === undefined || verdict.excepted.length === 0) return verdict
  return { ...verdict, excepted: verdict.excepted.map((one) => ({ ...one, owner: person(one.owner) })) }
}

function commitSecrets(secrets: Readonly<Record<string, string>>, key: Uint8Array) {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [name, commitSecret(value.toWellFormed(), key)]),
  )
}

function commitmentOf(value: string, options: SealOptions): PersonCommitment {
  const commitment = options.commitments.get(value) ?? options.commitments.get(personalText(value, options))
  if (commitment) return commitment
  throw new Error("a personal value has no commitment: take those of personalValues")
}

/** A personal value as it is committed to: well-formed, bounded, without secrets. */
export function personalText(value: string, { commitKey, known }: SealKeys): string {
  return redactText(value.toWellFormed(), { commitKey, known })
}

/** Members that hold what the log itself has put there or checked: nothing in them to look for. */
const OURS: ReadonlySet<string> = new Set(["by", "boxed", "kind", "note", "operator", "outcome", "time", "type", "v"])

/** The event's own secrets are looked for in its other members as well. */
function redactRecord(record: Draft, secrets: NewEvent["secrets"], { commitKey, known }: SealKeys): object {
  const own = secrets && knownSecrets(Object.values(secrets))
  const all = joinKnown(known, own)
  const clean = Object.entries(record).map(([name, value]) => [
    name,
    OURS.has(name) ? value : redactValue(value, { commitKey, known: all }),
  ])
  return Object.fromEntries(clean)
}
