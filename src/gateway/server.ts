// The gate's HTTP server: sockets in, `Asked` to the front, an `Answer` onto the socket. HTTP/1.1 only: a reason phrase is one of
// the channels by which a refusal reaches an agent, and HTTP/2 has none.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Duplex } from "node:stream"
import { type Answer, errorAnswer, unavailableAnswer } from "./answer.ts"
import { clientOf } from "./client.ts"
import { answerFront } from "./front/index.ts"
import type { Front } from "./front/types.ts"
import type { Identify } from "./identity.ts"
import type { Done } from "./metrics.ts"
import { sendAnswer } from "./send.ts"
import { readTarget } from "./target.ts"
import type { Attribution } from "./types.ts"

export interface ServerOptions {
  front: Front
  identify: Identify
  /** How clients reach this gate: scheme, host and port. What a request's Host must say, too. */
  origin: () => string
  /** Answers about the gate itself: health and metrics. Undefined for what is not one. */
  own: (path: string) => Answer | undefined
  /** Answers what is asked of the proxy, with an absolute address; false for all else. */
  proxy?: (request: IncomingMessage, response: ServerResponse) => boolean
  onBegun: () => void
  /** Told of whom a connection answers; what it returns is called when that is over. */
  onAsking?: (who: Attribution, socket: Duplex) => () => void
  /** Told of each answer that was sent, or broke off (`status` 0). */
  onDone: (done: Done) => void
  /** Told of what went wrong inside; the client got 503. */
  onTrouble: (error: unknown) => void
  tls?: { key: string; cert: string }
  limits?: Partial<ClientLimits> | undefined
}

/** Milliseconds that a client gets, and connections that all of them get. */
export interface ClientLimits {
  headers: number
  request: number
  idle: number
  /** Without taking or getting a byte of an answer: longer than an upstream may be silent. */
  stall: number
  sockets: number
}

const LIMITS: ClientLimits = { headers: 10_000, request: 60_000, idle: 30_000, stall: 120_000, sockets: 2_000 }
const MAX_HEADER = 16_384
/** What a connection may become: through the proxy, and for a port of a box. */
const UPGRADES = new Set(["websocket", "nanoguard-publish"])
const LONGEST_UPLOAD = 30 * 60_000
const MAX_BODY = 4 * 1024 * 1024
/** Milliseconds between looks for clients whose time is up. */
const LOOK = 5_000

/** A server that is not listening yet. It never throws for what a client sends. */
export function createGateServer(options: ServerOptions): Server {
  const limits = { ...LIMITS, ...options.limits }
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    if (options.proxy?.(request, response) !== true) void handle(options, request, response, limits.stall)
  }
  const settings = {
    maxHeaderSize: MAX_HEADER,
    headersTimeout: limits.headers,
    // Uploads through the proxy may take longer; one that stands still is ended by other means.
    requestTimeout: options.proxy === undefined ? limits.request : Math.max(limits.request, LONGEST_UPLOAD),
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: Math.min(LOOK, limits.headers),
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    requireHostHeader: true,
    noDelay: true,
    // A protocol that is only offered to the gate itself is left alone (RFC 9110, 7.8): Cargo offers HTTP/2 with every request.
    shouldUpgradeCallback: ({ headers, url }: IncomingMessage) =>
      url?.startsWith("/") !== true || UPGRADES.has(headers.upgrade?.toLowerCase() ?? ""),
  }
  const server = options.tls
    ? createTlsServer({ ...settings, ...options.tls, handshakeTimeout: limits.headers }, handler)
    : createServer(settings, handler)
  server.maxConnections = limits.sockets
  // A client that waits for leave to send its body gets its answer without.
  server.on("checkContinue", handler)
  return server
}

async function handle(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  stall: number,
): Promise<void> {
  const begun = performance.now()
  options.onBegun()
  let answer: Labelled
  let asked = () => {}
  try {
    answer = await answerRequest(options, request, (who) => {
      asked = options.onAsking?.(who, request.socket) ?? asked
    })
  } catch (error) {
    // A client that left while it sent its body waits for nothing, and nothing is wrong here.
    if (!request.destroyed || request.complete) options.onTrouble(error)
    answer = unavailableAnswer("the gateway cannot record requests at the moment, so it answers none")
  }
  const { status, bytes } = await sendAnswer(request, response, answer, stall)
  asked()
  const { ecosystem, kind } = answer
  const seconds = (performance.now() - begun) / 1000
  options.onDone({ status, bytes, seconds, ...(ecosystem && { ecosystem }), ...(kind && { kind }) })
}

/** An answer, with what is counted of it. */
type Labelled = Answer & Pick<Done, "ecosystem" | "kind">

async function answerRequest(
  options: ServerOptions,
  request: IncomingMessage,
  onKnown: (who: Attribution) => void,
): Promise<Labelled> {
  const { front, identify } = options
  const origin = options.origin()
  const { method = "" } = request
  // A page in a browser may have a name of its own resolve to this address (DNS rebinding): it is not asked by that name.
  if (!isOwnHost(request.headersDistinct["host"], origin))
    return errorAnswer(421, "this gateway does not answer for that host")
  // No package manager is a page, and no page has any business here: it could fill the record, and the queue of people.
  if (isPage(request)) return errorAnswer(400, "this gateway does not answer pages in a browser")
  const target = readTarget(request.url ?? "")
  if (target === undefined) return errorAnswer(400, "the address is not one that a package manager asks for")
  const own = options.own(target.rest)
  if (own !== undefined) return own
  const who = identify(target.token, request.headers.authorization)
  if (who === undefined) {
    const challenge = { "www-authenticate": 'Basic realm="nanoguard"' }
    return errorAnswer(401, "this gateway wants a token: nanoguard gateway env makes one", challenge)
  }
  onKnown(who)
  const { ecosystem, mount, path, query, token } = target
  if (ecosystem === undefined) return errorAnswer(404, "there is no registry at this address")
  const body = method === "POST" || method === "PUT" ? await readBody(request) : undefined
  if (body === null) return { ...errorAnswer(413, "the request's body is too large"), ecosystem }
  const { accept = "", "if-none-match": etag } = request.headers
  const answer = await answerFront(front, {
    ecosystem,
    raw: { method, path, query, accept },
    client: clientOf(request.headers),
    who,
    // Who comes with a token in the address finds it in the addresses of artifacts as well: they have no other way to carry it.
    base: `${origin}${token === undefined ? "" : `/t/${token}`}/${mount}`,
    ...(etag !== undefined && { etag }),
    ...(body !== undefined && { body }),
  })
  return { ...answer, ecosystem }
}

/** Name or address, and port (RFC 9110, section 7.2). */
const HOST = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** What browsers send along with every request that another page makes (Fetch Standard; Fetch Metadata). */
function isPage({ headers: { origin, "sec-fetch-site": site } }: IncomingMessage): boolean {
  return origin !== undefined || (site !== undefined && site !== "none")
}

/** Loopback goes by several names; whatever else it is reached by has to be the gate's own. */
function isOwnHost([host = "", ...more]: readonly string[] = [], origin: string): boolean {
  const own = new URL(origin)
  const asked = more.length > 0 || !HOST.test(host) ? null : URL.parse(`${own.protocol}//${host}`)
  if (asked === null) return false
  return (
    asked.port === own.port &&
    (asked.hostname === own.hostname || (isLoopback(own.hostname) && isLoopback(asked.hostname)))
  )
}

/** The names and addresses of this machine's loopback interface. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/.test(host)
}

/** The whole body; null where it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > MAX_BODY) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
