// The approver's screen: the state of the terminal as lines, cut to its size. Nothing in them can move a cursor.
import { shortDigest } from "../approvals/binding.ts"
import { ALIKE } from "../approvals/live/keys.ts"
import type { LiveState, Waiting } from "../approvals/live/types.ts"
import { cardOf } from "./card.ts"
import { fitCard } from "./card-screen.ts"
import { type Line, linesOf, shortValue, wrapWidth } from "./card-text.ts"
import { groupLines, helpLines, meaningOf } from "./card-words.ts"
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
  const foot = footOf(state, columns).slice(0, Math.max(1, rows - 1))
  const status = statusOf(state)
  const notice: Line = { text: cutToWidth(cleanText(state.notice ?? ""), columns), tone: "warn" }
  const room = rows - foot.length - 2
  const body = bodyOf(state, columns, Math.max(0, room), fetched)
  const filled = [...body.lines, ...Array.from({ length: Math.max(0, room - body.lines.length) }, () => ({ text: "" }))]
  const lines = [{ text: cutToWidth(status, columns), tone: "dim" as const }, ...filled, notice, ...foot]
  const small = columns < LEAST.columns || rows < LEAST.rows
  return { lines: lines.slice(0, rows), fits: body.fits && !small && room > 0, last: body.last }
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
  const ids = idsOf(state)
  if (ids.length > 1 || mode.at === "group") {
    const items = state.queue.filter(({ approval }) => ids.includes(approval.id))
    const lines = groupLines(items, now, columns)
    return {
      lines: lines.slice(0, rows),
      fits: lines.length <= rows && items.every(({ background }) => background !== undefined || items.length > 1),
      last: 0,
    }
  }
  const { lines, fits } = fitCard(cardOf(one, now), columns, rows)
  return { lines, fits: fits && one.background !== undefined, last: 0 }
}

/** What the person decides about, where it is more than the card. */
function idsOf({ mode }: LiveState): readonly string[] {
  if (mode.at === "group" || mode.at === "reason" || mode.at === "signing") return mode.ids
  return mode.at === "confirm" ? mode.pending.ids : []
}

function paged(lines: readonly Line[], offset: number, rows: number): Screen {
  const last = Math.max(0, lines.length - rows)
  const from = Math.min(offset, last)
  return { lines: lines.slice(from, from + rows), fits: true, last }
}

/** All there is of a request: each value whole, then the body as it was sent. */
export function fullLines(one: Waiting, now: number, columns: number, body?: readonly string[]): Line[] {
  const card = cardOf(one, now, true)
  const rows = [...card.top, ...card.sections.flatMap((section) => section.rows), ...card.bottom]
  const head = wrapWidth(card.headline, columns).map((text): Line => ({ text, tone: "head" }))
  const digest = linesOf(
    { label: "whole digest", value: `${one.approval.digest}, policy ${one.approval.binding.policyHash}` },
    columns,
  )
  const sent = (body ?? ["looking for the body ..."]).flatMap((text, i) =>
    linesOf({ label: i === 0 ? "body" : "", value: text }, columns),
  )
  const isRequest = one.approval.binding.kind === "network"
  return [...head, ...rows.flatMap((row) => linesOf(row, columns)), ...digest, ...(isRequest ? sent : [])]
}

function ruleLines(rule: readonly string[] | undefined, columns: number): Line[] {
  const head =
    "What the policy could say instead of asking. Nothing is written: put it into nanoguard.yaml, and adopt that."
  const lines = rule ?? ["looking ..."]
  return [
    ...wrapWidth(head, columns).map((text): Line => ({ text, tone: "dim" })),
    { text: "" },
    ...lines.flatMap((line) => wrapWidth(line === "" ? " " : line, columns).map((text) => ({ text }))),
  ]
}

/** The question, or the keys: never cut away. */
function footOf(state: LiveState, columns: number): Line[] {
  const { mode } = state
  const ask = (question: string, tone: Line["tone"] = "head"): Line[] =>
    wrapWidth(question, columns).map((text) => ({ text, tone: tone! }))
  const typed = (text: string, room: number) => {
    const clean = shortValue(text, 500)
    return `${clean.length > room ? `...${clean.slice(3 - room)}` : clean}_`
  }
  switch (mode.at) {
    case "reason":
      return [
        ...ask(`Deny ${whichOf(state, mode.ids)}. Why? The agent is told. Enter denies, Esc goes back.`),
        { text: cutToWidth(`> ${typed(mode.text, columns - 4)}`, columns) },
      ]
    case "uses":
      return [
        ...ask(
          `Approve alike: how many uses? 1 to ${ALIKE.maxUses}, ${ALIKE.uses} where nothing is typed. Esc goes back.`,
        ),
        { text: `> ${typed(mode.text, 8)}` },
      ]
    case "minutes":
      return [
        ...ask(
          `For how many minutes? 1 to ${ALIKE.maxMinutes}, ${ALIKE.minutes} where nothing is typed. Esc goes back.`,
        ),
        { text: `> ${typed(mode.text, 8)}` },
      ]
    case "confirm":
      return ask(`${meaningOf(state, mode.pending)} y signs it; any other key goes back.`)
    case "signing":
      return ask(`Signing ${whichOf(state, mode.ids)} ...`)
    default:
      return keysOf(keysFor(state), columns)
  }
}

/** The keys that do something now, and what. */
export function keysFor(state: LiveState): [string, string][] {
  switch (state.mode.at) {
    case "group":
      return [
        ["a", "approve all of these"],
        ["d", "deny all of these"],
        ["Esc", "back"],
      ]
    case "confirm":
      return [
        ["y", "sign it"],
        ["Esc", "back"],
      ]
    case "full":
    case "rule":
    case "help":
      return [
        ["up/down", "move"],
        ["space", "next page"],
        ["Esc", "back to the card"],
      ]
    case "card":
      return cardKeys(state)
    default:
      return []
  }
}

function cardKeys({ queue, current }: LiveState): [string, string][] {
  const one = queue.find(({ approval }) => approval.id === current)
  if (one === undefined)
    return [
      ["?", "help"],
      ["q", "quit"],
    ]
  const deciding: [string, string][] = one.mine
    ? [
        ["a", "approve"],
        ["d", "deny"],
        ...(one.approval.binding.kind === "network" ? ([["u", "approve alike"]] as [string, string][]) : []),
      ]
    : []
  return [
    ...deciding,
    ["v", "full view"],
    ...(queue.length > 1
      ? ([
          ["n/p", "next, previous"],
          ["g", "group"],
        ] as [string, string][])
      : []),
    ["l", "policy line"],
    ["?", "help"],
    ["q", "quit"],
  ]
}

function keysOf(keys: readonly (readonly [string, string])[], columns: number): Line[] {
  const lines: string[] = []
  for (const [key, what] of keys) {
    const item = `${key} ${what}`
    const last = lines.at(-1)
    if (last !== undefined && last.length + 3 + item.length <= columns) lines[lines.length - 1] = `${last}   ${item}`
    else lines.push(item)
  }
  return lines.map((text) => ({ text: cutToWidth(text, columns), tone: "head" }))
}

function whichOf({ queue }: LiveState, ids: readonly string[]): string {
  if (ids.length > 1) return countOf(ids.length, "request")
  const digest = queue.find(({ approval }) => approval.id === ids[0])?.approval.digest
  return digest === undefined ? (ids[0] ?? "") : shortDigest(digest)
}
