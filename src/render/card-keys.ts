// The last lines of the approver's screen: the question that is asked, or the keys that do something now.
import { shortDigest } from "../approvals/binding.ts"
import { ALIKE, isAlone } from "../approvals/live/keys.ts"
import { listedIds } from "../approvals/live/reduce.ts"
import type { LiveState } from "../approvals/live/types.ts"
import { type Line, shortValue, wrapWidth } from "./card-text.ts"
import { meaningOf } from "./card-words.ts"
import { countOf } from "./clean.ts"
import { cutToWidth, widthOf } from "./terminal-width.ts"

/** A key, what it does, and the same in a word. */
export type Key = readonly [key: string, what: string, short?: string]

/** The question, or the keys: what a screen never cuts away. */
export function footLines(state: LiveState, columns: number): Line[] {
  const { mode } = state
  const ask = (question: string): Line[] => wrapWidth(question, columns).map((text) => ({ text, tone: "head" }))
  switch (mode.at) {
    case "reason":
      return [
        ...ask(`Deny ${whichOf(state, mode.ids)}. Why? The agent is told. Enter denies, Esc goes back.`),
        typed(mode.text, columns),
      ]
    case "uses":
      return [
        ...ask(`Approve alike: how many uses, 1 to ${ALIKE.maxUses}? Enter takes ${ALIKE.uses}, Esc goes back.`),
        typed(mode.text, columns),
      ]
    case "minutes":
      return [
        ...ask(`For how many minutes, 1 to ${ALIKE.maxMinutes}? Enter takes ${ALIKE.minutes}, Esc goes back.`),
        typed(mode.text, columns),
      ]
    case "confirm":
      return ask(`${meaningOf(state, mode.pending)} y signs it; any other key goes back.`)
    case "signing":
      return ask(`Signing ${whichOf(state, mode.ids)} ...`)
    default:
      return keyLines(keysFor(state), columns)
  }
}

/** The keys that do something now, and what. */
export function keysFor(state: LiveState): Key[] {
  switch (state.mode.at) {
    case "card":
      return cardKeys(state)
    case "group":
      return [
        ...(listedOf(state).some(isAlone) ? [] : [["a", "approve all of these"] as const]),
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
    default:
      return []
  }
}

function listedOf({ queue, mode }: LiveState) {
  const ids = listedIds(mode)
  return queue.filter(({ approval }) => ids.includes(approval.id))
}

function cardKeys({ queue, current }: LiveState): Key[] {
  const one = queue.find(({ approval }) => approval.id === current)
  const keys: Key[] = []
  if (one?.mine) keys.push(["a", "approve"], ["d", "deny"])
  const isRequest = one?.approval.binding.kind === "network"
  if (one?.mine && isRequest && !isAlone(one)) keys.push(["u", "approve alike", "alike"])
  if (one !== undefined) keys.push(["v", "full view", "view"])
  if (queue.length > 1) keys.push(["n/p", "next, previous", "next"], ["g", "group"])
  if (isRequest) keys.push(["l", "policy line", "line"])
  return [...keys, ["?", "help"], ["q", "quit"]]
}

function keyLines(keys: readonly Key[], columns: number): Line[] {
  const narrow = columns < 60
  const gap = narrow ? "  " : "   "
  const lines: string[] = []
  for (const [key, what, short = what] of keys) {
    const item = `${key} ${narrow ? short : what}`
    const last = lines.at(-1)
    if (last !== undefined && last.length + gap.length + item.length <= columns)
      lines[lines.length - 1] = `${last}${gap}${item}`
    else lines.push(item)
  }
  return lines.map((text) => ({ text: cutToWidth(text, columns), tone: "head" }))
}

/** What was typed so far: its end, where it is longer than the line. */
function typed(text: string, columns: number): Line {
  const chars = [...shortValue(text, 5000)]
  while (widthOf(chars.join("")) > Math.max(1, columns - 4)) chars.shift()
  return { text: cutToWidth(`> ${chars.join("")}_`, columns) }
}

function whichOf({ queue }: LiveState, ids: readonly string[]): string {
  if (ids.length > 1) return countOf(ids.length, "request")
  const digest = queue.find(({ approval }) => approval.id === ids[0])?.approval.digest
  return digest === undefined ? (ids[0] ?? "") : shortDigest(digest)
}
