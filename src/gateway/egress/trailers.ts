// Trailers of a request (RFC 9110, section 6.5): fields behind a body, for whom the same holds as for those before it.
import type { IncomingMessage } from "node:http"
import type { BodyStart } from "./body.ts"
import { valuesOf } from "./headers.ts"

/**
 * What no trailer may be (RFC 9110, section 6.5.1): framing, routing, request modifiers, authentication, what says how a body is read,
 * and what an origin would take the method, the path or the sender for another by. An origin that puts trailers among the headers would
 * read there what no rule has seen.
 */
const FORBIDDEN = new Set([
  ...["host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "via"],
  ...["authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "www-authenticate", "origin", "referer"],
  ...["expect", "max-forwards", "pragma", "cache-control", "range", "if-range", "alt-used", "alt-svc", "early-data"],
  ...[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "destination",
    "soapaction",
  ],
  ...["x-original-url", "x-rewrite-url", "x-original-uri", "x-http-method", "x-method-override", "date", "age"],
])
const FORBIDDEN_KINDS =
  /^(?:content-(?!md5$|digest$)|proxy-|sec-|if-|x-http-method-|x-amz-(?:target|copy-source)|x-(?:goog|ms)-copy-source|x-copy-from|x-goog-user-project$|git-protocol$|:)/
/** RFC 9110, sections 5.1 and 5.5: a token, and visible characters with spaces within. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

/** Fields of one request, and their characters in all; as much as a head may have. */
const MAX_FIELDS = 64
const MAX_SIZE = 16_384

/** Names in lower case and values in turn. */
export type Trailers = readonly string[]

export const NO_TRAILERS: Trailers = []

/**
 * The trailers of a request that has come to its end. Undefined where one of them must not be passed on: a field of the list above, one
 * that the head (`headers`, as they go out) has already, or that a rule looks for in a head (`selectors`, as policies write them).
 */
export function readTrailers(
  { rawTrailers }: Pick<IncomingMessage, "rawTrailers">,
  headers: readonly string[],
  selectors: readonly string[] = [],
): Trailers | undefined {
  if (rawTrailers.length === 0) return NO_TRAILERS
  const fields = rawTrailers.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text))
  const size = fields.reduce((sum, text) => sum + text.length, 0)
  if (fields.length > MAX_FIELDS * 2 || size > MAX_SIZE) return undefined
  const taken = new Set([...headers.filter((_, at) => at % 2 === 0), ...selectors.map(headerIn)].map(dashed))
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]!
    if (!isTrailer(name) || taken.has(dashed(name)) || !VALUE.test(fields[at + 1]!)) return undefined
  }
  return fields
}

/** The header that a selector looks for; "" for any other. */
function headerIn(selector: string): string {
  return /^header\.(.+)$/.exec(selector)?.[1]?.toLowerCase() ?? ""
}

/** As many servers read a name (CGI, WSGI, Rack). */
const dashed = (name: string) => name.replaceAll("_", "-")

function isTrailer(name: string): boolean {
  return NAME.test(name) && !FORBIDDEN.has(dashed(name)) && !FORBIDDEN_KINDS.test(dashed(name))
}

/**
 * Whether a request has trailers, or says that it will: what is announced by nobody and comes behind a body that streams by is dropped,
 * as RFC 9110 (section 6.5.1) leaves it to whoever is between.
 */
export function bringsTrailers(
  { rawTrailers, headers, httpVersionMajor }: IncomingMessage,
  { whole }: BodyStart,
): boolean {
  if (whole) return rawTrailers.length > 0
  // Nothing comes behind a body whose length is stated.
  return headers.trailer !== undefined && (httpVersionMajor >= 2 || headers["transfer-encoding"] !== undefined)
}

/** Names that a request says will come behind its body (RFC 9110, section 6.6.2), without those that must not. */
export function announcedTrailers({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string[] {
  const names = (valuesOf(rawHeaders, "trailer") ?? []).flatMap((value) => value.split(","))
  return [...new Set(names.map((name) => name.trim().toLowerCase()).filter(isTrailer))].slice(0, MAX_FIELDS)
}

/** What is announced goes to the origin, too: looked through as it was written. */
export function announcedPlaces({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string[] {
  return (valuesOf(rawHeaders, "trailer") ?? []).flatMap((value) => ["trailer", value])
}

/** Trailers as places of a request: no slot is in them, so that a placeholder there is one where it does not belong. */
export function trailerPlaces(trailers: Trailers): string[] {
  return trailers.map((text, at) => (at % 2 === 0 ? `trailer:${text}` : text))
}
