// A request as rules and services look at it: one value a header, the body out of its encoding, or the reason why it is not there.
import type { IncomingHttpHeaders } from "node:http"
import type { SeenRequest } from "../services/types.ts"
import { type BodyStart, decodeBody } from "./body.ts"
import type { Target } from "./types.ts"

/** Bytes of a body that rules and services look into, before and after its content-encoding. */
export const MAX_LOOKED_INTO = 1024 * 1024

/** The head of a request. `opening`: a WebSocket. */
export function seenHead(
  { scheme, host, port }: Target,
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
  opening = false,
): SeenRequest {
  const mark = url.indexOf("?")
  const single = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ])
  return {
    method,
    scheme: opening ? (scheme === "https" ? "wss" : "ws") : scheme,
    ...{ host, port, path: mark < 0 ? url : url.slice(0, mark), query: mark < 0 ? "" : url.slice(mark + 1) },
    headers: Object.fromEntries(single) as Record<string, string>,
  }
}

/** The same with its body, where all of that is there and can be read. */
export async function withBody(head: SeenRequest, { bytes, whole }: BodyStart): Promise<SeenRequest> {
  if (whole && bytes.length === 0) return head
  if (!whole) return { ...head, unread: bytes.length > MAX_LOOKED_INTO ? "too-large" : "stream" }
  if (bytes.length > MAX_LOOKED_INTO) return { ...head, unread: "too-large" }
  const decoded = await decodeBody(bytes, head.headers["content-encoding"] ?? "", MAX_LOOKED_INTO)
  return typeof decoded === "string" ? { ...head, unread: decoded } : { ...head, body: decoded }
}
