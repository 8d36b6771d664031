// Which headers pass from one connection to the next (RFC 9110, section 7.6.1), and which never do.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http"
import { spellHost } from "./authority.ts"
import type { Target } from "./types.ts"

/** Of one connection only. Framing is made anew on each side. */
const HOP = new Set([
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "host",
  "alt-used",
])
/** Hints by which a client would leave HTTP over TCP, and so this gate (RFC 7838). */
const HINTS = new Set(["alt-svc", "alternate-protocol"])
/** What no request may have taken out of it on its way: rules, framing and credentials stand on these. */
const KEPT = /^(?:host|content-.*|transfer-encoding|authorization|cookie|origin|range|x-http-method.*)$/

/** Names that a Connection header lists, in lower case; undefined where one of them is not for the taking. */
export function namedByConnection(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (values === undefined) return NONE
  const names = new Set(values.flatMap((value) => value.split(",")).map((name) => name.trim().toLowerCase()))
  for (const name of names) if (KEPT.test(name)) return undefined
  return names
}

const NONE: ReadonlySet<string> = new Set()

/**
 * Headers of a request to the origin: name, value, name, value. Host comes first and is the target's. What rules look at are these,
 * for what is taken out here is seen by nobody.
 */
export function requestHeaders(request: IncomingMessage, target: Target): string[] {
  const { rawHeaders } = request
  const named = namedByConnection(valuesOf(rawHeaders, "connection")) ?? NONE
  const headers = ["host", spellHost(target)]
  const cookies: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    const value = rawHeaders[index + 1]!
    if (name === "te" && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value)) headers.push("te", "trailers")
    if (!isPassed(name) || named.has(name)) continue
    if (name === "cookie") cookies.push(value)
    else headers.push(name, value)
  }
  // HTTP/2 may send each on its own (RFC 9113, section 8.2.3); HTTP/1.1 may not.
  if (cookies.length > 0) headers.push("cookie", cookies.join("; "))
  return headers
}

/** All values of a header, in their order; undefined where it is not there. */
export function valuesOf(rawHeaders: readonly (string | Buffer)[], name: string): string[] | undefined {
  let values: string[] | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const found = rawHeaders[index]!
    if (found.length !== name.length || found.toString("latin1").toLowerCase() !== name) continue
    values ??= []
    values.push(rawHeaders[index + 1]!.toString("latin1"))
  }
  return values
}

/** Headers of an origin's answer, or its trailers, as a client gets them: names in lower case. Takes them as a list or as an object. */
export function responseHeaders(headers: IncomingHttpHeaders | readonly (string | Buffer)[]): [string, string][] {
  const pairs = Array.isArray(headers) ? pairsOf(headers) : entriesOf(headers as IncomingHttpHeaders)
  let connection: string[] | undefined
  for (const [name, value] of pairs) if (name === "connection") connection = [...(connection ?? []), value]
  const named = namedByConnection(connection) ?? NONE
  return pairs.filter(([name]) => isPassed(name) && !HINTS.has(name) && !named.has(name))
}

/** A header of more than this connection. */
function isPassed(name: string): boolean {
  return !HOP.has(name) && !name.startsWith("proxy-") && !name.startsWith(":")
}

function pairsOf(list: readonly (string | Buffer)[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < list.length; index += 2)
    pairs.push([list[index]!.toString("latin1").toLowerCase(), list[index + 1]!.toString("latin1")])
  return pairs
}

function entriesOf(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name.toLowerCase(), one]),
  )
}
