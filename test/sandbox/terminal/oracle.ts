// A second opinion of what may reach a terminal: a grammar of what is harmless, written without a look at the filter; and xterm.js, a
// terminal of other people's, which says what it was made to do.
import headless from "@xterm/headless"

const ALLOWED = new RegExp(
  [
    // Text: no C0 but BEL to SI, no DEL, no C1, no ESC.
    "[^\\x00-\\x06\\x10-\\x1f\\x7f-\\x9f]",
    // Save, restore, keypad, down, next line, tab stop, up; ASCII and line drawing.
    "\\x1b(?:[78=>DEHM]|[()][B0])",
    // Screen and colours; ED without 3, SD without mouse.
    "\\x1b\\[[0-9;:]*[@A-IK-MPSXZ`abdefgmr]",
    "\\x1b\\[[012]?J",
    "\\x1b\\[[0-9]*T",
    "\\x1b\\[[su]",
    // Modes by name.
    "\\x1b\\[(?:4|20)(?:;(?:4|20))*[hl]",
    "\\x1b\\[\\?(?:(?:1|5|6|7|9|12|25|47|66|100[0234567]|101[56]|104[789]|2004|2026|2027|2031|2048)(?:;(?=[0-9])|(?=[hl])))+[hl]",
    // Cursor's shape, soft reset.
    "\\x1b\\[[0-9;:]* q|\\x1b\\[[0-9;:]*!p|\\x1b\\[\\?[0-9;:]*c",
    // Questions with answers of a fixed form.
    "\\x1b\\[[56]n|\\x1b\\[\\?6n|\\x1b\\[>?0?[c]|\\x1b\\[>0?q|\\x1b\\[\\??[0-9;:]*\\$p",
    // Keyboards.
    "\\x1b\\[[?<=>][0-9;:]*u|\\x1b\\[>(?:4(?:;[0-9]?)?)?m|\\x1b\\[>4n",
  ].join("|"),
  "uy",
)

/** What in these bytes is not harmless; undefined where all of it is. */
export function findForbidden(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  ALLOWED.lastIndex = 0
  while (ALLOWED.lastIndex < text.length) {
    const at = ALLOWED.lastIndex
    // No terminal has so many rows, columns, colours or modes.
    const fine = ALLOWED.test(text) && !/[0-9]{6}/.test(text.slice(at, ALLOWED.lastIndex))
    if (!fine) return JSON.stringify(text.slice(at, at + 40))
  }
  return undefined
}

export interface Seen {
  /** Lines of the screen, and where the cursor is. */
  screen: string[]
  cursor: [number, number]
  /** What the terminal typed as an answer. */
  answers: string
  titles: string[]
  /** Numbers of the operating system commands that it got. */
  commands: number[]
  modes: object
  alternate: boolean
}

/** Shows bytes on a terminal of 80 x 24, after `before`. */
export async function showOnTerminal(bytes: Uint8Array, before = ""): Promise<Seen> {
  const terminal = new headless.Terminal({ cols: 80, rows: 24, allowProposedApi: true, scrollback: 50 })
  const answers: string[] = []
  const titles: string[] = []
  const commands: number[] = []
  terminal.onData((data) => void answers.push(data))
  terminal.onTitleChange((title) => void titles.push(title))
  for (const number of COMMANDS) {
    terminal.parser.registerOscHandler(number, () => {
      commands.push(number)
      return false
    })
  }
  await new Promise<void>((done) => terminal.write(before, done))
  await new Promise<void>((done) => terminal.write(bytes, done))
  const buffer = terminal.buffer.active
  const screen = Array.from(
    { length: 24 },
    (_, row) => buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? "",
  )
  const seen: Seen = {
    ...{ screen, answers: answers.join(""), titles, commands },
    cursor: [buffer.cursorX, buffer.cursorY],
    modes: terminal.modes,
    alternate: buffer.type === "alternate",
  }
  terminal.dispose()
  return seen
}

const COMMANDS = [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 22, 50, 52, 66, 99, 104, 110, 111, 112, 133, 633, 777, 1337]
