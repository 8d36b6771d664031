// Names to addresses, once; and connections to exactly those addresses, under the name that was asked for.
import { lookup as systemLookup } from "node:dns/promises"
import { request } from "node:http"
import { connect, isIP, type LookupFunction, type Socket } from "node:net"
import { networkInterfaces } from "node:os"
import type { Duplex } from "node:stream"
import { connect as connectTls, type SecureContext } from "node:tls"
import { parseV6 } from "../../policy/addresses.ts"
import { createLru } from "../lru.ts"
import { spellName } from "./authority.ts"
import { OriginError } from "./origin-error.ts"
import type { Target } from "./types.ts"

/** All addresses of a name. Rejects with OriginError. */
export type Resolve = (host: string) => Promise<readonly string[]>

const MAX_ADDRESSES = 32

/** Names whose addresses are kept, and for how many milliseconds: who sends one request after the other need not ask for each. */
const KEPT = 1_000
const FRESH = 1_000

/**
 * Resolves by the system's own means, in at most `milliseconds`; who asks for a name that is being looked up, or was within the last second,
 * gets the same answer. What is vetted is what is dialled, however old it is. A failure is not kept.
 */
export function createResolver(
  milliseconds = 5_000,
  lookup: (host: string) => Promise<readonly string[]> = lookUp,
  fresh = FRESH,
): Resolve {
  const known = createLru<{ asked: Promise<readonly string[]>; until: number }>(KEPT)
  return (host) => {
    if (isIP(host) !== 0) return Promise.resolve([host])
    const found = known.get(host)
    if (found !== undefined && performance.now() < found.until) return found.asked
    const asked = withinTime(lookup(host), milliseconds).then((addresses) => {
      if (addresses.length === 0) throw new OriginError("unresolved", "the host has no address")
      return addresses.slice(0, MAX_ADDRESSES)
    })
    const made = { asked, until: Number.POSITIVE_INFINITY }
    known.set(host, made)
    asked.then(
      () => {
        made.until = performance.now() + fresh
      },
      () => known.get(host) === made && known.delete(host),
    )
    return asked
  }
}

async function lookUp(host: string): Promise<string[]> {
  const found = await systemLookup(host, { all: true })
  return found.map(({ address }) => address)
}

async function withinTime<T>(asked: Promise<T>, milliseconds: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new OriginError("unresolved", "no answer from the name server")), milliseconds)
  try {
    return await Promise.race([asked, promise])
  } catch (error) {
    throw error instanceof OriginError ? error : new OriginError("unresolved", "the host's name was not found", error)
  } finally {
    clearTimeout(timer)
  }
}

/** Whether an address and port are those of a gate that listens at `listening`: its own answers to itself would never end. */
export function isOwnAddress(text: string, port: number, listening: readonly { address: string; port: number }[]) {
  const address = unmapped(text)
  // To connect to "any address" is to connect to this machine.
  if (ANY.has(address)) return listening.some((own) => own.port === port)
  return listening.some((own) => {
    if (own.port !== port) return false
    if (own.address === address) return true
    return ANY.has(own.address) && (/^(?:127\.|::1$)/.test(address) || interfaceAddresses().has(address))
  })
}

const ANY: ReadonlySet<string> = new Set(["::", "0.0.0.0"])

/** An IPv4 address within an IPv6 one (RFC 4291, section 2.5.5.2) as the former: it is that that is dialled. */
function unmapped(address: string): string {
  const groups = address.includes(":") ? parseV6(address) : undefined
  if (groups === undefined || groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return address
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join(".")
}

function interfaceAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []))
}

/** A lookup that knows nothing but the addresses that were vetted. */
export function fixedLookup(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_host, options, callback) =>
    options.all ? callback(null, all) : callback(null, all[0]!.address, all[0]!.family)
}

/** A proxy between the gate and the world, as corporate networks have one. */
export interface Parent {
  host: string
  port: number
  /** Value of its Proxy-Authorization. */
  authorization?: string
}

export interface DialOptions {
  /** Milliseconds for a connection. */
  connectTimeout: number
  /** Through this one instead of directly. Then it resolves the name: the vetted addresses are of no effect. */
  parent?: Parent | undefined
}

/** A TCP connection to one of the vetted addresses, or through the parent. Rejects with OriginError. */
export function openSocket(target: Target, addresses: readonly string[], options: DialOptions): Promise<Socket> {
  if (options.parent !== undefined) return openThrough(options.parent, target, options.connectTimeout)
  return new Promise((resolve, reject) => {
    const { host, port } = target
    const socket = connect({ host, port, lookup: fixedLookup(addresses), autoSelectFamily: true, noDelay: true })
    const fail = (error?: unknown) => {
      socket.destroy()
      reject(new OriginError("unreachable", "no connection to the host", error))
    }
    const timer = setTimeout(fail, options.connectTimeout)
    socket.once("error", fail).once("connect", () => {
      clearTimeout(timer)
      socket.off("error", fail)
      resolve(socket)
    })
    socket.once("close", () => clearTimeout(timer))
  })
}

/** CONNECT through the parent (RFC 9110, section 9.3.6). */
function openThrough(parent: Parent, target: Target, milliseconds: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const path = `${spellName(target.host)}:${target.port}`
    const headers = { host: path, ...(parent.authorization && { "proxy-authorization": parent.authorization }) }
    const asked = request({ host: parent.host, port: parent.port, method: "CONNECT", path, headers, agent: false })
    const fail = (error?: unknown) => {
      asked.destroy()
      reject(new OriginError("unreachable", "no connection through the upstream proxy", error))
    }
    asked.setTimeout(milliseconds, fail)
    asked.once("error", fail)
    asked.once("response", () => fail())
    asked.once("connect", ({ statusCode }, socket, head) => {
      if (statusCode !== 200) return fail()
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.end()
  })
}

/** TLS over a connection, verified against the target's name before it is given out. Rejects with OriginError. */
export function secureSocket(
  target: Target,
  socket: Duplex,
  secureContext: SecureContext,
  milliseconds: number,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const { host } = target
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const secured = connectTls({ socket, host, ...servername, secureContext, ALPNProtocols: ["http/1.1"] })
    const fail = (error?: unknown) => {
      secured.destroy()
      reject(new OriginError("untrusted", "no trusted TLS connection to the host", error))
    }
    const timer = setTimeout(fail, milliseconds)
    secured.once("error", fail).once("close", () => clearTimeout(timer))
    secured.once("secureConnect", () => {
      clearTimeout(timer)
      secured.off("error", fail)
      resolve(secured)
    })
  })
}
