// Colour, decided once for each stream. chalk looks at neither NO_COLOR nor the stream that is written to, so the level
// is worked out here, and chalk loads only where it is above 0.
import type { ChalkInstance } from "chalk"
import type { Output } from "../context.ts"

/** Wraps one text in a style, or returns it as it is. */
export type Paint = (text: string) => string

/** The few styles that the output uses; all of them are the 16 basic colours, so themes and CI logs show them alike. */
export interface Style {
  bold: Paint
  dim: Paint
  red: Paint
  yellow: Paint
  green: Paint
  cyan: Paint
}

const same: Paint = (text) => text

/** No colour at all: files, pipes, CI logs, NO_COLOR. */
export const PLAIN_STYLE: Style = { bold: same, dim: same, red: same, yellow: same, green: same, cyan: same }

/**
 * Whether a stream gets colour. In this order: `--no-color`/`--color`; NO_COLOR, if not empty (no-color.org);
 * FORCE_COLOR (0 and false are off, anything else is on); TERM=dumb; then only a terminal does. CI makes no difference
 * of its own: its logs are no terminals, and those that show colour set FORCE_COLOR.
 */
export function wantsColor(stream: Output, env: Record<string, string | undefined>, flag?: boolean): boolean {
  if (flag !== undefined) return flag
  if (env["NO_COLOR"]) return false
  const force = env["FORCE_COLOR"]
  if (force !== undefined) return force !== "0" && force !== "false"
  return env["TERM"] !== "dumb" && stream.isTTY === true
}

/** The style for one stream. `flag` is what `--color` or `--no-color` said, undefined where neither was given. */
export async function loadStyle(
  stream: Output,
  env: Record<string, string | undefined>,
  flag?: boolean,
): Promise<Style> {
  if (!wantsColor(stream, env, flag)) return PLAIN_STYLE
  const { Chalk } = await import("chalk")
  const chalk: ChalkInstance = new Chalk({ level: 1 })
  return chalk
}
