// How `nanoguard audit tail` looks: a line a record. What stands in a record is never interpreted, by no terminal and no CI log.

import type { StoredRecord } from "../audit/read/query.ts"
import { PERSON } from "../audit/sealing/people.ts"
import type { LogRecord } from "../audit/types.ts"
import type { Effect } from "../policy/types.ts"
import { cleanText, safeJson } from "./clean.ts"
import type { Paint, Style } from "./style.ts"
import { cutToWidth, padToWidth, widthOf } from "./terminal-width.ts"

/** What a commitment opens to; null once it was erased. */
export type People = Readonly<Record<string, string | null>>

/** A record for programs: the record itself, or the body that cannot be read as one. */
export type TailRow = { seq: number; people: People } & ({ record: LogRecord } | { unreadable: string })

export interface TailReport {
  schema: "nanoguard.audit-tail/1"
  records: TailRow[]
}

/** The commitments in a record: operator, who decided, a note, owners of exceptions. */
export function commitmentsOf(record: LogRecord | undefined): string[] {
  if (record === undefined) return []
  const owners = (record.verdict?.excepted ?? []).map(({ owner }) => owner)
  return [record.operator, ...(record.by ?? []), record.note, ...owners].filter(
    (commitment) => typeof commitment === "string" && PERSON.test(commitment),
  ) as string[]
}

/** A record for `--format json` and `ndjson`. */
export function describeRecord(
  { seq, body, record }: StoredRecord,
  people: ReadonlyMap<string, string | null>,
): TailRow {
  if (record === undefined) return { seq, people: {}, unreadable: body.slice(0, MAX_UNREADABLE) }
  const opened = commitmentsOf(record).map((commitment) => [commitment, people.get(commitment) ?? null])
  return { seq, people: Object.fromEntries(opened), record }
}

/** A record that cannot be read is shown in part: anybody may have written it. */
const MAX_UNREADABLE = 2000

/** One document with all of them. */
export function renderTailJson(records: TailRow[]): string {
  const report: TailReport = { schema: "nanoguard.audit-tail/1", records }
  return safeJson(report)
}

/** JSON on one line, as safe to print as `safeJson`. A raw newline is only ever between its tokens. */
export function renderJsonLine(value: unknown): string {
  return `${safeJson(value).replace(/\n */g, "")}\n`
}

export interface TailPage {
  style: Style
  /** Where the output is a terminal; lines are cut there, and nowhere else. */
  columns?: number | undefined
}

const WIDTH = { seq: 7, agent: 12, effect: 6, code: 22, subject: 40, outcome: 8 }

/** Below so many columns a subject says nothing; then the line is cut instead. */
const LEAST_SUBJECT = 16

/** Columns of a terminal below which a time has no year. */
const NARROW = 120

/**
 * A record as one line: its number, time (UTC), agent, effect, code (or type, where nothing was decided), subject, outcome, and who
 * decided. An effect in brackets was only observed. On a terminal the subject is cut first.
 */
export function renderTailLine(
  stored: StoredRecord,
  people: ReadonlyMap<string, string | null>,
  page: TailPage,
): string {
  const { seq, record } = stored
  const { style, columns } = page
  const number = String(seq).padStart(WIDTH.seq)
  if (record === undefined) {
    const line = `${number}  unreadable: \`nanoguard audit verify\` says what is wrong with it`
    return `${style.red(columns === undefined ? line : cutToWidth(line, columns))}\n`
  }
  const { verdict } = record
  const effect = verdict === undefined ? "-" : textOf(verdict.effect)
  const shown = padToWidth(verdict?.mode === "observe" ? `(${effect})` : effect, WIDTH.effect)
  const by = (record.by ?? []).map((person) => textOf(people.get(person) ?? "erased"))
  const time = shortTime(record.time)
  const when = columns !== undefined && columns < NARROW ? time.replace(/^\d{4}-(?=\d\d-\d\d )/, "") : time
  const head = `${number}  ${when}  ${padToWidth(textOf(record.agent ?? "-"), WIDTH.agent)}  `
  const code = `  ${padToWidth(textOf(verdict?.code ?? record.type), WIDTH.code)}  `
  const outcome = padToWidth(textOf(record.outcome ?? ""), WIDTH.outcome)
  const end = by.length > 0 ? `  ${outcome}  by ${by.join(", ")}` : `  ${outcome}`
  const subject = textOf(record.subject)
  const room = columns === undefined ? WIDTH.subject : columns - widthOf(`${head}${shown}${code}${end}`)
  const fitted = columns === undefined ? subject : cutToWidth(subject, Math.max(LEAST_SUBJECT, room))
  const whole =
    `${head}${shown}${code}${padToWidth(fitted, Math.min(WIDTH.subject, Math.max(LEAST_SUBJECT, room)))}${end}`.trimEnd()
  const line = columns === undefined ? whole : cutToWidth(whole, columns)
  // Painted after it was cut, so that no escape is cut in two.
  const [from, to] = [head.length, head.length + shown.length]
  return `${line.slice(0, from)}${paintOf(verdict?.effect, style)(line.slice(from, to))}${line.slice(to)}\n`
}

const textOf = (value: string) => cleanText(value)

/** The paint of an effect: one colour in everything that `audit` prints. */
export function paintOf(effect: Effect | undefined, style: Style): Paint {
  const paints: Record<string, Paint> = { allow: style.green, ask: style.yellow, deny: style.red }
  return (Object.hasOwn(paints, String(effect)) && paints[String(effect)]) || ((text) => text)
}

/** RFC 3339 in UTC without fractions, with a space: `2026-11-21 09:12:04Z`. What is no time stays what it is. */
export function shortTime(time: string): string {
  const [, day, clock] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(time) ?? []
  return day === undefined ? cleanText(time, 40) : `${day} ${clock}Z`
}
