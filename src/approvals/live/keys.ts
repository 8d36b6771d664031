// What keys do at the approver's terminal. Nothing is decided by one key alone, by Enter on a card, or by what was typed ahead.
import { MAX_NOTE } from "../answer.ts"
import { readNetwork } from "../read-arguments.ts"
import { similarTo } from "../similar.ts"
import { plainTerms } from "../terms.ts"
import type { Terms } from "../types.ts"
import type { Effect, LiveState, Mode, Step, Waiting } from "./types.ts"

/** Milliseconds that something has to have been on the screen before a key decides about it. */
export const GUARD = 500

/** What "alike" means where nothing else is typed, and at most. */
export const ALIKE = { uses: 3, minutes: 15, maxUses: 100, maxMinutes: 480 } as const

/** Most requests that one list decides: what a person can read. */
export const MAX_GROUP = 12

const ALONE = "by policy each of these is approved by itself"

/** Whether a yes to it is for it alone, by policy. */
export const isAlone = ({ approval }: Waiting): boolean => approval.binding.approvers.alike === false

/** What a key does. `key` is a name such as `enter`, or the character. */
export function pressKey(state: LiveState, key: string): Step {
  if (key === "ctrl-c") return doing(state, { do: "quit" })
  if (key === "ctrl-z") return state.mode.at === "signing" ? only(state) : doing(state, { do: "suspend" })
  switch (state.mode.at) {
    case "signing":
      return only(state)
    case "card":
      return pressOnCard(clear(state), key)
    case "group":
      return pressOnGroup(clear(state), key, state.mode.ids)
    case "confirm":
      if (key === "y") return state.fits ? decided(state, () => sign(state)) : only(state)
      return only(to(state, { at: "card" }, "nothing was decided"))
    case "reason":
    case "uses":
    case "minutes":
      return pressInText(state, key, state.mode)
    default:
      return pressInView(state, key, state.mode)
  }
}

function pressOnCard(state: LiveState, key: string): Step {
  const one = currentOf(state)
  switch (key) {
    case "q":
      return doing(state, { do: "quit" })
    case "?":
    case "h":
      return only(to(state, { at: "help", offset: 0 }))
    case "n":
    case "right":
    case "tab":
      return only(move(state, 1))
    case "p":
    case "left":
      return only(move(state, -1))
  }
  if (one === undefined) return only(state)
  const { approval } = one
  switch (key) {
    case "v":
      return doing(to(state, { at: "full", offset: 0 }), { do: "body", id: approval.id })
    case "l":
      return doing(to(state, { at: "rule", offset: 0 }), { do: "rule", id: approval.id })
    case "g":
      return only(to(state, { at: "group", ids: groupOf(state, approval.id) }))
    case "a":
      return decide(state, [one], () => to(state, confirmed(state, "approve", [one], {})))
    case "d":
      return decide(state, [one], () => to(state, { at: "reason", ids: [approval.id], text: "" }))
    case "u":
      if (approval.binding.kind !== "network") return only({ ...state, notice: "only requests can be approved alike" })
      // Without it, nothing would be covered.
      if (readNetwork(approval.binding)?.also === undefined)
        return only({ ...state, notice: "what other rules ask about it is not known: approve this one alone" })
      if (isAlone(one)) return only({ ...state, notice: ALONE })
      return decide(state, [one], () => to(state, { at: "uses", id: approval.id, text: "" }))
    default:
      return only(state)
  }
}

function pressOnGroup(state: LiveState, key: string, ids: readonly string[]): Step {
  const all = state.queue.filter(({ approval }) => ids.includes(approval.id))
  // Two lines of a list are not the card of what is approved by itself.
  if (key === "a" && all.some(isAlone)) return only({ ...state, notice: ALONE })
  if (key === "a") return decide(state, all, () => to(state, confirmed(state, "approve", all, {})))
  if (key === "d") return decide(state, all, () => to(state, { at: "reason", ids, text: "" }))
  return ["escape", "g", "q"].includes(key) ? only(to(state, { at: "card" })) : only(state)
}

/** What may be decided is what is on the screen, whole, for long enough, and this person's to decide. */
function decide(state: LiveState, items: readonly Waiting[], then: () => LiveState): Step {
  if (items.some(({ mine }) => !mine)) return only({ ...state, notice: `not ${state.signer}'s to decide` })
  if (!state.fits) return only({ ...state, notice: "the terminal is too small: make it larger, or use approve <id>" })
  return decided(state, () => only(then()))
}

function decided(state: LiveState, then: () => Step): Step {
  return state.shown !== undefined && state.now - state.shown >= GUARD ? then() : only(state)
}

type TextMode = Extract<Mode, { text: string }>

function pressInText(state: LiveState, key: string, mode: TextMode): Step {
  if (key === "escape") return only(to(state, { at: "card" }, "nothing was decided"))
  if (key === "enter") return decided(state, () => finishText(state, mode))
  const limit = mode.at === "reason" ? MAX_NOTE : 4
  const typed = key === "space" ? " " : key
  const text =
    key === "backspace" ? [...mode.text].slice(0, -1).join("") : isText(typed) ? `${mode.text}${typed}` : mode.text
  const { notice: _, ...rest } = state
  return only({ ...rest, mode: { ...mode, text: text.length > limit ? mode.text : text } })
}

const isText = (key: string) => [...key].length === 1 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(key)

function finishText(state: LiveState, mode: TextMode): Step {
  if (mode.at === "reason") {
    const items = state.queue.filter(({ approval }) => mode.ids.includes(approval.id))
    const note = mode.text.trim().slice(0, MAX_NOTE)
    return sign({ ...state, mode: confirmed(state, "deny", items, note === "" ? {} : { note }) })
  }
  const most = mode.at === "uses" ? ALIKE.maxUses : ALIKE.maxMinutes
  const text = mode.text.trim() === "" ? String(ALIKE[mode.at]) : mode.text.trim()
  const number = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Infinity
  if (number > most) return only({ ...state, mode: { ...mode, text: "" }, notice: `a number from 1 to ${most}` })
  if (mode.at === "uses") return only(to(state, { at: "minutes", id: mode.id, uses: number, text: "" }))
  const items = state.queue.filter(({ approval }) => approval.id === mode.id)
  const alike: Terms = { covers: "alike", uses: mode.uses, expires: state.now + number * 60_000 }
  return only(to(state, confirmed(state, "approve", items, alike)))
}

function pressInView(state: LiveState, key: string, mode: Extract<Mode, { offset: number }>): Step {
  const page = Math.max(1, state.size.rows - 4)
  const steps: Record<string, number> = {
    ...{ down: 1, j: 1, enter: 1, up: -1, k: -1, pagedown: page, space: page, pageup: -page, b: -page },
    ...{ home: -Infinity, end: Infinity },
  }
  const step = steps[key]
  if (step !== undefined) return only({ ...state, mode: { ...mode, offset: Math.max(0, mode.offset + step) } })
  return ["escape", "q", "v", "l", "?"].includes(key) ? only(to(state, { at: "card" })) : only(state)
}

function confirmed(state: LiveState, answer: "approve" | "deny", items: readonly Waiting[], more: Terms): Mode {
  const terms = items.map(({ approval }): [string, Terms] => [
    approval.id,
    answer === "deny" ? more : { ...plainTerms(approval.binding, state.now), ...more },
  ])
  const ids = items.map(({ approval }) => approval.id)
  return { at: "confirm", pending: { answer, ids, terms: Object.fromEntries(terms) } }
}

function sign(state: LiveState): Step {
  if (state.mode.at !== "confirm") return only(state)
  const { answer, ids, terms } = state.mode.pending
  const items = state.queue.flatMap(({ approval: { id, digest } }) =>
    ids.includes(id) ? [{ id, digest, answer, terms: terms[id]! }] : [],
  )
  return doing(to(state, { at: "signing", ids }), { do: "answer", items })
}

function groupOf({ queue, size }: LiveState, id: string): string[] {
  const similar = similarTo(
    queue.filter(({ mine }) => mine).map(({ approval }) => approval),
    id,
  ).map((one) => one.id)
  // The card that is shown is always among them; and only what the list has room for, three lines each.
  const room = Math.max(1, Math.min(MAX_GROUP, Math.floor((size.rows - 8) / 3)))
  return [id, ...similar.filter((other) => other !== id)].slice(0, room)
}

function move(state: LiveState, by: number): LiveState {
  const { queue, current } = state
  if (queue.length < 2) return state
  const at = queue.findIndex(({ approval }) => approval.id === current)
  const next = queue[(at + by + queue.length) % queue.length]!
  return to({ ...state, current: next.approval.id }, { at: "card" })
}

/** Another thing to look at: keys that decide wait until it was looked at. */
function to(state: LiveState, mode: Mode, notice?: string): LiveState {
  const { shown: _, ...rest } = state
  return { ...rest, mode, ...(notice !== undefined && { notice }) }
}

function clear(state: LiveState): LiveState {
  const { notice: _, ...rest } = state
  return rest
}

const currentOf = ({ queue, current }: LiveState) => queue.find(({ approval }) => approval.id === current)
const only = (state: LiveState): Step => ({ state, effects: [] })
const doing = (state: LiveState, ...effects: Effect[]): Step => ({ state, effects })
