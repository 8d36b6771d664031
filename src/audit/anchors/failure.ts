// What can go wrong with an outside place, besides that it contradicts the log.
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"

/** The place cannot be used now: not there, not writable, no answer. Its message names the place and is safe to show. */
export class AnchorError extends NanoguardError {
  constructor(anchor: string, what: string, cause?: unknown, hint?: string) {
    super(`the anchor ${cleanText(anchor)} ${what}`, {
      exit: EXIT.environment,
      hint: hint ?? "check that it is reachable and writable; the log goes on, and is published there as soon as it is",
      cause,
    })
    this.name = "AnchorError"
  }
}

/** Somebody else published there between reading and writing: to be read again. */
export class AnchorMoved extends AnchorError {
  constructor(anchor: string) {
    super(anchor, "was written by somebody else at the same moment")
    this.name = "AnchorMoved"
  }
}

/** What `read` returns: undefined where it threw what is wrong with one checkpoint, and somebody wants to be told of it. */
export async function orBad<T>(
  read: () => T | Promise<T>,
  onBad: ((error: NanoguardError) => void) | undefined,
): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (onBad === undefined || !(error instanceof NanoguardError)) throw error
    onBad(error)
    return undefined
  }
}

/** The anchor is not one that can be configured. */
export function badAnchor(anchor: string, what: string): NanoguardError {
  return new NanoguardError(`NANOGUARD_ANCHORS: ${cleanText(anchor)} ${what}`, {
    exit: EXIT.configuration,
    hint: "write dir:/absolute/path, git:/absolute/path, git:<https, ssh or file URL> or https://..., separated by commas",
  })
}

/** The system's code of an error, or its first line. */
export function causeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return cleanText(error.code)
  return cleanText(String(error instanceof Error ? error.message : error).split("\n", 1)[0]!, 200)
}
