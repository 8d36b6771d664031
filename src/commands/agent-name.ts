// What an agent or a run may be called.
import { EXIT, NanoguardError } from "../errors.ts"

/** A name of an agent or run: it ends in the record, in cards and in file names. Errors: usage. */
export function readAgent(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) return name
  throw new NanoguardError("that is no name for an agent or a run", {
    exit: EXIT.usage,
    hint: "use up to 64 letters, digits, dots, dashes and underscores",
  })
}
