// Events on their way to the committer, half sealed. Canonical text costs the main thread little more than JSON would, and
// the committer has only to put commitments in and to look for secrets: both threads have about the same to do, and together
// they commit almost twice as many records.
import { randomBytes } from "node:crypto"
import { draftEvent, personalText, type SealKeys, sealDraft } from "../audit/sealing/seal.ts"
import type { PersonCommitment } from "../audit/types.ts"
import type { Batch } from "./types.ts"

/** What stands for personal values in the drafts of one message: `prefix` and the value's place, in five digits. */
export interface DraftPeople {
  /** "person:" and 38 characters that nobody can guess: no text of an event can be mistaken for one. */
  prefix: string
  values: readonly string[]
}

/** One event between the threads: pieces of its text, and the personal values whose commitments go between them. */
export interface Draft {
  pieces: readonly string[]
  values: readonly string[]
}

export interface Drafter {
  /** The draft of a batch that is one event and nothing else; undefined for what the committer has to seal as a whole. */
  draft(batch: Batch, time: number): string | undefined
  /** What the drafts since the last call need; the next ones begin anew. */
  takePeople(): DraftPeople
}

const DIGITS = 5
const MAX_VALUES = 10 ** DIGITS

/** More than an event names: approvers, owners of exceptions. */
const MAX_PEOPLE = 4096

/** Longest personal text of a draft, in UTF-16 units. */
const MAX_NOTE = 4096

/** Drafts for one committer. */
export function createDrafter(): Drafter {
  const prefix = `person:${randomBytes(30).toString("base64url").slice(0, 38)}`
  let places = new Map<string, number>()
  const commitments = {
    get(value: string): PersonCommitment {
      const place = places.get(value) ?? places.size
      if (place === places.size) places.set(value, place)
      return `${prefix}${String(place).padStart(DIGITS, "0")}` as PersonCommitment
    },
  } as ReadonlyMap<string, PersonCommitment>
  return {
    draft({ changes, events }, time) {
      const [event] = events ?? []
      if (event === undefined || events?.length !== 1 || (changes?.length ?? 0) > 0) return undefined
      // With a time of its own it is not held against the clock, and a draft does not tell.
      if (event?.secrets !== undefined || event?.time !== undefined) return undefined
      // What goes over beside the text counts for nobody, so it must be short.
      if ((event?.note?.length ?? 0) > MAX_NOTE || places.size + MAX_PEOPLE > MAX_VALUES) return undefined
      return draftEvent(event, { commitments, time })
    },
    takePeople() {
      const people = { prefix, values: [...places.keys()] }
      places = new Map()
      return people
    },
  }
}

/** Takes a draft apart at its personal values. */
export function readDraft(text: string, { prefix, values }: DraftPeople): Draft {
  const [first = "", ...rest] = text.split(prefix)
  return {
    pieces: [first, ...rest.map((piece) => piece.slice(DIGITS))],
    values: rest.map((piece) => values[Number(piece.slice(0, DIGITS))]!),
  }
}

/** The record's text; `commitmentOf` is asked for each personal value, as `personalText` has it. */
export function sealRead(draft: Draft, keys: SealKeys, commitmentOf: (value: string) => PersonCommitment): string {
  let text = draft.pieces[0]!
  for (const [n, value] of draft.values.entries()) {
    text += commitmentOf(personalText(value, keys)) + draft.pieces[n + 1]!
  }
  return sealDraft(text, keys)
}
