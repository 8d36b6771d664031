// Where a request says that it goes: read strictly, in the one spelling that every other parser reads the same way.
import { parseV4, parseV6 } from "../../policy/addresses.ts"
import { canonicalHost } from "../../policy/hosts.ts"
import type { Target } from "./types.ts"

/** Canonical host and port. */
export type Authority = Omit<Target, "scheme">

/** Port of a scheme where none is written. */
export const DEFAULT_PORT = { https: 443, http: 80 } as const

const MAX_AUTHORITY = 300
/** `host` or `[v6]`, then a port without leading zeros. What is not ASCII was for the client to encode (RFC 5890). */
const AUTHORITY = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([1-9]\d{0,4}))?$/
/** A last label that makes a host an IPv4 address to the URL Standard's parser, whatever stands before it. */
const NUMERIC = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i

/** The target of a CONNECT (RFC 9110, section 9.3.6): `host:port`, the port always there. Undefined for anything else. */
export function readConnectTarget(text: string): Authority | undefined {
  return readAuthority(text, undefined)
}

/**
 * A Host header or `:authority` (RFC 9110, section 7.2). `port` is meant where none is written; without it one has to be.
 * Undefined for user names, zones, percent-encoding, white space, empty labels, and every address in an odd spelling.
 */
export function readAuthority(text: string, port: number | undefined): Authority | undefined {
  const found = text.length > MAX_AUTHORITY ? null : AUTHORITY.exec(text)
  if (found === null) return undefined
  const [, name = "", written] = found
  const number = written === undefined ? port : Number(written)
  if (number === undefined || number > 65_535) return undefined
  const host = name.startsWith("[") ? readV6(name.slice(1, -1)) : readName(name)
  return host === undefined ? undefined : { host, port: number }
}

/** An address that carries an IPv4 one is refused: it has another spelling, which rules are written in. */
function readV6(text: string): string | undefined {
  const groups = parseV6(text)
  if (groups === undefined || text.includes(".") || groups.slice(0, 5).every((group) => group === 0)) {
    // Loopback is the only address there that means anything; whether it may be reached is for the policy.
    return groups?.every((group, index) => group === (index === 7 ? 1 : 0)) ? "::1" : undefined
  }
  return canonicalHost(text)
}

function readName(text: string): string | undefined {
  if (NUMERIC.test(text)) return parseV4(text) === undefined ? undefined : text
  const host = canonicalHost(text)
  return host === undefined || parseV4(host) !== undefined ? undefined : host
}

/** An absolute address as a request to a proxy names it (RFC 9112, section 3.2.2), taken apart: `url` is its origin form. */
export function readAbsolute(text: string): { target: Target; url: string } | undefined {
  const found = /^(https?):\/\/([^/?#]*)([^#]*)$/i.exec(text)
  if (found === null) return undefined
  const scheme = found[1]!.toLowerCase() === "https" ? "https" : "http"
  const authority = readAuthority(found[2]!, DEFAULT_PORT[scheme])
  if (authority === undefined) return undefined
  const rest = found[3]!
  return { target: { scheme, ...authority }, url: rest.startsWith("/") ? rest : `/${rest}` }
}

/** A target as a Host header names it: without the port where it is the scheme's own. */
export function spellHost({ scheme, host, port }: Target): string {
  return port === DEFAULT_PORT[scheme] ? spellName(host) : `${spellName(host)}:${port}`
}

/** A canonical host as addresses hold it: IPv6 in brackets (RFC 3986, section 3.2.2). */
export function spellName(host: string): string {
  return host.includes(":") ? `[${host}]` : host
}

/** Whether the one Host that a request has is its target. */
export function isHostOf(values: readonly string[] | undefined, target: Target): boolean {
  if (values?.length !== 1) return false
  // What nearly all clients send, without taking it apart.
  if (values[0] === spellHost(target)) return true
  const named = readAuthority(values[0]!, DEFAULT_PORT[target.scheme])
  return named !== undefined && named.host === target.host && named.port === target.port
}
