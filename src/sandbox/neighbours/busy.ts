// A look that could not be had: somebody is in the way. What is kept on the host for the next try stays.
import { EXIT, NanoguardError } from "../../errors.ts"

/** Another box is in the way of looking at a workspace. */
export class NeighbourBusy extends NanoguardError {
  constructor(message: string, hint: string) {
    super(message, { exit: EXIT.environment, hint })
  }
}
