// What is said where a box is over and its work could not be looked at: the work stays, and this says where and how to get at it.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { boxDirectory } from "./box-directory.ts"
import { NeighbourBusy } from "./neighbours/busy.ts"

const UNDECIDED = "what this box left is not taken over or undone yet"

/** The error that a run ends with instead of `error`: environment, or `NeighbourBusy` where it was that. */
export function leftBehind(ctx: Pick<Context, "env">, run: string, error: unknown): NanoguardError {
  const { message, hint, where } = error instanceof NanoguardError ? error : describeOther(error)
  const first = hint === undefined ? "" : `${hint}; then: `
  if (error instanceof NeighbourBusy) return new NeighbourBusy(`${message}; ${UNDECIDED}`, `${first}nanoguard ps`)
  return new NanoguardError(`${message}; ${UNDECIDED}, and stays in ${boxDirectory(ctx, run)}`, {
    ...{ exit: EXIT.environment, cause: error },
    hint: `${first}nanoguard ps, then nanoguard run --review ${run}`,
    ...(where !== undefined && { where }),
  })
}

/** Of what the system said. */
const describeOther = (error: unknown): Pick<NanoguardError, "message" | "hint" | "where"> => ({
  message: `the end of the box failed (${error instanceof Error ? error.message : String(error)})`,
  hint: "see that the disk has room, and that nanoguard may open files there",
  where: undefined,
})
