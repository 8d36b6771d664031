// The approver's terminal without a screen: what is to be read, once, and the choices as numbers.
import type { LiveState } from "../approvals/live/types.ts"
import { cardOf } from "./card.ts"
import { type Key, keysFor } from "./card-keys.ts"
import { drawLive, type Fetched, fullLines } from "./card-live.ts"
import { type Line, linesOf, wrapWidth } from "./card-text.ts"
import { cleanText } from "./clean.ts"

export interface PlainScreen {
  text: string
  /** Differs where there is something new to read. */
  sign: string
  choices: readonly { key: string; what: string }[]
  /** Whether the next line that is typed is a text, and not a choice. */
  reads: boolean
  fits: boolean
}

/** Lines of one value; the full view has the rest. */
const MAX_LINES = 6

/** What a state is in words, for a terminal of so many columns. */
export function plainScreen(state: LiveState, fetched: Fetched | undefined, columns: number): PlainScreen {
  const { mode, now, queue } = state
  const one = queue.find(({ approval }) => approval.id === state.current)
  const reads = "text" in mode
  const notice: Line[] =
    state.notice === undefined ? [] : wrapWidth(cleanText(state.notice), columns).map((text) => ({ text }))
  const own = fetched?.id === one?.approval.id ? fetched : undefined
  let lines: readonly Line[]
  let fits = one?.background !== undefined
  if (mode.at === "card" && one !== undefined) {
    const { headline, top, sections, bottom } = cardOf(one, now)
    const rows = [{ label: "will", value: headline }, ...top, ...sections.flatMap((section) => section.rows), ...bottom]
    lines = rows.flatMap((row) => linesOf(row, columns, MAX_LINES))
  } else if (mode.at === "full" && one !== undefined) lines = fullLines(one, now, columns, own?.body)
  else {
    const screen = drawLive({ ...state, size: { columns, rows: 1000 } }, fetched)
    fits = screen.fits
    lines = screen.lines.slice(1).filter(({ text }) => text !== "" && text !== state.notice)
  }
  const choices = reads ? [] : keysFor(state).flatMap(choicesOf)
  const asked = mode.at === "card" && one === undefined ? [] : choices.map(({ what }, i) => `${i + 1}. ${what}`)
  const text = [
    ...notice.map(({ text }) => text),
    ...lines.map(({ text }) => text),
    ...asked,
    ...(reads ? [] : ["Number of your choice, then Enter:"]),
  ]
  const sign = JSON.stringify([
    state.current,
    mode,
    state.notice,
    one?.agreed,
    one?.mine,
    one?.background,
    own,
    queue.length === 0,
  ])
  return { text: `\n${text.join("\n")}\n`, sign, choices, reads, fits }
}

/** What a key of the screen is as a choice: none where it only moves over a screen. */
function choicesOf([key, what]: Key): { key: string; what: string }[] {
  if (key === "up/down" || key === "space") return []
  if (key === "Esc") return [{ key: "escape", what }]
  if (key !== "n/p") return [{ key, what }]
  return [
    { key: "n", what: "next" },
    { key: "p", what: "previous" },
  ]
}
