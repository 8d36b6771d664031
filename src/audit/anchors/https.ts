// Checkpoints at an HTTPS address: a POST adds one, as it is signed; a GET with `?origin=` answers with all of that log, one
// after the other (with `&newest=1` the newest alone will do). Such an endpoint is a file that grows and a handful of lines.
import type { Context } from "../../context.ts"
import { parseCheckpoint } from "../checkpoints/checkpoint-text.ts"
import type { Anchor, Checkpoint } from "../types.ts"
import { AnchorError, AnchorMoved, badAnchor, causeOf, orBad } from "./failure.ts"

const TIMEOUT = 20_000

/** Bytes of the longest answer: a quarter of a million checkpoints. */
const MAX_ANSWER = 64 * 1024 * 1024

export interface HttpsOptions {
  /** Allows `http://` to this machine itself: for tests. */
  loopback?: boolean
  /** Milliseconds for one request, its answer read to the end. */
  timeout?: number
}

/** Opens an HTTPS address without a password in it. Throws `NanoguardError` for any other. */
export function openHttpsAnchor(name: string, ctx: Pick<Context, "fetch">, options: HttpsOptions = {}): Anchor {
  const url = URL.parse(name)
  const loopback =
    options.loopback === true && url?.protocol === "http:" && /^(127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (!url || (url.protocol !== "https:" && !loopback)) throw badAnchor(name, "is no https URL")
  // Names of anchors are shown and stored.
  if (url.username !== "" || url.password !== "") throw badAnchor(url.origin, "has a user or password in it")

  const request = async (to: URL, init: RequestInit): Promise<{ status: number; text: string }> => {
    try {
      const signal = AbortSignal.timeout(options.timeout ?? TIMEOUT)
      const answer = await ctx.fetch(to, { ...init, signal, redirect: "error", credentials: "omit", cache: "no-store" })
      return { status: answer.status, text: await readText(answer) }
    } catch (error) {
      throw new AnchorError(name, `does not answer: ${causeOf((error as Error).cause ?? error)}`, error)
    }
  }

  const get: Anchor["read"] = async (origin, newest = false, onBad) => {
    const to = new URL(url)
    to.searchParams.set("origin", origin)
    if (newest) to.searchParams.set("newest", "1")
    const { status, text } = await request(to, { headers: { accept: "text/plain" } })
    if (status === 404) return []
    if (status !== 200) throw new AnchorError(name, `answers with status ${status}`)
    const found: Checkpoint[] = []
    for (const note of splitNotes(text)) {
      const checkpoint = await orBad(() => parseCheckpoint(note), onBad)
      if (checkpoint?.origin === origin) found.push(checkpoint)
    }
    return found.sort((a, b) => a.size - b.size)
  }

  return {
    name,
    read: get,
    async publish({ note }) {
      const headers = { "content-type": "text/plain; charset=utf-8" }
      const { status } = await request(url, { method: "POST", headers, body: note })
      if (status === 409) throw new AnchorMoved(name)
      if (status < 200 || status > 299) throw new AnchorError(name, `answers with status ${status}`)
    },
  }
}

/** Takes notes apart that follow each other: where a line comes after a signature line and is none, the next one begins. */
function splitNotes(text: string): string[] {
  const notes: string[] = []
  let start = 0
  for (let at = 0, signed = false; at < text.length; ) {
    const isSignature = text.startsWith("— ", at)
    if (signed && !isSignature) {
      notes.push(text.slice(start, at))
      start = at
    }
    signed = isSignature
    const end = text.indexOf("\n", at)
    at = end < 0 ? text.length : end + 1
  }
  if (start < text.length) notes.push(text.slice(start))
  return notes
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    // Leaving the loop cancels the rest.
    if (bytes > MAX_ANSWER) throw new Error(`the answer is larger than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
}
