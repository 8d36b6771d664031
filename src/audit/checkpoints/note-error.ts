// What is wrong with a note or checkpoint that came from outside.
import { EXIT, NanoguardError } from "../../errors.ts"

/** A signed note, verifier key or checkpoint that is malformed or not signed as it must be. Its message is safe to show. */
export class NoteError extends NanoguardError {
  constructor(message: string) {
    super(message, { exit: EXIT.findings })
    this.name = "NoteError"
  }
}
