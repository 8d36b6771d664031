// What an agent's program changed in the person's terminal, so that it can be set right when the program ends in the middle.
import type { ControlSequence } from "./sequences.ts"

export interface ModeTracker {
  /** A colour that passed. */
  colour: () => void
  /** Any control sequence that passed. */
  control: (sequence: ControlSequence) => void
  /** An escape sequence that passed, without ESC. */
  escape: (rest: string) => void
  /** SO: the other character set. */
  shiftOut: () => void
  /** What sets right whatever is not as terminals start; "" where nothing is. */
  reset: () => string
}

// Modes of a terminal that starts are reset, but for these.
const SET_AT_START: ReadonlySet<string> = new Set(["7", "25", "1007"])
const ALTERNATE = ["1049", "1047", "47"]
// Nothing to undo: what they save is only used by who restores it; blinking is part of the cursor's shape.
const WITHOUT_RESET: ReadonlySet<string> = new Set(["1048", "12"])
// SI, and ASCII as both character sets.
const CHARSETS = "\x0f\x1b(B\x1b)B"
// Origin mode moves the cursor and is undone together with the region.
const ORIGIN = "6"

/** Follows what passes; everything is as in a terminal that starts. */
export function createModeTracker(): ModeTracker {
  /** Private modes that are not as at the start, in the order in which they changed. */
  const changed = new Set<string>()
  /** Other things that have to be undone: the sequence that does. */
  const undo = new Map<string, string>()
  /** How many entries of kitty's keyboard stack are the program's, on the main and on the alternate screen. */
  const pushed: [number, number] = [0, 0]
  let coloured = false
  const screen = () => (ALTERNATE.some((mode) => changed.has(mode)) ? 1 : 0)

  const setModes = (parameters: string, set: boolean) => {
    for (const mode of parameters.split(";")) {
      if (WITHOUT_RESET.has(mode)) continue
      if (set === SET_AT_START.has(mode)) changed.delete(mode)
      else changed.add(mode)
    }
  }

  return {
    colour: () => {
      coloured = true
    },
    control: ({ prefix, parameters, intermediates, final }) => {
      switch (prefix + intermediates + final) {
        case "?h":
        case "?l":
          return setModes(parameters, final === "h")
        case "h":
        case "l":
          for (const mode of parameters.split(";"))
            if (final === "h") undo.set(`ansi ${mode}`, `\x1b[${mode}l`)
            else undo.delete(`ansi ${mode}`)
          return
        case "m":
          coloured = true
          return
        case "r":
          if (parameters === "") undo.delete("region")
          else undo.set("region", "")
          return
        case " q":
          if (/^0?$/.test(parameters)) undo.delete("shape")
          else undo.set("shape", "\x1b[0 q")
          return
        case "?c":
          undo.set("linux", "\x1b[?0c")
          return
        case ">m":
        case ">n":
          if (/^4;[1-9]/.test(parameters)) undo.set("keys", "\x1b[>4;0m")
          else undo.delete("keys")
          return
        case ">u":
          pushed[screen()]!++
          return
        case "<u":
          pushed[screen()] = Math.max(0, pushed[screen()]! - Math.max(1, Number(parameters.split(";")[0])))
          return
        case "=u":
          undo.set("kitty", "\x1b[=0u")
      }
    },
    escape: (rest) => {
      if (rest === "=") undo.set("keypad", "\x1b>")
      else if (rest === ">") undo.delete("keypad")
      else if (rest.endsWith("0")) undo.set("charset", CHARSETS)
    },
    shiftOut: () => void undo.set("charset", CHARSETS),
    reset: () => resetOf(changed, undo, pushed) + (coloured ? "\x1b[0m" : ""),
  }
}

function resetOf(changed: ReadonlySet<string>, undo: ReadonlyMap<string, string>, pushed: readonly [number, number]) {
  const mode = (name: string) => `\x1b[?${name}${SET_AT_START.has(name) ? "h" : "l"}`
  const alternate = ALTERNATE.filter((name) => changed.has(name))
  const pop = (count: number) => (count === 0 ? "" : `\x1b[<${Math.min(count, 99)}u`)
  const others = [...changed].filter((name) => !ALTERNATE.includes(name) && name !== ORIGIN)
  return [
    ...others.map(mode),
    pop(pushed[1]),
    // The screen that the person had, and the cursor where it was; what follows is then of that screen.
    ...alternate.map(mode),
    pop(pushed[0]),
    ...undo.values(),
    region(changed.has(ORIGIN), undo.has("region")),
    // Somebody drew here and was cut off: what is left below the cursor is nobody's.
    changed.size === 0 ? "" : "\r\n\x1b[J",
  ].join("")
}

/** The whole screen scrolls again. Both sequences send the cursor home: it is put back, or to the last line where that cannot be. */
function region(origin: boolean, changed: boolean): string {
  if (origin) return "\x1b[?6l\x1b[r\x1b[999H"
  return changed ? "\x1b7\x1b[r\x1b8" : ""
}
