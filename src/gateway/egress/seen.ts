// A request as rules and services look at it: one value a header, the body out of its encoding, or the reason why it is not there.
import type { IncomingMessage } from "node:http"
import type { SeenRequest } from "../services/types.ts"
import { type BodyStart, decodeBody } from "./body.ts"
import type { Target } from "./types.ts"

/** Bytes of a body that rules and services look into, before and after its content-encoding. */
export const MAX_LOOKED_INTO = 1024 * 1024

/** The head of a request; `headers` are those that go out, names and values in turn. `opening`: a WebSocket. */
export function seenHead(
  { scheme, host, port }: Target,
  method: string,
  url: string,
  headers: readonly string[],
  opening = false,
): SeenRequest {
  const mark = url.indexOf("?")
  // A rule may ask for one by any name, and an agent sends one of any name.
  const single: Record<string, string> = Object.create(null)
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name, value] = [headers[at]!, headers[at + 1]!]
    const before = single[name]
    single[name] = before === undefined ? value : `${before}${name === "cookie" ? "; " : ", "}${value}`
  }
  return {
    method,
    scheme: opening ? (scheme === "https" ? "wss" : "ws") : scheme,
    ...{ host, port, path: mark < 0 ? url : url.slice(0, mark), query: mark < 0 ? "" : url.slice(mark + 1) },
    headers: single,
  }
}

/** The same with its body, where all of that is there and can be read. */
export async function withBody(head: SeenRequest, { bytes, whole }: BodyStart): Promise<SeenRequest> {
  if (whole && bytes.length === 0) return head
  if (!whole) return { ...head, unread: bytes.length > MAX_LOOKED_INTO ? "too-large" : "stream" }
  // Whoever is asked about a push sees what it moves, which stands before a pack of any size.
  if (bytes.length > MAX_LOOKED_INTO)
    return { ...head, unread: "too-large", ...(isPush(head.headers["content-type"]) && { body: bytes }) }
  const decoded = await decodeBody(bytes, head.headers["content-encoding"] ?? "", MAX_LOOKED_INTO)
  return typeof decoded === "string" ? { ...head, unread: decoded } : { ...head, body: decoded }
}

const isPush = (type: string | undefined) => type === "application/x-git-receive-pack-request"

/** Characters that a name with a placeholder in it has at least. */
const LONG_NAME = 24

/** Long names of headers, with nothing behind them, as they were written: what goes out has them in lower case, which hides a placeholder. */
export function spelledNames({ rawHeaders, rawTrailers }: IncomingMessage): string[] {
  const fields = rawTrailers.length === 0 ? rawHeaders : [...rawHeaders, ...rawTrailers]
  return fields.flatMap((name, at) =>
    at % 2 === 0 && name.length > LONG_NAME && name !== name.toLowerCase() ? [name, ""] : [],
  )
}
