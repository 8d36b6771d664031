// What the records of a range say of rows that lie beside the log: whom they name, who was erased, what was archived.
import { commitmentsOf } from "../export/format.ts"
import { PERSON } from "../sealing/people.ts"
import type { LogRecord } from "../types.ts"

/** A record by its sequence number; undefined where its body cannot be read. */
export type ParsedRow = readonly [seq: number, record: Partial<LogRecord> | undefined]

export interface Mentions {
  /** Commitments to personal values. */
  people: string[]
  /** Commitments that a record of the log's own says were erased. */
  erased: string[]
  /** Sequence numbers that such records say were archived up to. */
  archived: number[]
  /** Bodies that are no record of this version: the first of them, by sequence number. */
  unreadable: number[]
}

/** Unreadable bodies that a range names. */
const MOST = 20

/** Begins with none. */
export function beginMentions() {
  const people = new Set<string>()
  const erased = new Set<string>()
  const archived = new Set<number>()
  const unreadable: number[] = []
  return {
    add: (rows: readonly ParsedRow[]) => {
      for (const [seq, record] of rows) {
        if (record === undefined && unreadable.length < MOST) unreadable.push(seq)
        if (record === undefined) continue
        const { operator, by, note, verdict } = record
        // Most records name nobody but their operator.
        if (by === undefined && note === undefined && verdict?.excepted === undefined) addPerson(people, operator)
        else for (const commitment of commitmentsOf(record)) addPerson(people, commitment)
        if (record.type === "log.erased") for (const text of valuesOf(record.detail)) addPerson(erased, text)
        if (record.type === "log.archived") {
          for (const seq of valuesOf(record.detail)) if (typeof seq === "number") archived.add(seq)
        }
      }
    },
    result: (): Mentions => ({ people: [...people], erased: [...erased], archived: [...archived], unreadable }),
  }
}

function addPerson(people: Set<string>, text: unknown): void {
  if (typeof text === "string" && !people.has(text) && PERSON.test(text)) people.add(text)
}

function valuesOf(detail: unknown): unknown[] {
  return typeof detail === "object" && detail !== null ? Object.values(detail).flat() : []
}
