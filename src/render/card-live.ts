// The approver's screen: the state of the terminal as lines, cut to its size. Nothing in them can move a cursor.
import { listedIds } from "../approvals/live/reduce.ts"
import type { LiveState, Waiting } from "../approvals/live/types.ts"
import { cardOf } from "./card.ts"
import { footLines } from "./card-keys.ts"
import { fitCard } from "./card-screen.ts"
import { type Line, linesOf, wrapWidth } from "./card-text.ts"
import { groupLines, helpLines } from "./card-words.ts"
import { cleanText, countOf } from "./clean.ts"
import { cutToWidth } from "./terminal-width.ts"

/** What was fetched for the card at hand, as clean texts. */
export interface Fetched {
  id: string
  body?: readonly string[]
  rule?: readonly string[]
}

export interface Screen {
  lines: Line[]
  /** Where something is missing on it, that is for want of room. */
  small?: boolean
  /** Whether all that has to be seen is on it. */
  fits: boolean
  /** The highest offset of a view that is longer than the screen. */
  last: number
}

/** Smallest screen on which something can be decided. */
const LEAST = { columns: 30, rows: 10 } as const

/** Draws a state: exactly as many lines as the terminal has, or fewer, none wider than it. */
export function drawLive(state: LiveState, fetched?: Fetched): Screen {
  const { columns, rows } = state.size
  const foot = footLines(state, columns).slice(0, Math.max(1, rows - 1))
  const status = statusOf(state)
  const room = rows - foot.length - 2
  const body = bodyOf(state, columns, Math.max(0, room), fetched)
  const small = columns < LEAST.columns || rows < LEAST.rows
  const fits = body.fits && !small && room > 0
  const tooSmall = state.queue.length > 0 && !fits && (small || body.small === true)
  const said = tooSmall ? "too small to decide: make it larger" : (state.notice ?? "")
  const notice: Line = { text: cutToWidth(cleanText(said), columns), tone: tooSmall ? "bad" : "warn" }
  const filled = [...body.lines, ...Array.from({ length: Math.max(0, room - body.lines.length) }, () => ({ text: "" }))]
  const lines = [{ text: cutToWidth(status, columns), tone: "dim" as const }, ...filled, notice, ...foot]
  // Nothing is ever wider than the screen: where it is too small for a card, all is cut.
  const cut = lines.slice(0, rows).map((line) => ({ ...line, text: cutToWidth(line.text, columns) }))
  return { lines: cut, fits, last: body.last }
}

function statusOf({ queue, current, signer, mode }: LiveState): string {
  const at = queue.findIndex(({ approval }) => approval.id === current) + 1
  const what = queue.length === 0 ? "nothing waits" : `${at} of ${countOf(queue.length, "request")}`
  return `nanoguard approve   ${what}   as ${cleanText(signer, 60)}${mode.at === "signing" ? "   signing ..." : ""}`
}

function bodyOf(state: LiveState, columns: number, rows: number, fetched?: Fetched): Screen {
  const { mode, now } = state
  const one = state.queue.find(({ approval }) => approval.id === state.current)
  if (mode.at === "help") return paged(helpLines(columns), mode.offset, rows)
  if (one === undefined) return { lines: [{ text: "" }, { text: "Nothing waits for a person." }], fits: false, last: 0 }
  const own = fetched?.id === one.approval.id ? fetched : undefined
  if (mode.at === "full") return paged(fullLines(one, now, columns, own?.body), mode.offset, rows)
  if (mode.at === "rule") return paged(ruleLines(own?.rule, columns), mode.offset, rows)
  const ids = listedIds(mode)
  if (ids.length > 1 || mode.at === "group") {
    const items = state.queue.filter(({ approval }) => ids.includes(approval.id))
    const lines = groupLines(items, now, columns)
    return {
      lines: lines.slice(0, rows),
      fits: lines.length <= rows && items.every(({ background }) => background !== undefined),
      small: lines.length > rows,
      last: 0,
    }
  }
  const { lines, fits } = fitCard(cardOf(one, now), columns, rows)
  return { lines, fits: fits && one.background !== undefined, small: !fits, last: 0 }
}

function paged(lines: readonly Line[], offset: number, rows: number): Screen {
  const last = Math.max(0, lines.length - rows)
  const from = Math.min(offset, last)
  return { lines: lines.slice(from, from + rows), fits: true, last }
}

/** Columns by which a line of policy goes on further in. */
const HANG = 6

/** All there is of a request: each value whole, then the body as it was sent. */
export function fullLines(one: Waiting, now: number, columns: number, body?: readonly string[]): Line[] {
  const card = cardOf(one, now, true)
  const rows = [...card.top, ...card.sections.flatMap((section) => section.rows), ...card.bottom]
  const head = linesOf({ label: "will", value: card.headline, tone: "head" }, columns)
  const digest = linesOf(
    { label: "whole digest", value: `${one.approval.digest}, policy ${one.approval.binding.policyHash}` },
    columns,
  )
  const sent = bodyOfColumns(body ?? ["looking for the body ..."], columns)
  const isRequest = one.approval.binding.kind === "network"
  return [...head, ...rows.flatMap((row) => linesOf(row, columns)), ...digest, ...(isRequest ? sent : [])]
}

/** Wrapped once: a long body is drawn anew with each key. */
const wrapped = new WeakMap<readonly string[], { columns: number; lines: Line[] }>()

function bodyOfColumns(body: readonly string[], columns: number): Line[] {
  const known = wrapped.get(body)
  if (known?.columns === columns) return known.lines
  const lines = body.flatMap((value, i) => linesOf({ label: i === 0 ? "body" : "", value }, columns))
  wrapped.set(body, { columns, lines })
  return lines
}

function ruleLines(rule: readonly string[] | undefined, columns: number): Line[] {
  const head =
    "What the policy could say instead of asking. Nothing is written: put it into nanoguard.yaml, and adopt that."
  const lines = rule ?? ["looking ..."]
  return [
    ...wrapWidth(head, columns).map((text): Line => ({ text, tone: "dim" })),
    { text: "" },
    // What goes on in the next line stands further in, so that it is the same YAML where it is copied.
    ...lines.flatMap((line) =>
      wrapWidth(line === "" ? " " : line, columns - HANG).map((text, i) => ({
        text: i > 0 && line.startsWith("  ") ? `${" ".repeat(HANG)}${text}` : text,
      })),
    ),
  ]
}
