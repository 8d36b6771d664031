// What the index keeps of one record: pure. A record is what somebody wrote, and this log may have been tampered with, so
// nothing in it is trusted to have a type, a length or characters that a database takes.
import { createHash } from "node:crypto"
import { plainId } from "../../policy/text.ts"
import type { LogRecord } from "../types.ts"

/** Longest text of an indexed column, in UTF-16 units: PostgreSQL refuses index rows above 2,704 bytes. */
const LONGEST = 200

/** Most approvers that a use names; a commitment has 50 characters. */
const MOST_APPROVERS = 20

/** Most advisories that one record may touch, aliases included. */
const MOST_ADVISORIES = 2_000

/** Most records whose repeats one record counts. */
const MOST_REPEATED = 1_000

/** The kind under which a body is listed that is no record of this version. */
export const UNREADABLE = "unreadable"

/** What makes one row of `items`. */
export interface ItemKey {
  kind: string
  name: string
  version: string
  digest: string
}

/** What makes one row of `uses`, its item apart. */
export interface UseKey {
  item: ItemKey
  outcome: string
  operator: string
  policy: string
  /** Commitments, sorted, separated by a space. */
  approvers: string
}

/** One record, as the index sees it. Absent texts are "". */
export interface IndexRow {
  seq: number
  /** Milliseconds since the epoch; 0 where the record states none that can be read. */
  time: number
  kind: string
  type: string
  agent: string
  run: string
  gateway: string
  operator: string
  policy: string
  outcome: string
  effect: string
  boxed: boolean | undefined
  /** How many actions it stands for. */
  times: number
  /** Where the record names an item. */
  use: UseKey | undefined
  /** Ids and aliases of the advisories that the verdict showed or that were known of the item: those an exception lifted too. */
  advisories: readonly string[]
}

/** Reads a body from the log. One that cannot be read is listed as such: it has a leaf, and `audit verify` says what it is. */
export function indexRow(seq: number, body: string): IndexRow {
  return rowOf(seq, parseBody(body))
}

/** The row of a body that is parsed already; undefined stands for one that cannot be read. */
export function rowOf(seq: number, record: Partial<LogRecord> | undefined): IndexRow {
  if (record === undefined) return { ...EMPTY, seq, kind: UNREADABLE }
  const outcome = indexId(record.outcome)
  const operator = indexId(record.operator)
  const policy = indexId(record.policy ?? record.verdict?.policyHash)
  const time = Date.parse(String(record.time))
  const row: IndexRow = {
    seq,
    time: Number.isSafeInteger(time) ? time : 0,
    kind: indexId(record.kind),
    type: indexText(record.type),
    agent: indexText(record.agent),
    run: indexText(record.run),
    gateway: indexText(record.gateway),
    operator,
    policy,
    outcome,
    effect: indexId(record.verdict?.effect),
    boxed: typeof record.boxed === "boolean" ? record.boxed : undefined,
    times: timesOf(record),
    use: undefined,
    advisories: NONE,
  }
  const item = record.item
  if (typeof item?.name !== "string") return row
  const { kind, name, version, digest } = item
  const key = { kind: indexId(kind), name: indexText(name), version: indexText(version), digest: indexText(digest) }
  row.use = { item: key, outcome, operator, policy, approvers: approversOf(record.by) }
  row.advisories = advisoriesOf(record)
  return row
}

/**
 * A text as the index holds it, at most 200 UTF-16 units: a longer one ends in its SHA-256, so that two never become one. Asking
 * the index for a text means asking for what this makes of it.
 */
export function indexText(value: unknown): string {
  if (typeof value !== "string") return ""
  if (value.length <= LONGEST && !UNFIT.test(value)) return value
  // PostgreSQL's text has no NUL, and UTF-8 no surrogate without a partner.
  const text = value.toWellFormed().replaceAll("\0", "\ufffd")
  return text.length <= LONGEST ? text : shorten(text, LONGEST)
}

const UNFIT = /[\0\ud800-\udfff]/

/** A word of nanoguard's own (an outcome, a commitment, a hash), of at most 80 harmless characters whatever is there. */
function indexId(value: unknown): string {
  return typeof value === "string" ? (ID.test(value) ? value : plainId(value)) : ""
}

const ID = /^[A-Za-z0-9._:@/+-]{0,80}$/

function shorten(text: string, limit: number): string {
  const digest = createHash("sha256").update(text).digest("base64url")
  return `${text.slice(0, limit - 1 - digest.length).toWellFormed()}~${digest}`
}

/** The record in a body, of which nothing more is known than its version; undefined where there is none. */
export function parseBody(body: string): Partial<LogRecord> | undefined {
  try {
    const record = JSON.parse(body) as Partial<LogRecord> | null
    return typeof record === "object" && record?.v === 1 ? record : undefined
  } catch {
    return undefined
  }
}

function approversOf(by: unknown): string {
  if (!Array.isArray(by) || by.length === 0) return ""
  const names = [...new Set(by.map(indexId))].filter((name) => name !== "").sort()
  const all = names.join(" ")
  return names.length <= MOST_APPROVERS && all.length <= 1_024 ? all : shorten(all, 1_024)
}

function advisoriesOf(record: Partial<LogRecord>): readonly string[] {
  const shown = listOf(record.verdict?.evidence).filter((item) => item?.["kind"] === "advisory")
  const known = listOf(record.evidence?.facts?.advisories)
  if (shown.length === 0 && known.length === 0) return NONE
  const ids = new Set<string>()
  for (const advisory of [...shown, ...known]) {
    const aliases = advisory?.["aliases"]
    for (const id of [advisory?.["id"], ...(Array.isArray(aliases) ? aliases : [])]) {
      if (typeof id === "string" && id !== "" && ids.size < MOST_ADVISORIES) ids.add(plainId(id))
    }
  }
  return [...ids]
}

/** Of a record that says which earlier ones were repeated (`detail.of`: `<seq> x<count>`), how often they were; 1 of any other. */
function timesOf({ type, detail }: Partial<LogRecord>): number {
  const of = type === "network.repeated" ? detail?.["of"] : undefined
  if (!Array.isArray(of)) return 1
  let sum = 0
  for (const one of of.slice(0, MOST_REPEATED)) sum += Number(REPEATED.exec(String(one))?.[1] ?? 0)
  return Math.max(1, sum)
}

const REPEATED = /^\d{1,15} x(\d{1,9})$/

type Members = Readonly<Record<string, unknown>> | null | undefined

/** The objects of what should be a list of them; whatever else is in it has no members. */
function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value : NONE_AT_ALL
}

const NONE: readonly string[] = Object.freeze([])
const NONE_AT_ALL: readonly Members[] = Object.freeze([])

const EMPTY: IndexRow = {
  ...{ seq: 0, time: 0, kind: "", type: "", agent: "", run: "", gateway: "", operator: "", policy: "", outcome: "" },
  ...{ effect: "", boxed: undefined, times: 1, use: undefined, advisories: NONE },
}
