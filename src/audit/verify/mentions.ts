// What the bodies of a range say of rows that lie beside the log: whom they name, who was erased, what was archived.
import { commitmentsOf } from "../export-format.ts"
import { PERSON } from "../people.ts"
import type { BodyRow } from "./scan.ts"

export interface Mentions {
  /** Commitments to personal values. */
  people: string[]
  /** Commitments that a record of the log's own says were erased. */
  erased: string[]
  /** Sequence numbers that such records say were archived up to. */
  archived: number[]
}

const MARK = '"person:'
const LENGTH = "person:".length + 43
const OWN = /"type":"log\.(?:erased|archived)"/

/** Begins with none. */
export function beginMentions() {
  // Every text that looks like one, so that a record is read only where it may name somebody new.
  const seen = new Set<string>()
  const people = new Set<string>()
  const erased = new Set<string>()
  const archived = new Set<number>()

  const hasNew = (body: string): boolean => {
    let found = false
    for (let at = body.indexOf(MARK); at >= 0; at = body.indexOf(MARK, at + LENGTH)) {
      const text = body.slice(at + 1, at + 1 + LENGTH)
      if (seen.has(text)) continue
      seen.add(text)
      found = true
    }
    return found
  }

  return {
    add: (rows: readonly BodyRow[]) => {
      for (const [, body] of rows) {
        const own = body.includes('"type":"log.') && OWN.test(body)
        if (!hasNew(body) && !own) continue
        const record = parse(body)
        for (const commitment of commitmentsOf(record)) if (PERSON.test(commitment)) people.add(commitment)
        if (record["type"] === "log.erased") for (const text of textsOf(record["detail"])) erased.add(text)
        if (record["type"] === "log.archived") for (const seq of numbersOf(record["detail"])) archived.add(seq)
      }
    },
    result: (): Mentions => ({ people: [...people], erased: [...erased], archived: [...archived] }),
  }
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function textsOf(detail: unknown): string[] {
  return valuesOf(detail).filter((value) => typeof value === "string" && PERSON.test(value)) as string[]
}

function numbersOf(detail: unknown): number[] {
  return valuesOf(detail).filter((value) => typeof value === "number")
}

function valuesOf(detail: unknown): unknown[] {
  return typeof detail === "object" && detail !== null ? Object.values(detail).flat() : []
}
