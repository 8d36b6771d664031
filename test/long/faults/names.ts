// Events whose whole content follows from their name, so that what is found in a log later can be compared with what was given.
import { createHash } from "node:crypto"
import type { NewEvent } from "../../../src/audit/types.ts"

/** The event of a name, `<gateway>-<number>`: of up to 3 KB, with a person in it, and every fourth with a secret. */
export function eventOf(id: string): NewEvent {
  const [length, who, secret] = createHash("sha256").update(id).digest()
  const event: NewEvent = {
    type: "package.decided",
    subject: id,
    gateway: id.slice(0, id.lastIndexOf("-")),
    operator: `person-${who! % 16}@acme.example`,
    detail: { payload: `${id} `.repeat(1 + (length! % 192)) },
  }
  return secret! % 4 === 0 ? { ...event, secrets: { token: `token of ${id}` } } : event
}

/** Whether a writer that mixes does not wait for the sync of this one: 8 in turn do, 56 do not, so that whole groups are of one kind. */
export function isLax(id: string): boolean {
  return Number(id.slice(id.lastIndexOf("-") + 1)) % 64 >= 8
}
