// What a record may say: the values of its closed fields, and reading one back from its canonical text.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { EventKind, Item, LogRecord, Outcome } from "../types.ts"

/** Every kind of event. */
export const EVENT_KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  "package",
  "network",
  "credential",
  "mcp",
  "skill",
  "approval",
  "policy",
  "sandbox",
  "kill",
  "configuration",
  "log",
])

/** Every outcome of an event. */
export const OUTCOMES: ReadonlySet<Outcome> = new Set<Outcome>(["released", "refused", "held", "failed", "unknown"])

/** Every kind of thing that agents consume. */
export const ITEM_KINDS: ReadonlySet<Item["kind"]> = new Set<Item["kind"]>([
  ...(["package", "cli", "mcp", "skill", "host", "credential"] as const),
])

const TYPE = /^([a-z]{1,20})\.[a-z][a-z0-9.-]{0,60}$/

/** The kind of a dotted type: `package` of `package.decided`. Undefined where the type is none that the log keeps. */
export function kindOf(type: string): EventKind | undefined {
  const kind = TYPE.exec(type)?.[1] as EventKind | undefined
  return kind !== undefined && EVENT_KINDS.has(kind) ? kind : undefined
}

/**
 * Reads a record's canonical text back. Throws `NanoguardError` where it is no record of this version: then the log was written
 * by a newer nanoguard, or changed by someone else.
 */
export function readRecord(body: string): LogRecord {
  let record: Partial<LogRecord> | undefined
  try {
    record = JSON.parse(body) as Partial<LogRecord>
  } catch {
    // Said below.
  }
  if (record?.v === 1 && typeof record.type === "string" && typeof record.time === "string") return record as LogRecord
  throw new NanoguardError("a record of the log cannot be read", {
    exit: EXIT.environment,
    hint: "run `nanoguard audit verify`; a log of a newer nanoguard needs that version",
  })
}
