// What a hasher answers. Errors cross as plain data, for a message keeps no class.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { RangeResult } from "./range.ts"

export interface Failure {
  message: string
  /** Whether it is an error that the user can act on. */
  known: boolean
  hint?: string
}

export type HasherAnswer = { result: RangeResult } | { failed: Failure }

/** An error as a message. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof NanoguardError)) {
    return { message: String(error instanceof Error ? error.stack : error), known: false }
  }
  return { message: error.message, known: true, ...(error.hint !== undefined && { hint: error.hint }) }
}

/** The error that a message describes; what users can act on here is the store, so it is one of the environment. */
export function errorOf({ message, known, hint }: Failure): Error {
  if (!known) return new Error(message)
  return new NanoguardError(message, { exit: EXIT.environment, ...(hint !== undefined && { hint }) })
}
