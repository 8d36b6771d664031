// Whether a request is what it says: one Host, which is the target; one length; an address in the one form that belongs there.
import type { IncomingMessage } from "node:http"
import { isHostOf, readAbsolute } from "./authority.ts"
import { namedByConnection, valuesOf } from "./headers.ts"
import { normalPath } from "./path.ts"
import type { Target, Violation } from "./types.ts"

/** The origin form of a request's address, or why it ends its connection. `detail` is a fixed text. */
export type Checked = { url: string } | Wrong

interface Wrong {
  code: Violation
  status: number
  detail: string
}

const METHOD = /^[A-Z][A-Z-]{0,30}$/

/** Checks the head of a request to `target`. An absolute address is the same as none where it is the target's; see RFC 9112, section 3.2. */
export function checkRequest(request: IncomingMessage, target: Target, http2: boolean): Checked {
  const { method = "", url = "", rawHeaders } = request
  if (method === "CONNECT") return nested()
  if (method === "TRACE" || method === "TRACK" || !METHOD.test(method)) return malformed("the method", 405)
  const wrong = http2 ? checkAuthority(rawHeaders, target) : (checkHost(rawHeaders, target) ?? checkFraming(request))
  if (wrong !== undefined) return wrong
  const form = originForm(url, target)
  if (typeof form !== "string") return form
  const read = normalPath(form)
  if (read === undefined) return malformed("the address")
  return { url: read.hasQuery ? `${read.path}?${read.query}` : read.path }
}

function originForm(url: string, target: Target): string | Wrong {
  if (url.startsWith("/")) return url
  const absolute = readAbsolute(url)
  if (absolute === undefined) return malformed("the address")
  const { scheme, host, port } = absolute.target
  if (scheme !== target.scheme || host !== target.host || port !== target.port) return mismatch("the address")
  return absolute.url
}

function checkHost(rawHeaders: readonly string[], target: Target) {
  const hosts = valuesOf(rawHeaders, "host")
  if (hosts?.length !== 1) return malformed(hosts === undefined ? "no Host" : "more than one Host")
  return isHostOf(hosts, target) ? undefined : mismatch("Host")
}

/** RFC 9113, section 8.3.1: `:authority` stands for Host; where both are there, they are the same. */
function checkAuthority(rawHeaders: readonly string[], target: Target) {
  if (valuesOf(rawHeaders, ":scheme")?.join() !== target.scheme) return mismatch(":scheme")
  const authority = valuesOf(rawHeaders, ":authority")
  const hosts = valuesOf(rawHeaders, "host")
  if (authority === undefined && hosts === undefined) return malformed("no :authority")
  if (authority !== undefined && !isHostOf(authority, target)) return mismatch(":authority")
  return hosts === undefined || isHostOf(hosts, target) ? undefined : mismatch("Host")
}

/** What the parser lets pass and two readers could differ about (RFC 9112, section 6.3). */
function checkFraming({ rawHeaders, httpVersion }: IncomingMessage) {
  // Node takes a line without a version for HTTP/0.9, and reads headers after it all the same.
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return malformed("the version")
  const codings = valuesOf(rawHeaders, "transfer-encoding")
  const lengths = valuesOf(rawHeaders, "content-length")
  if (codings !== undefined) {
    if (lengths !== undefined) return malformed("both Content-Length and Transfer-Encoding")
    if (codings.length !== 1 || codings[0]!.toLowerCase() !== "chunked" || httpVersion !== "1.1")
      return malformed("Transfer-Encoding")
  }
  if (lengths !== undefined && (lengths.length !== 1 || !/^\d{1,15}$/.test(lengths[0]!)))
    return malformed("Content-Length")
  const named = namedByConnection(valuesOf(rawHeaders, "connection"))
  if (named === undefined) return malformed("Connection")
  // A header that a rule reads, and that the origin then does not get, is one that two readers differ about.
  for (const name of named)
    if (!CONNECTION_OPTIONS.has(name) && valuesOf(rawHeaders, name) !== undefined) return malformed("Connection")
  return undefined
}

/** What clients name in Connection: none of it is read by rules. */
const CONNECTION_OPTIONS = new Set([
  ...["close", "keep-alive", "upgrade", "te", "trailer", "http2-settings", "proxy-connection", "proxy-authorization"],
])

const nested = (): Wrong => ({
  code: "connect.nested",
  status: 403,
  detail: "a CONNECT within a tunnel",
})

const malformed = (what: string, status = 400): Wrong => ({
  code: "request.malformed",
  status,
  detail: `malformed, or refused: ${what}`,
})

/** 421: the request is for somebody else (RFC 9110, section 15.5.20). */
const mismatch = (what: string): Wrong => ({
  code: "authority.mismatch",
  status: 421,
  detail: `not the target of its connection: ${what}`,
})
