// Values out of a line of an export, of which nothing is known.

import { decodeBase64 } from "../checkpoints/note.ts"
import { HASH_SIZE } from "../tree/merkle.ts"

/** What is wrong with an export. */
export class Rejected extends Error {}

/** Ends the check. */
export function reject(what: string): never {
  throw new Rejected(what)
}

/** An object, or the end of the check; the same for the rest. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return reject("it holds no object where one should be")
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : reject("it holds no list where one should be")
}

export function textIn(object: Record<string, unknown>, name: string): string {
  const value = object[name]
  return typeof value === "string" ? value : reject(`its ${name} is no text`)
}

export function wholeIn(object: Record<string, unknown>, name: string): number {
  const value = object[name]
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : reject(`its ${name} is no whole number`)
}

/** Hashes in base64, in its one spelling. */
export function hashesIn(object: Record<string, unknown>, name: string): Uint8Array[] {
  return listOf(object[name]).map((text) => {
    const bytes = typeof text === "string" ? decodeBase64(text) : undefined
    return bytes?.length === HASH_SIZE ? bytes : reject(`its ${name} holds what is no hash`)
  })
}

/** All of the required members and none that is unknown. */
export function noMoreThan(object: object, required: readonly string[], optional: readonly string[] = []): void {
  for (const name of required) if (!Object.hasOwn(object, name)) reject(`it is without ${name}`)
  for (const name of Object.keys(object)) {
    if (!required.includes(name) && !optional.includes(name)) reject(`it has an unknown member ${name}`)
  }
}
