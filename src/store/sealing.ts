// What happens to the events of a batch before they are rows, in both engines: personal values are looked up or get a
// commitment, the clock is held against the log, and each event becomes the canonical text that is hashed.
import { newPerson } from "../audit/sealing/people.ts"
import { personalText, personalValues, type SealKeys, sealEvent } from "../audit/sealing/seal.ts"
import type { NewEvent, PersonCommitment } from "../audit/types.ts"
import { type Draft, sealRead } from "./draft.ts"
import type { PendingBatch } from "./engine.ts"
import type { PeopleTable } from "./schema.ts"

/** Commitments by value, as far as they are known within one transaction. */
export type Commitments = Map<string, PersonCommitment>

export interface SealedBatch {
  bodies: string[]
  /** Rows of `people` that the batch needs and that are not there yet. */
  people: PeopleTable[]
}

/** Milliseconds that the clock may be behind the newest record before the log says so: clocks of several hosts differ. */
const CLOCK_TOLERANCE = 1000

/**
 * The personal values of a group, to be looked up at once. An invalid event has none here: `sealBatch` says what is wrong
 * with it, to its own caller.
 */
export function personalValuesOf(batches: readonly PendingBatch[], keys: SealKeys): string[] {
  const values = new Set<string>()
  for (const { events, draft } of batches) {
    if (draft) for (const value of draft.values) values.add(personalText(value, keys))
    for (const event of events) for (const value of valuesOrNone(event, keys)) values.add(value)
  }
  return [...values]
}

function valuesOrNone(event: NewEvent, keys: SealKeys): string[] {
  try {
    return personalValues(event, keys)
  } catch {
    return []
  }
}

/**
 * Seals a batch's events in order. A value without a commitment gets one, in `commitments` as well: where the batch is undone,
 * its `people` have to leave there again. Throws `NanoguardError` (usage) for an event that the log cannot keep.
 */
export function sealBatch(
  events: readonly NewEvent[],
  keys: SealKeys,
  commitments: Commitments,
  time: number,
): SealedBatch {
  const people: PeopleTable[] = []
  try {
    const bodies = events.map((event) => {
      if (hasPeople(event)) commitNew(personalValues(event, keys), commitments, people)
      return sealEvent(event, { ...keys, commitments, time })
    })
    return { bodies, people }
  } catch (error) {
    forgetPeople(people, commitments)
    throw error
  }
}

/** Seals a draft, as `sealBatch` does events. */
export function sealDrafted(draft: Draft, keys: SealKeys, commitments: Commitments): SealedBatch {
  const people: PeopleTable[] = []
  try {
    const body = sealRead(draft, keys, (value) => {
      commitNew([value], commitments, people)
      return commitments.get(value)!
    })
    return { bodies: [body], people }
  } catch (error) {
    forgetPeople(people, commitments)
    throw error
  }
}

/** Takes back the commitments of a batch that was undone. */
export function forgetPeople(people: readonly PeopleTable[], commitments: Commitments): void {
  for (const { value } of people) commitments.delete(value)
}

/**
 * The event for a clock that is more than a second behind the log's newest record, else undefined. The record that follows is
 * newest then, with the clock's own time: a step back is told once. Times in milliseconds since the epoch.
 */
export function clockBackEvent(newest: number, time: number, gateway: string): NewEvent | undefined {
  if (time >= newest - CLOCK_TOLERANCE) return undefined
  const detail = { newest: new Date(newest).toISOString(), behindMs: newest - time }
  return { type: "log.clock-back", subject: "clock", gateway, time, detail }
}

/** The time of a record, from its canonical text, in milliseconds since the epoch; 0 where it has none that can be read. */
export function timeOfRecord(body: string): number {
  try {
    return Date.parse((JSON.parse(body) as { time: string }).time) || 0
  } catch {
    return 0
  }
}

function hasPeople(event: NewEvent): boolean {
  return (
    event?.operator !== undefined ||
    event?.by !== undefined ||
    event?.note !== undefined ||
    event?.decision?.verdict?.excepted !== undefined
  )
}

function commitNew(values: readonly string[], commitments: Commitments, people: PeopleTable[]): void {
  for (const value of values) {
    if (commitments.has(value)) continue
    const person = newPerson(value)
    commitments.set(value, person.commitment)
    people.push(person)
  }
}
