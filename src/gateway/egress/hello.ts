// The first message of a TLS client, read before any of it is believed (RFC 8446, sections 4.1.2 and 5.1).

export interface Hello {
  /** Names of its server_name extension (RFC 6066, section 3), as they were written. Undefined where there is no such extension. */
  names: readonly string[] | undefined
  /** Application protocols on offer (RFC 7301). */
  alpn: readonly string[]
  /** An encrypted ClientHello is in it (RFC 9849), or what looks like one: the true name may be another. */
  encrypted: boolean
}

/** Bytes that a ClientHello may have, with the headers of its records. */
export const MAX_HELLO = 16_384

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ALPN = 16
const ENCRYPTED = 0xfe0d

/** Reads what a client sent first: "more" while it is not all there, "alien" where it is no ClientHello, or a broken one. */
export function readHello(bytes: Buffer): Hello | "more" | "alien" {
  const message = joinRecords(bytes)
  if (typeof message === "string") return message
  try {
    return readMessage(message)
  } catch (error) {
    if (error instanceof RangeError) return "alien"
    throw error
  }
}

/** The handshake message out of its records, without its header. */
function joinRecords(bytes: Buffer): Buffer | "more" | "alien" {
  const parts: Buffer[] = []
  let have = 0
  let wanted = 4
  for (let at = 0; ; ) {
    const header = bytes.subarray(at, at + 5)
    if (header.length > 0 && header[0] !== HANDSHAKE) return "alien"
    if (header.length > 1 && header[1] !== 3) return "alien"
    if (header.length < 5) return bytes.length < MAX_HELLO ? "more" : "alien"
    const size = header.readUInt16BE(3)
    if (size === 0 || at + 5 + size > MAX_HELLO) return "alien"
    const part = bytes.subarray(at + 5, at + 5 + size)
    parts.push(part)
    have += part.length
    if (have > 0 && (parts[0]?.[0] ?? CLIENT_HELLO) !== CLIENT_HELLO) return "alien"
    if (have >= 4 && wanted === 4) wanted = 4 + Buffer.concat(parts).readUIntBE(1, 3)
    if (wanted > MAX_HELLO) return "alien"
    // Nothing may follow a ClientHello in its record before the server has answered.
    if (wanted > 4 && have >= wanted) return have === wanted ? Buffer.concat(parts).subarray(4) : "alien"
    if (part.length < size) return "more"
    at += 5 + size
  }
}

/** Throws RangeError where a length points outside of what holds it. */
function readMessage(message: Buffer): Hello | "alien" {
  const body = createReader(message)
  if (body.take(2)[0] !== 3) return "alien"
  body.take(32)
  if (body.block(1).length > 32) return "alien"
  const suites = body.block(2).length
  if (suites === 0 || suites % 2 !== 0 || body.block(1).length === 0) return "alien"
  const hello: { -readonly [K in keyof Hello]: Hello[K] } = { names: undefined, alpn: [], encrypted: false }
  if (body.left() === 0) return hello
  const extensions = createReader(body.block(2))
  if (body.left() !== 0) return "alien"
  const seen = new Set<number>()
  while (extensions.left() > 0) {
    const type = extensions.number(2)
    const data = createReader(extensions.block(2))
    // One extension twice (RFC 8446, section 4.2): which of them counts is what two readers would differ about.
    if (seen.has(type)) return "alien"
    seen.add(type)
    if (type === ENCRYPTED) hello.encrypted = true
    if (type === ALPN) hello.alpn = readList(data, (list) => list.block(1).toString("latin1"))
    if (type === SERVER_NAME) hello.names = readList(data, readName)
  }
  return hello
}

function readName(list: Reader): string {
  if (list.number(1) !== 0) throw new RangeError("a name of an unknown type")
  return list.block(2).toString("latin1")
}

function readList(data: Reader, read: (list: Reader) => string): string[] {
  const list = createReader(data.block(2))
  if (data.left() !== 0) throw new RangeError("bytes after a list")
  const items: string[] = []
  while (list.left() > 0) items.push(read(list))
  return items
}

interface Reader {
  left: () => number
  take: (size: number) => Buffer
  number: (size: number) => number
  /** A vector: its length in `size` bytes, then that many bytes (RFC 8446, section 3.4). */
  block: (size: number) => Buffer
}

function createReader(bytes: Buffer): Reader {
  let at = 0
  const take = (size: number) => {
    if (at + size > bytes.length) throw new RangeError("a length points past the end")
    at += size
    return bytes.subarray(at - size, at)
  }
  const number = (size: number) => take(size).readUIntBE(0, size)
  return { left: () => bytes.length - at, take, number, block: (size) => take(number(size)) }
}
