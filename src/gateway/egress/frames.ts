// Frames of a WebSocket (RFC 6455, section 5), read as they come: nothing but a frame's head and control frames (125 bytes) is kept.

/** A piece of a message, or a whole control frame. */
export interface Piece {
  /** 1 text, 2 binary: of the message, whichever of its frames this is of. 8 close, 9 ping, 10 pong. */
  opcode: number
  /** Unmasked. */
  bytes: Uint8Array
  /** The message ends with it; always true of a control frame. */
  ends: boolean
}

/** What no WebSocket without extensions sends. */
export class FrameError extends Error {
  override name = "FrameError"
}

const MAX_CONTROL = 125
const CLOSE = 8
const NONE = new Uint8Array(0)

/** A frame under way: what is left of its payload, and how much of that was unmasked. */
interface Frame {
  opcode: number
  fin: boolean
  left: number
  mask: number[] | undefined
  at: number
}

/**
 * Reads one side's bytes, split anywhere. `masked`: the client's side, whose frames have to be masked as the other's must not be. Throws
 * `FrameError` for reserved bits and opcodes, fragmented or long control frames, lengths that are not in their shortest form, messages within
 * messages, and anything behind a close.
 */
export function createFrameReader(masked: boolean): (chunk: Uint8Array) => Piece[] {
  const head = Buffer.alloc(14)
  let filled = 0
  let needed = 2
  let frame: Frame | undefined
  /** Of the message under way; 0 where there is none. */
  let message = 0
  let control: Uint8Array[] = []
  let closed = false

  const begin = (): Frame => {
    const small = head[1]! & 0x7f
    const width = small === 127 ? 8 : small === 126 ? 2 : 0
    let left = small
    if (width === 2) left = head.readUInt16BE(2)
    if (width === 8) left = Number(head.readBigUInt64BE(2))
    if ((width === 2 && left < 126) || (width === 8 && left < 65_536) || !Number.isSafeInteger(left))
      throw new FrameError("length")
    const opcode = head[0]! & 0x0f
    const fin = head[0]! >= 0x80
    if (opcode >= CLOSE && opcode <= 10) {
      if (!fin || left > MAX_CONTROL || (opcode === CLOSE && left === 1)) throw new FrameError("control")
    } else if (opcode === 0 ? message === 0 : opcode > 2 || message !== 0) throw new FrameError("opcode")
    if (opcode === 1 || opcode === 2) message = opcode
    const mask = masked ? [...head.subarray(2 + width, 6 + width)] : undefined
    return { opcode, fin, left, mask, at: 0 }
  }

  /** How long the head is, by its first two bytes. */
  const measure = () => {
    if (closed || (head[0]! & 0x70) !== 0) throw new FrameError(closed ? "closed" : "reserved")
    if (head[1]! >= 0x80 !== masked) throw new FrameError("mask")
    const small = head[1]! & 0x7f
    needed = 2 + (small === 127 ? 8 : small === 126 ? 2 : 0) + (masked ? 4 : 0)
  }

  return (chunk) => {
    const pieces: Piece[] = []
    let at = 0
    while (at < chunk.length) {
      if (frame === undefined) {
        head[filled++] = chunk[at++]!
        if (filled === 2) measure()
        if (filled < needed) continue
        frame = begin()
        if (frame.left > 0) continue
      }
      const { opcode, fin, mask } = frame
      const part = chunk.subarray(at, at + frame.left)
      at += part.length
      const bytes = mask === undefined ? part : unmask(part, mask, frame.at)
      frame.at += part.length
      frame.left -= part.length
      const isOver = frame.left === 0
      if (opcode >= CLOSE) {
        control.push(Uint8Array.from(bytes))
        if (isOver) {
          pieces.push({ opcode, bytes: Buffer.concat(control), ends: true })
          control = []
          closed = opcode === CLOSE
        }
      } else {
        const ends = isOver && fin
        pieces.push({ opcode: message, bytes, ends })
        if (ends) message = 0
      }
      if (!isOver) break
      frame = undefined
      filled = 0
      needed = 2
    }
    return pieces
  }
}

/** RFC 6455, section 5.3. The bytes themselves go on masked. */
function unmask(bytes: Uint8Array, mask: readonly number[], from: number): Uint8Array {
  const plain = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at++) plain[at] = bytes[at]! ^ mask[(from + at) & 3]!
  return plain
}

/** A frame of the server's side: not masked. */
export function writeFrame(opcode: number, fin: boolean, payload: Uint8Array): Buffer[] {
  const { length } = payload
  const first = (fin ? 0x80 : 0) | opcode
  if (length < 126) return [Buffer.from([first, length]), Buffer.from(payload)]
  const head = Buffer.alloc(length < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = length < 65_536 ? 126 : 127
  if (length < 65_536) head.writeUInt16BE(length, 2)
  else head.writeBigUInt64BE(BigInt(length), 2)
  return [head, Buffer.from(payload.buffer, payload.byteOffset, length)]
}

/** A close with a code (RFC 6455, section 7.4.1) and a reason of ours, at most 123 bytes. */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return Buffer.concat(writeFrame(CLOSE, true, payload))
}

/** What scrubs a stream of bytes; `end` gives what was held back, and begins anew. */
export interface FrameScrubber {
  push: (chunk: Uint8Array) => Uint8Array
  end: () => Uint8Array
}

/**
 * Writes a server's frames anew, their payloads without secrets: what of a message is there goes on as a fragment of it (RFC 6455, section
 * 5.4), and only what may begin a secret waits. Without a scrubber they say the same as before. Throws `FrameError`.
 */
export function createReframer(scrubber?: () => FrameScrubber): (chunk: Uint8Array) => Buffer {
  const read = createFrameReader(false)
  const scrub = scrubber?.()
  // Control frames come in the midst of messages: one of their own, which begins anew for each.
  let own: FrameScrubber | undefined
  const whole = (bytes: Uint8Array) => {
    own ??= scrubber?.()
    return own === undefined ? bytes : Buffer.concat([own.push(bytes), own.end()])
  }
  let going = false
  return (chunk) => {
    const out: Buffer[] = []
    for (const { opcode, bytes, ends } of read(chunk)) {
      if (opcode >= CLOSE) {
        out.push(...writeFrame(opcode, true, controlOf(opcode, bytes, whole)))
        continue
      }
      const first = scrub?.push(bytes) ?? bytes
      const rest = ends ? (scrub?.end() ?? NONE) : NONE
      const payload = rest.length === 0 ? first : Buffer.concat([first, rest])
      if (payload.length === 0 && !ends) continue
      out.push(...writeFrame(going ? 0 : opcode, ends, payload))
      going = !ends
    }
    return Buffer.concat(out)
  }
}

/** A control frame's payload without secrets: where it grew too long by that, only a close's code is left of it. */
function controlOf(opcode: number, bytes: Uint8Array, scrub: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const code = opcode === CLOSE ? bytes.subarray(0, 2) : NONE
  const text = scrub(bytes.subarray(code.length))
  return code.length + text.length > MAX_CONTROL ? code : Buffer.concat([code, text])
}
