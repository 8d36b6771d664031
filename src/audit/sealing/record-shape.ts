// Whether what was parsed has the types of a record. The log's texts are written by sealing, but whoever may write the file may have
// written this one; and a record that cannot be shown must not keep the others from being shown.

import type { LogRecord } from "../types.ts"
import { readRecord } from "./record.ts"

const TEXTS = ["time", "kind", "type", "subject", "gateway"] as const
const MAYBE_TEXTS = ["agent", "run", "operator", "note", "outcome", "approval", "policy"] as const
const MAYBE_OBJECTS = ["action", "evidence", "secrets", "detail"] as const
const VERDICT_TEXTS = ["effect", "code", "rule", "subject", "reason", "mode", "policyHash"] as const

/** A body as a record; undefined where it is none that this version can show. */
export function readBody(body: string): LogRecord | undefined {
  let record: LogRecord
  try {
    record = readRecord(body)
  } catch {
    return undefined
  }
  return isRecord(record as unknown as Unknown) ? record : undefined
}

type Unknown = Readonly<Record<string, unknown>>

function isRecord(record: Unknown): boolean {
  const { boxed, by, item, verdict } = record
  return (
    hasTexts(record, TEXTS) &&
    MAYBE_TEXTS.every((name) => record[name] === undefined || typeof record[name] === "string") &&
    MAYBE_OBJECTS.every((name) => record[name] === undefined || isObject(record[name])) &&
    (boxed === undefined || typeof boxed === "boolean") &&
    (by === undefined || (Array.isArray(by) && by.every((person) => typeof person === "string"))) &&
    (item === undefined || (isObject(item) && hasTexts(item, ["kind", "name"]))) &&
    (verdict === undefined || isVerdict(verdict))
  )
}

function isVerdict(verdict: unknown): boolean {
  if (!isObject(verdict) || !hasTexts(verdict, VERDICT_TEXTS)) return false
  const { evidence, correction, also = [], excepted = [] } = verdict
  return (
    areObjects(evidence) &&
    areObjects(also) &&
    areObjects(excepted) &&
    (correction === undefined || isObject(correction))
  )
}

const isObject = (value: unknown): value is Unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const areObjects = (value: unknown) => Array.isArray(value) && value.every(isObject)

const hasTexts = (value: Unknown, names: readonly string[]) => names.every((name) => typeof value[name] === "string")
