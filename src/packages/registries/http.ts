// The one HTTP client that asks registries. A registry, or whoever stands in for it, may be slow, lie about lengths, send
// gigabytes or redirect into a private network: every answer is bounded in bytes and time, and every failure is a value.
import type { LookupFunction } from "node:net"
import type { Dispatcher } from "undici"
import type { MissingReason } from "../../policy/types.ts"
import { VERSION } from "../../version.ts"
import { BodyError, createLargeGate, readBody } from "./body.ts"

export interface HttpLimits {
  /** Milliseconds. `body` is the longest silence within an answer, `total` all of one attempt. */
  connect: number
  headers: number
  body: number
  total: number
  /** Bytes on the wire and after gunzip. */
  wireBytes: number
  bodyBytes: number
  /** Attempts after the first, and the longest wait between two. */
  retries: number
  backoff: number
  /** Failures in a row after which a host is left alone for `rest` milliseconds. */
  failures: number
  rest: number
}

export const HTTP_LIMITS: HttpLimits = {
  connect: 5_000,
  headers: 15_000,
  body: 10_000,
  total: 60_000,
  wireBytes: 64 * 1024 * 1024,
  bodyBytes: 128 * 1024 * 1024,
  retries: 2,
  backoff: 5_000,
  failures: 8,
  rest: 30_000,
}

export interface HttpOptions {
  /** Sockets to one host. */
  connections: number
  env: Readonly<Record<string, string | undefined>>
  /** PEM certificates to trust beside Node's own. */
  ca?: readonly string[]
  limits?: Partial<HttpLimits>
  /** How the names of hosts become addresses; the system's way where it is left out. Not asked for what a proxy dials. */
  lookup?: LookupFunction
}

export interface HttpRequest {
  url: string
  accept: string
  etag?: string | undefined
  /** The `authorization` value for exactly this URL; asked again for every redirect. */
  authorize?: (url: URL) => string | undefined
  /** Origins that may be redirected to, besides the request's own. */
  origins?: ReadonlySet<string>
}

/** `detail` is one of our own templates with a status or a limit in it, never text that a server sent. */
export type HttpResult =
  | { ok: true; status: 200; body: Buffer; etag?: string; maxAge?: number }
  | { ok: true; status: 304; maxAge?: number }
  | { ok: false; reason: MissingReason | "not-found"; detail: string }

export interface HttpClient {
  get: (request: HttpRequest) => Promise<HttpResult>
  close: () => Promise<void>
}

/** `fault`: the host is unwell, which counts against it; `retry`: trying again may help. */
export type Failure = Extract<HttpResult, { ok: false }> & { fault?: true; retry?: true; after?: number | undefined }

export const USER_AGENT = `nanoguard/${VERSION} (dependency vetting; npm package nanoguard)`
export const REDIRECTS = 3
export const UNREAD = 64 * 1024

/** A client that opens no socket and loads no library before its first request. Close it, or its sockets keep Node alive. */
export function createHttpClient(options: HttpOptions): HttpClient {
  const limits = { ...HTTP_LIMITS, ...options.limits }
  const gate = createLargeGate()
  const health = new Map<string, { failures: number; since: number }>()
  let dispatcher: Promise<Dispatcher> | undefined

  async function attempt(request: HttpRequest): Promise<HttpResult | Failure> {
    let url = new URL(request.url)
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      if (!isAllowedUrl(url))
        return failure("invalid", "the registry's address is neither https nor a loopback address")
      dispatcher ??= openDispatcher(options, limits)
      const signal = AbortSignal.timeout(limits.total)
      const authorization = request.authorize?.(url)
      const answer = await (await dispatcher).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "GET",
        signal,
        headers: {
          accept: request.accept,
          "accept-encoding": "gzip",
          "user-agent": USER_AGENT,
          ...(request.etag !== undefined && { "if-none-match": request.etag }),
          ...(authorization !== undefined && { authorization }),
        },
      })
      const { statusCode: status, headers, body } = answer
      const maxAge = maxAgeOf(headers["cache-control"])
      if (status === 304 && request.etag !== undefined) {
        await body.dump({ limit: UNREAD, signal })
        return { ok: true, status, ...maxAge }
      }
      if (status === 200) {
        const etag = typeof headers.etag === "string" && isToken(headers.etag) ? { etag: headers.etag } : {}
        return { ok: true, status, body: await readBody(body, headers, limits, gate), ...etag, ...maxAge }
      }
      // Read to its end where it is short, so that the socket can be used again; destroyed where it is not.
      await body.dump({ limit: UNREAD, signal })
      if (status < 300 || status >= 400) return statusFailure(status, headers["retry-after"])
      const target = typeof headers.location === "string" ? URL.parse(headers.location, url.href) : null
      if (target === null) return failure("invalid", `the registry answered ${status} without a usable address`)
      if (target.origin !== url.origin && !request.origins?.has(target.origin))
        return failure("invalid", "the registry redirects to another host")
      url = target
    }
    return failure("invalid", `the registry redirects more than ${REDIRECTS} times`)
  }

  async function get(request: HttpRequest): Promise<HttpResult> {
    const origin = URL.parse(request.url)?.origin
    if (origin === undefined) return failure("invalid", "the registry's address is not a URL")
    for (let tries = 0; ; tries++) {
      const state = health.get(origin)
      if (state !== undefined && state.failures >= limits.failures && Date.now() - state.since < limits.rest)
        return failure("unreachable", `the registry failed ${limits.failures} times in a row and is left alone for now`)
      const result = await attempt(request).catch((error: unknown): Failure => errorFailure(error, limits))
      const { fault, retry, after } = result as Failure
      if (!fault) health.delete(origin)
      else health.set(origin, { failures: (health.get(origin)?.failures ?? 0) + 1, since: Date.now() })
      if (!retry || tries >= limits.retries) return publicResult(result)
      await pause(Math.min(limits.backoff, after ?? 200 * 3 ** tries * (1 + Math.random())))
    }
  }

  return {
    get,
    close: async () => void (await (await dispatcher)?.destroy()),
  }
}

/** https anywhere; plain http only to this machine, where people run their own registries. */
export function isAllowedUrl(url: URL): boolean {
  if (url.protocol === "https:") return true
  return url.protocol === "http:" && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

/** Sockets for `options`, through the proxy that its `env` names if any. */
export async function openDispatcher(
  { connections, env, ca, lookup }: HttpOptions,
  limits: HttpLimits,
): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import("undici")
  const { getCACertificates } = await import("node:tls")
  const trusted = ca?.length ? { ca: [...getCACertificates("default"), ...ca] } : {}
  const shared = {
    connections,
    allowH2: false,
    pipelining: 1,
    connect: { timeout: limits.connect, ...trusted, ...(lookup && { lookup }) },
    headersTimeout: limits.headers,
    bodyTimeout: limits.body,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 30_000,
    maxHeaderSize: 32 * 1024,
  }
  const httpsProxy = env.https_proxy ?? env.HTTPS_PROXY ?? ""
  const httpProxy = env.http_proxy ?? ""
  if (httpsProxy === "" && httpProxy === "") return new Agent(shared)
  const noProxy = env.no_proxy ?? env.NO_PROXY ?? ""
  return new EnvHttpProxyAgent({ ...shared, httpProxy, httpsProxy, noProxy, requestTls: trusted, proxyTls: trusted })
}

function failure(reason: MissingReason | "not-found", detail: string): Failure {
  return { ok: false, reason, detail }
}

/** The failure that a status other than 200 means, and whether it may pass. */
export function statusFailure(status: number, retryAfter: string | string[] | undefined): Failure {
  if (status === 404 || status === 410) return failure("not-found", `the registry answered ${status}`)
  const refused = failure("unreachable", `the registry answered ${status}`)
  if (status !== 429 && status < 500) return refused
  const seconds = typeof retryAfter === "string" && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) : undefined
  return { ...refused, fault: true, retry: true, after: seconds === undefined ? undefined : seconds * 1000 }
}

/** The failure that an error of undici, a time limit or `readBody` means. */
export function errorFailure(error: unknown, limits: HttpLimits): Failure {
  if (error instanceof BodyError) return failure("invalid", error.message)
  const code = (error as { code?: unknown } | undefined)?.code
  const name = (error as { name?: unknown } | undefined)?.name
  const fault = { fault: true } as const
  if (name === "TimeoutError")
    return { ...failure("unreachable", `the registry took longer than ${limits.total / 1000} s`), ...fault }
  if (code === "UND_ERR_BODY_TIMEOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_CONNECT_TIMEOUT")
    return { ...failure("unreachable", "the registry did not answer in time"), ...fault, retry: true }
  if (typeof code === "string" && /CERT|SIGNATURE|TLS|SSL/.test(code))
    return { ...failure("unreachable", "the registry's certificate is not trusted here"), ...fault }
  return { ...failure("unreachable", "the connection to the registry failed"), ...fault, retry: true }
}

function publicResult(result: HttpResult | Failure): HttpResult {
  return result.ok ? result : { ok: false, reason: result.reason, detail: result.detail }
}

/** Seconds for which an answer says it is fresh. */
export function maxAgeOf(header: string | string[] | undefined): { maxAge?: number } {
  const seconds = typeof header === "string" ? /(?:^|[,\s])max-age=(\d{1,8})/i.exec(header)?.[1] : undefined
  return seconds === undefined ? {} : { maxAge: Number(seconds) }
}

/** An etag goes back into a header of ours: printable ASCII of a sane length only. */
export function isToken(value: string): boolean {
  return /^[\x21-\x7e]{1,200}$/.test(value)
}

/** Waits. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
