// A gate that is gone, or about to be: what a command may do about it, as long as it has begun nothing, is to join another.
import { EXIT, NanoguardError } from "../errors.ts"

/** Told by a gate that is ending, and found where none answers. Exit: environment. */
export class GateGone extends NanoguardError {
  constructor(cause?: unknown) {
    super("no gateway is running here", {
      exit: EXIT.environment,
      hint: "start one with `nanoguard gateway start`",
      cause,
    })
  }
}

/** What says that nobody listens, or not any more. */
const CODES: ReadonlySet<unknown> = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"])

/** Whether an error of a connection says that nobody is there. */
export const isNobody = (error: unknown): boolean => CODES.has((error as NodeJS.ErrnoException | null)?.code)
