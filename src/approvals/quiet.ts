// Hours in which nobody is asked.
import type { Approvers } from "../policy/compiled.ts"
import { type Consulted, consult } from "../policy/consult.ts"
import type { Risk } from "../policy/risk.ts"

type Quiet = NonNullable<Approvers["quiet"]>

/** Clocks of time zones: making one takes longer than asking it a hundred times. */
const clocks = new Map<string, Intl.DateTimeFormat>()

/**
 * The hours that keep a rule's `approvers` ("" where it names none) from being asked at `now` (ms since the epoch); undefined where they may
 * be, or where what is asked at this level does not wait for the morning. A zone that this machine does not know is quiet always: nobody can say what time it is there.
 */
export function quietAt(policy: Consulted, group: string, now: number, risk?: Risk): Quiet | undefined {
  const { groups, level } = consult(policy, group, risk)
  if (!level.quiet) return undefined
  // Where the people of several groups are asked, somebody of another one is awake.
  if (groups.length === 0 || !groups.every(({ quiet }) => quiet !== undefined && isQuiet(quiet, now))) return undefined
  return groups[0]!.quiet
}

function isQuiet({ from, to, zone }: Quiet, now: number): boolean {
  const time = timeIn(zone, now)
  if (time === undefined) return true
  return from <= to ? from <= time && time < to : from <= time || time < to
}

/** `HH:MM` of a moment in a time zone; undefined where there is no such zone. */
function timeIn(zone: string, now: number): string | undefined {
  let clock = clocks.get(zone)
  try {
    clock ??= new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
  } catch {
    return undefined
  }
  clocks.set(zone, clock)
  return clock.format(now)
}
