// The approver's terminal as a state machine: pure, so that what a key may do can be proven without a terminal.
import { cleanText, countOf } from "../../render/clean.ts"
import { pressKey } from "./keys.ts"
import type { LiveEvent, LiveState, Mode, Step, Waiting } from "./types.ts"

/** How a terminal begins: nothing is shown, and nothing can be decided. */
export function startLive(signer: string, size: LiveState["size"], now: number): LiveState {
  return { signer, queue: [], signed: [], mode: { at: "card" }, now, size, fits: false }
}

/** What an event makes of a state at `now`, milliseconds since the epoch. */
export function reduceLive(before: LiveState, event: LiveEvent, now: number): Step {
  const state = { ...before, now }
  switch (event.type) {
    case "key":
      return pressKey(state, event.key)
    case "line":
      return pressKey(withText(state, event.text), "enter")
    case "queue":
      return still(takeQueue(state, event.queue, event.gone))
    case "tick":
      return still(expire(state))
    case "drawn":
      return still(drawn(state, event))
    case "resized":
      return still(changed({ ...state, size: { columns: event.columns, rows: event.rows }, fits: false }))
    case "answered":
      return still(changed(answered(state, event.notice)))
    case "trouble":
      return still({ ...state, notice: event.notice })
  }
}

const still = (state: LiveState): Step => ({ state, effects: [] })

/** Something else is about to be drawn: until it is, and was looked at, no key decides. */
function changed(state: LiveState): LiveState {
  const { shown: _, ...rest } = state
  return rest
}

function drawn(state: LiveState, { fits, last }: { fits: boolean; last: number }): LiveState {
  const { mode } = state
  const within = "offset" in mode ? { ...mode, offset: Math.min(mode.offset, last) } : mode
  return { ...state, fits, mode: within, shown: state.shown ?? state.now }
}

/** What this person signed is told once: its going from the queue is no news. */
function answered(state: LiveState, notice: string): LiveState {
  const signed = state.mode.at === "signing" ? state.mode.ids : []
  return { ...state, mode: { at: "card" }, notice, signed }
}

function withText(state: LiveState, text: string): LiveState {
  const { mode } = state
  return "text" in mode ? { ...state, mode: { ...mode, text } } : state
}

/** What waits now. A card that is gone takes what was about to be decided with it; the others stay where they are. */
function takeQueue(state: LiveState, queue: readonly Waiting[], gone: Readonly<Record<string, string>>): LiveState {
  const open = queue.filter(({ approval }) => approval.binding.expires > state.now)
  const lost = state.queue.filter(({ approval }) => !open.some((one) => one.approval.id === approval.id))
  const own = state.mode.at === "signing" ? state.mode.ids : state.signed
  const told = lost.map(({ approval }) => approval.id).filter((id) => !own.includes(id))
  const next = { ...state, queue: open }
  const notice = noticeOf(told, state.current, gone)
  return select({ ...next, ...(notice !== undefined && { notice }) }, state)
}

function expire(state: LiveState): LiveState {
  const over = state.queue.filter(({ approval }) => approval.binding.expires <= state.now)
  if (over.length === 0) return state
  const gone = Object.fromEntries(over.map(({ approval }) => [approval.id, "expired: it is refused"]))
  const queue = state.queue.filter((one) => !over.includes(one))
  const notice = noticeOf(Object.keys(gone), state.current, gone)
  return select({ ...state, queue, ...(notice !== undefined && { notice }) }, state)
}

function noticeOf(
  ids: readonly string[],
  current: string | undefined,
  gone: Readonly<Record<string, string>>,
): string | undefined {
  if (ids.length === 0) return undefined
  const first = current !== undefined && ids.includes(current) ? current : ids[0]!
  const more = ids.length > 1 ? `, and ${countOf(ids.length - 1, "other")} with it` : ""
  return cleanText(`${first} ${gone[first] ?? "waits no more"}${more}`, 200)
}

/** Keeps the card that is shown, or takes the one in its place; a change of either is not yet seen. */
function select(state: LiveState, before: LiveState): LiveState {
  const ids = state.queue.map(({ approval }) => approval.id)
  const was = before.queue.findIndex(({ approval }) => approval.id === before.current)
  const kept = before.current !== undefined && ids.includes(before.current)
  const current = kept ? before.current : ids[Math.min(Math.max(0, was), ids.length - 1)]
  const mode = stillPossible(before.mode, ids, kept) ? before.mode : ({ at: "card" } as const)
  const { current: _, ...rest } = state
  const after: LiveState = { ...rest, mode, ...(current !== undefined && { current }) }
  const same = current === before.current && mode === before.mode && signsOf(after) === signsOf(before)
  return same ? after : changed(after)
}

/** Whether what was about to be decided still waits. What is only looked at goes with its card. */
function stillPossible(mode: Mode, ids: readonly string[], kept: boolean): boolean {
  switch (mode.at) {
    case "card":
    case "help":
    case "signing":
      return true
    case "group":
    case "reason":
      return mode.ids.every((id) => ids.includes(id))
    case "uses":
    case "minutes":
      return ids.includes(mode.id)
    case "confirm":
      return mode.pending.ids.every((id) => ids.includes(id))
    case "full":
    case "rule":
      return kept
  }
}

/** What may change while it is looked at: who agreed, whether the person may still decide, and what the record says around it. */
function signsOf(state: LiveState): string {
  const ids = wantedIds(state)
  const shown = state.queue.filter(({ approval }) => ids.includes(approval.id))
  return JSON.stringify(shown.map(({ agreed, mine, background }) => [agreed, mine, background]))
}

/** Ids of what is looked at: the card, and where a list or a question is about others, those. */
export function wantedIds({ current, mode }: Pick<LiveState, "current" | "mode">): readonly string[] {
  const ids = listedIds(mode)
  return [...new Set(current === undefined ? ids : [current, ...ids])]
}

/** Ids of what a list, a question or an answer is about. */
export function listedIds(mode: Mode): readonly string[] {
  if (mode.at === "confirm") return mode.pending.ids
  return "ids" in mode ? mode.ids : []
}
