// Which schema of the record this program knows.
import { EXIT, NanoguardError } from "../errors.ts"

/** How many migrations `recordMigrations` has: `PRAGMA user_version` of a record of this version. */
export const RECORD_VERSION = 5

/** The error for a record that a newer nanoguard has written: this one could not keep what it does not know. */
export function newerSchema(place: string): NanoguardError {
  return new NanoguardError("the store was written by a newer version of nanoguard", {
    exit: EXIT.environment,
    hint: "update nanoguard on this machine: an older one cannot keep a record whole that it does not understand",
    where: { file: place },
  })
}
