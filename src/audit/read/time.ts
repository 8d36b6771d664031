// Times as people write them after --since, --until and --as-of.
import { EXIT, NanoguardError } from "../../errors.ts"
import { DURATION, parseDuration } from "../../policy/duration.ts"

const DAY = 86_400_000
const DATE = /^\d{4}-\d\d-\d\d$/
/** RFC 3339, section 5.6; seconds may be left out, and a space may stand for the T. */
const INSTANT = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)$/

/**
 * Reads a time as milliseconds since the epoch: a span before `now` ("90m", "2h", "3d", "4w", "1y"), a day in UTC ("2026-11-01"),
 * or an instant with its offset (RFC 3339). A day is its first millisecond, or its last where `end` says so: `--since` a day and
 * `--until` the same day are that day. Throws `NanoguardError` (usage) that names the option.
 */
export function readTime(text: string, now: number, option: string, end = false): number {
  if (DURATION.test(text)) return now - parseDuration(text)
  const [, day, clock, zone] = INSTANT.exec(text) ?? []
  const date = DATE.test(text) ? text : day
  // Date.parse takes the 30th of February for the 2nd of March.
  const start = date === undefined ? Number.NaN : Date.parse(`${date}T00:00:00Z`)
  if (!Number.isNaN(start) && new Date(start).toISOString().startsWith(date!)) {
    if (clock === undefined) return end ? start + DAY - 1 : start
    const instant = Date.parse(`${date}T${clock}${zone!.toUpperCase()}`)
    if (!Number.isNaN(instant)) return instant
  }
  throw new NanoguardError(`${option} is not a time: ${text}`, {
    exit: EXIT.usage,
    hint: "a span such as 2h or 3d, a day such as 2026-11-01, or an instant such as 2026-11-01T09:30:00Z",
  })
}
