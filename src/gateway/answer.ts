// What the gate answers with: plain data, written to a socket in one place.
import { plainText } from "../policy/text.ts"

export interface Answer {
  status: number
  /** HTTP/1.1's reason phrase, where it says more than the status. Printable ASCII. */
  phrase?: string
  headers: Readonly<Record<string, string>>
  body: string | Buffer | AsyncIterable<Uint8Array>
  /** Bytes of a streamed body, where they are known. */
  length?: number
  /** A record says already that this request failed, or was refused. */
  recorded?: true
}

/** A short answer of our own in JSON; its `error` comes first, for clients that show the beginning of a body. */
export function errorAnswer(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = JSON.stringify({ error, message: error, type: "about:blank", title: error, status })
  return {
    status,
    // Of a file that cannot be had, pip shows nothing but the reason phrase.
    phrase: plainText(error, 160),
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
    body,
  }
}

/** Our own fault or an upstream's: the client may come again. `seconds` until it should. */
export function unavailableAnswer(error: string, seconds = 5): Answer {
  return errorAnswer(503, error, { "retry-after": String(seconds) })
}
