// Connections to origins, kept for requests to the same place and the same vetted addresses, and for no others.
import { isIP, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { SecureContext } from "node:tls"
import type { Dispatcher, Pool } from "undici"
import { spellHost } from "./authority.ts"
import { type DialOptions, fixedLookup, isOwnAddress, openSocket, type Parent, secureSocket } from "./dial.ts"
import { OriginError, originError } from "./origin-error.ts"
import type { Target } from "./types.ts"

/** Where a request goes: by name, to one of the addresses that were vetted. */
export interface Destination {
  target: Target
  addresses: readonly string[]
  /** HTTP/2, where the origin agrees. */
  http2?: boolean
  /**
   * Who shares connections: a run. Some origins take a connection for logged in once one of its requests was (NTLM, Negotiate), and others'
   * requests must not be on that.
   */
  scope?: string
}

export interface OriginOptions {
  /** Further authorities to trust, PEM, beside those of the system. */
  ca?: readonly string[] | undefined
  parent?: Parent | undefined
  /** Where the gate itself listens. */
  listening?: () => readonly { address: string; port: number }[]
  /** Milliseconds: for a connection, for an answer's head, and between two chunks of its body. */
  connectTimeout?: number
  headersTimeout?: number
  bodyTimeout?: number
}

export interface Origins {
  /** Sends requests to one place: follows nothing, sends nothing twice. Rejects with OriginError. */
  dispatcherOf: (destination: Destination) => Promise<Dispatcher>
  /** A connection of its own: TCP, and TLS on it where `secure`. Rejects with OriginError. */
  open: (destination: Destination, secure: boolean) => Promise<Duplex>
  close: () => Promise<void>
}

/** Places that connections are kept to, and connections to one of them. */
const POOLS = 512
const CONNECTIONS = 1_024
const MAX_HEADER = 65_536
const CONNECT_TIMEOUT = 10_000
/** Model answers may take their time before the first byte, and streams of events between two. */
const HEADERS_TIMEOUT = 10 * 60_000
const BODY_TIMEOUT = 30 * 60_000

/** Opens nothing yet: the libraries and the trusted authorities are loaded with the first request. */
export function createOrigins(options: OriginOptions = {}): Origins {
  const { parent, connectTimeout = CONNECT_TIMEOUT, listening = () => [] } = options
  const pools = new Map<string, Pool>()
  let newest: string | undefined
  const dialling: DialOptions = { connectTimeout, parent }
  let closed = false
  const load = once(() => import("undici"))
  const trust = once(() => loadTrust(options.ca))

  /** Ports for which a list of addresses was vetted: a resolver gives the same list for a second. */
  const vetted = new WeakMap<readonly string[], Map<number, string>>()

  /** The addresses as one text, in their order. */
  function vet(destination: Destination): string {
    if (closed) throw new OriginError("gone", "the gateway is stopping")
    const { target, addresses } = destination
    const known = vetted.get(addresses)?.get(target.port)
    if (known !== undefined) return known
    vetAnew(destination)
    const text = [...addresses].sort().join(" ")
    // Before it listens it has no address.
    if (listening().length > 0) vetted.set(addresses, (vetted.get(addresses) ?? new Map()).set(target.port, text))
    return text
  }

  function vetAnew({ target: { port }, addresses }: Destination) {
    if (addresses.length === 0) throw new OriginError("unresolved", "the host has no address")
    if (addresses.some((address) => isIP(address) === 0)) throw new OriginError("unresolved", "this is no address")
    const own = listening()
    if (addresses.some((address) => isOwnAddress(address, port, own)))
      throw new OriginError("loop", "this is the gateway's own address")
  }

  async function makePool({ target, addresses, http2 = false }: Destination): Promise<Pool> {
    const { Pool, buildConnector } = await load()
    const secureContext = await trust()
    const connectOver = buildConnector({
      lookup: fixedLookup(addresses),
      secureContext,
      timeout: connectTimeout,
      allowH2: http2,
      preferH2: http2,
      autoSelectFamily: true,
    } as Parameters<typeof buildConnector>[0])
    const dial: typeof connectOver = (to, callback) => {
      let reached = to.httpSocket !== undefined
      const socket = connectOver(to, (...made) => {
        const [error] = made
        // A host that hears its name and says nothing is none that was not reached.
        if (error !== null && reached && originError(error).fault === "unreachable")
          callback(new OriginError("untrusted", "no trusted TLS connection to the host", error), null)
        else callback(...made)
      }) as unknown as Socket
      socket.once("connect", () => {
        reached = true
      })
    }
    const connect: typeof connectOver = (to, callback) => {
      if (parent === undefined) return dial(to, callback)
      openSocket(target, addresses, dialling).then(
        (httpSocket) => {
          if (target.scheme === "https") dial({ ...to, httpSocket }, callback)
          else callback(null, httpSocket)
        },
        (error: Error) => callback(error, null),
      )
    }
    return new Pool(`${target.scheme}://${spellHost(target)}`, {
      connect,
      allowH2: http2,
      connections: CONNECTIONS,
      pipelining: http2 ? 100 : 1,
      maxHeaderSize: MAX_HEADER,
      headersTimeout: options.headersTimeout ?? HEADERS_TIMEOUT,
      bodyTimeout: options.bodyTimeout ?? BODY_TIMEOUT,
      strictContentLength: true,
    })
  }

  /** The pool of a key, moved to the end of the map: its first is the one that was used longest ago. */
  function keep(key: string, pool: Pool): Pool {
    if (key === newest) return pool
    newest = key
    pools.delete(key)
    pools.set(key, pool)
    if (pools.size > POOLS) {
      const [oldest, unused] = pools.entries().next().value!
      pools.delete(oldest)
      // Its requests under way come to their end.
      unused.close().catch(() => {})
    }
    return pool
  }

  return {
    dispatcherOf: async (destination) => {
      const vetted = vet(destination)
      const { target, http2 = false, scope = "" } = destination
      const key = `${target.scheme}//${target.host} ${target.port} ${http2} ${vetted} ${scope}`
      const found = pools.get(key)
      if (found !== undefined) return keep(key, found)
      const made = await makePool(destination)
      const meanwhile = pools.get(key)
      return keep(key, meanwhile ?? made)
    },
    open: async (destination, secure) => {
      vet(destination)
      const { target, addresses } = destination
      const socket = await openSocket(target, addresses, dialling)
      return secure ? secureSocket(target, socket, await trust(), connectTimeout) : socket
    },
    close: async () => {
      closed = true
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

/** Does something when it is first asked for, and never again. */
function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined
  return () => {
    started ??= start()
    return started
  }
}

/** One for all connections: to read the system's authorities takes longer than a handshake. */
async function loadTrust(more: readonly string[] = []): Promise<SecureContext> {
  const { createSecureContext, getCACertificates } = await import("node:tls")
  const ca = new Set([...getCACertificates("default"), ...getCACertificates("system"), ...more])
  return createSecureContext({ ca: [...ca], minVersion: "TLSv1.2" })
}
