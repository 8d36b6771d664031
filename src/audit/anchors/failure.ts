// What can go wrong with an outside place, besides that it contradicts the log.
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"

/** The place cannot be used now: not there, not writable, no answer. Its message names the place and is safe to show. */
export class AnchorError extends NanoguardError {
  constructor(anchor: string, what: string, cause?: unknown, hint?: string) {
    super(`the anchor ${cleanText(anchor)} ${what}`, {
      exit: EXIT.environment,
      hint: hint ?? `${stepOf(cause)}; the log goes on, and is published there as soon as that works`,
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

/** What a code of the system means here, and what somebody does about it. */
const CODES: Readonly<Record<string, readonly [what: string, step: string]>> = {
  ENOENT: ["it is not there", "make the directory, or mount its disk"],
  ENOTDIR: ["it is no directory", "name a directory that is there"],
  EACCES: ["this user has no right to it", "give this user the right to read and add files there"],
  EPERM: ["this user has no right to it", "give this user the right to read and add files there"],
  EROFS: ["its file system is read-only", "mount it writable"],
  ENOSPC: ["its disk is full", "make room there"],
  EDQUOT: ["the quota there is used up", "make room there"],
  EIO: ["its disk reports an error", "look at that disk"],
  ESTALE: ["its mount is stale", "mount it again"],
  ELOOP: ["it is a symbolic link", "put a plain file or directory in its place"],
  ENOTFOUND: ["its host has no address", "check the host's name, and DNS"],
  EAI_AGAIN: ["DNS does not answer", "check DNS and the network"],
  ECONNREFUSED: ["nothing listens there", "start that service, or check the address"],
  ECONNRESET: ["the connection was cut", "check that service and the network"],
  ETIMEDOUT: ["no answer in time", "check the network between"],
  EHOSTUNREACH: ["no way leads to its host", "check the network between"],
  ENETUNREACH: ["no way leads to its network", "check the network between"],
}

/** An error as words, with the system's code behind them; the first line of one that has no such code. */
export function causeOf(error: unknown): string {
  const code = codeOf(error)
  if (code === undefined)
    return cleanText(String(error instanceof Error ? error.message : error).split("\n", 1)[0]!, 200)
  const what = Object.hasOwn(CODES, code) ? CODES[code]![0] : undefined
  return what === undefined ? cleanText(code, 200) : `${what} (${code})`
}

/** The next step: by the code of the error, or of what caused it (fetch wraps what the system says). */
function stepOf(error: unknown): string {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | undefined)?.cause)
  const known = code !== undefined && Object.hasOwn(CODES, code)
  return known ? CODES[code]![1] : "check that it is reachable and writable"
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
}
