// Which control sequences of an agent's program may reach the person's terminal: those that draw on its screen, and those questions
// whose answers have a fixed form. By name: what is not listed here does not pass. Names are those of ECMA-48 and of xterm's
// ctlseqs (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html).

/** A control sequence as it is read: `CSI prefix parameters intermediates final`. */
export interface ControlSequence {
  /** One of `<=>?`, or nothing. */
  prefix: string
  /** Digits, `;` and `:`. */
  parameters: string
  intermediates: string
  final: string
}

/** Gives the parameters that may pass, or nothing where the sequence may not. */
type Rule = (parameters: string) => string | undefined

const any: Rule = (parameters) => parameters
const only =
  (...allowed: string[]): Rule =>
  (parameters) =>
    allowed.includes(parameters) ? parameters : undefined

/** Of a list of modes those that may be set; none of them: no sequence. */
const modes =
  (allowed: ReadonlySet<string>): Rule =>
  (parameters) => {
    const kept = parameters.split(";").filter((mode) => allowed.has(mode))
    return kept.length === 0 ? undefined : kept.join(";")
  }

// Insert mode, and new lines that return. Not: a locked keyboard (2), local echo (12).
const ANSI_MODES = modes(new Set(["4", "20"]))

// Cursor keys, reverse screen, origin, wrap, cursor's blinking and visibility, keypad, alternate screens, mouse, focus, alternate
// scroll, bracketed paste, output in one go, width of characters, colour scheme's changes, size's changes. Not: VT52, 132 columns,
// Tektronix, sixels, margins, and mouse tracking that stops until a host answers (1001).
export const PRIVATE_MODES: ReadonlySet<string> = new Set(
  "1 5 6 7 9 12 25 47 66 1000 1002 1003 1004 1005 1006 1007 1015 1016 1047 1048 1049 2004 2026 2027 2031 2048".split(
    " ",
  ),
)

const RULES = new Map<string, Rule>([
  // Cursor, text, lines, tabs and scrolling. What was on the screen before it scrolled away (ED 3) is the person's.
  ...[..."@ABCDEFGHIKLMPSXZ`abdefgmr"].map((final): [string, Rule] => [final, any]),
  ["J", only("", "0", "1", "2")],
  // With more parameters it starts mouse tracking that waits for a host.
  ["T", (parameters) => (/[;:]/.test(parameters) ? undefined : parameters)],
  ["s", only("")],
  ["u", only("")],
  ["h", ANSI_MODES],
  ["l", ANSI_MODES],
  ["?h", modes(PRIVATE_MODES)],
  ["?l", modes(PRIVATE_MODES)],
  [" q", any],
  ["!p", any],
  ["?c", any],
  // Questions that full-screen programs ask of a terminal: where the cursor is, what it is, which modes it knows. Their answers go to
  // who asked and say nothing that the agent could choose.
  ["n", only("5", "6")],
  ["?n", only("6")],
  ["c", only("", "0")],
  [">c", only("", "0")],
  [">q", only("", "0")],
  ["$p", any],
  ["?$p", any],
  // Keys that a plain terminal cannot tell apart: kitty's protocol, and xterm's modifyOtherKeys.
  ["?u", any],
  [">u", any],
  ["<u", any],
  ["=u", any],
  [">m", (parameters) => (/^(4(;\d?)?)?$/.test(parameters) ? parameters : undefined)],
  [">n", only("4")],
])

/** Longer numbers are no terminal's rows, columns, colours or modes. */
const LONG_NUMBER = /\d{6}/

/** The parameters with which a control sequence passes; undefined where it does not. */
export function judgeControl({ prefix, parameters, intermediates, final }: ControlSequence): string | undefined {
  if (LONG_NUMBER.test(parameters)) return undefined
  return RULES.get(prefix + intermediates + final)?.(parameters)
}

// Save and restore the cursor, keypad, down, next line, tab stop, up; ASCII and line drawing as the two character sets that
// terminals' descriptions name. Not: a reset (it takes the scrollback along), other character sets and codings, DECID, 8-bit controls.
const ESCAPES: ReadonlySet<string> = new Set([..."78=>DEHM", "(B", "(0", ")B", ")0"])

/** Whether an escape sequence passes: `rest` is what follows ESC, intermediates and the final byte. */
export function judgeEscape(rest: string): boolean {
  return ESCAPES.has(rest)
}
