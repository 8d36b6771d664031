// The options by which commands choose records, as they are typed.
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { RecordFilter } from "./query.ts"
import { readTime } from "./time.ts"

/** What `audit tail` and its like take; each choice is checked where it is declared. */
export interface RecordOptions {
  agent?: string
  run?: string
  kind?: RecordFilter["kind"]
  type?: string
  effect?: RecordFilter["effect"]
  outcome?: RecordFilter["outcome"]
  since?: string
  until?: string
}

/** Options as a filter. Throws `NanoguardError` (usage) for a time that is none. */
export function readFilter(ctx: Pick<Context, "now">, options: RecordOptions): RecordFilter {
  const { agent, run, kind, type, effect, outcome, since, until } = options
  return {
    ...{ agent, run, kind, type, effect, outcome },
    ...(since !== undefined && { since: readTime(since, ctx.now(), "--since") }),
    ...(until !== undefined && { until: readTime(until, ctx.now(), "--until", true) }),
  }
}

/** A positive whole number, up to `most`. Throws `NanoguardError` (usage) that names the option. */
export function readNumber(text: string, option: string, most: number): number {
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (number <= most) return number
  throw new NanoguardError(`${option} is not a whole number from 1 to ${most}: ${text}`, {
    exit: EXIT.usage,
    hint: `such as ${option.startsWith("-") ? `${option} ` : ""}${Math.min(20, most)}`,
  })
}
