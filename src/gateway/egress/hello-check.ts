// Whether what a client said first belongs to the tunnel that it asked for.
import { isIP } from "node:net"
import { errorAnswer } from "../answer.ts"
import type { Peeked } from "./peek.ts"
import type { TunnelDecision, Violation } from "./types.ts"

/** A breach: its code, what is recorded of it in words of our own, and the last bytes that the client gets. */
export interface Breach {
  code: Violation
  detail: string
  last: Buffer
}

/** The name said in the clear is not one that we answer for (RFC 6066, section 3). */
const UNRECOGNIZED_NAME = alert(112)
/** RFC 8446, section 6. */
function alert(description: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description])
}

/** Undefined where the ClientHello names exactly the target: the host, or nothing where that is an address (RFC 6066, section 3). */
export function judgeHello(
  peeked: Extract<Peeked, { bytes: Buffer }>,
  host: string,
  go: TunnelDecision["go"],
): Breach | undefined {
  if (peeked.kind === "alien") return judgeAlien(peeked.bytes)
  const { names, encrypted } = peeked.hello
  // What is looked into is ended here, so that a hidden name is never used. What is passed on would reach it.
  if (encrypted && go === "pass") return breach("tls.sni-mismatch", "an encrypted ClientHello hides the name")
  if (isIP(host) !== 0) {
    return names === undefined ? undefined : breach("tls.sni-mismatch", "a name was said for a host that is an address")
  }
  if (names === undefined || names.length === 0) return breach("tls.sni-missing", "the ClientHello names no host")
  if (names.length > 1) return breach("tls.sni-mismatch", "the ClientHello names more than one host")
  const name = names[0]!.toLowerCase()
  if (name === host) return undefined
  if (name.startsWith(`${host}:`))
    return breach("tls.sni-mismatch", "the name said in the ClientHello has a port at its end, which no host name has")
  return breach("tls.sni-mismatch", "the ClientHello names another host than the tunnel's")
}

const breach = (code: Violation, detail: string): Breach => ({ code, detail, last: UNRECOGNIZED_NAME })

/** Bytes that are no TLS. Who speaks HTTP here gets an answer that can be read. */
function judgeAlien(bytes: Buffer): Breach {
  const start = bytes.subarray(0, 16).toString("latin1")
  if (start.startsWith("CONNECT ")) {
    const detail = "a CONNECT within a tunnel"
    return { code: "connect.nested", detail, last: plainAnswer(403, "connect.nested: this is a tunnel already") }
  }
  const detail = "the tunnel's first bytes are no TLS ClientHello"
  const text = "tls.expected: tunnels are for TLS; plain HTTP is asked for without CONNECT"
  const last = /^[A-Z]{3,10} /.test(start) ? plainAnswer(400, text) : Buffer.alloc(0)
  return { code: "tls.expected", detail, last }
}

function plainAnswer(status: number, text: string): Buffer {
  const { phrase, headers, body } = errorAnswer(status, text)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = `content-length: ${Buffer.byteLength(String(body))}\r\nconnection: close\r\n\r\n`
  return Buffer.from(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join("")}${length}${String(body)}`, "latin1")
}
