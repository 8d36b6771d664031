import type { Writable } from "node:stream"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as ws from "ws"
import {
  closeFrame,
  createFrameReader,
  createReframer,
  FrameError,
  writeFrame,
} from "../../../src/gateway/egress/frames.ts"
import { createScrubber } from "../../../src/vault/scrub.ts"

/** The library's own halves, of which its types say nothing. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => Writable
  Sender: new (
    socket: object,
  ) => { send: (data: string, options: object) => void; ping: (data: string, mask: boolean) => void }
}

/** Cuts bytes at the given places, taken modulo what is left. */
function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length]! % 200) + 1
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

/** What ws, the library, writes for fragments and pings. */
function written(messages: readonly (readonly string[])[], masked: boolean): Buffer {
  const out: Buffer[] = []
  const socket = { cork: () => {}, uncork: () => {}, write: (bytes: Buffer) => out.push(Buffer.from(bytes)) > 0 }
  const sender = new Sender(socket)
  const mask = { mask: masked, rsv1: false }
  for (const fragments of messages) {
    fragments.forEach((text, index) => {
      sender.send(text, { ...mask, binary: false, compress: false, fin: index === fragments.length - 1 })
      if (index === 0) sender.ping("p", masked)
    })
  }
  return Buffer.concat(out)
}

/** What ws, the library, reads of a server's frames. */
async function received(chunks: readonly Buffer[]): Promise<{ messages: string[]; pings: string[] }> {
  const receiver = new Receiver({ isServer: false })
  const messages: string[] = []
  const pings: string[] = []
  receiver.on("message", (data: Buffer) => messages.push(data.toString()))
  receiver.on("ping", (data: Buffer) => pings.push(data.toString()))
  const failed = new Promise<never>((_, reject) => receiver.on("error", reject))
  const done = new Promise<void>((resolve) => receiver.on("finish", resolve))
  for (const chunk of chunks) if (chunk.length > 0) receiver.write(chunk)
  receiver.end()
  await Promise.race([done, failed])
  return { messages, pings }
}

const SECRET = "correct-Horse-battery-7261"
const HOLDER = "ng-placeholder-of-the-agent-0000000000"
const scrub = () => createScrubber([{ value: SECRET, replacement: HOLDER }])
const texts = fc.oneof(fc.string(), fc.constantFrom(SECRET, `a ${SECRET} b`, "x".repeat(70_000), SECRET.slice(0, 9)))
const allMessages = fc.array(fc.array(texts, { minLength: 1, maxLength: 4 }), { maxLength: 5 })
const cuts = fc.array(fc.nat(), { maxLength: 8 })

interface Given {
  first: number
  payload: Uint8Array
  mask: Uint8Array
}
const firsts = fc.constantFrom(0x00, 0x01, 0x02, 0x80, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x09, 0x83, 0xc1)
const payload = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 120, maxLength: 140 }))
const anyFrames = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ first: firsts, payload, mask: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  ),
  { maxLength: 6 },
)

function frameOf({ first, payload, mask }: Given, masked: boolean): Uint8Array {
  const { length } = payload
  const head = [
    first,
    (masked ? 0x80 : 0) | Math.min(length, 126),
    ...(length < 126 ? [] : [length >> 8, length & 255]),
  ]
  return masked
    ? Uint8Array.of(...head, ...mask, ...payload.map((byte, at) => byte ^ mask[at % 4]!))
    : Uint8Array.of(...head, ...payload)
}

/** All that a reader says of chunks: control frames whole, of messages each byte and where they end. */
function run(chunks: readonly Uint8Array[], masked: boolean): { text: string; refused: boolean } {
  const read = createFrameReader(masked)
  let text = ""
  try {
    for (const chunk of chunks) for (const { opcode, bytes, ends } of read(chunk)) text += pieceOf(opcode, bytes, ends)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return { text, refused: true }
  }
  return { text, refused: false }
}

const pieceOf = (opcode: number, bytes: Uint8Array, ends: boolean) =>
  opcode > 2
    ? `<${opcode} ${Buffer.from(bytes).toString("hex")}>`
    : [...bytes].map((byte) => `${opcode}:${byte} `).join("") + (ends ? `${opcode}.` : "")

/** The same by RFC 6455, section 5, of all bytes at once. */
function readWhole(bytes: Buffer, masked: boolean): { text: string; refused: boolean } {
  let text = ""
  let message = 0
  let closed = false
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!]
    const [fin, opcode, small] = [first >= 0x80, first & 15, second & 127]
    if (closed || (first & 0x70) !== 0 || second >= 0x80 !== masked) return { text, refused: true }
    const [width, least] = small === 127 ? [8, 65_536] : small === 126 ? [2, 126] : [0, 0]
    const start = at + 2 + width + (masked ? 4 : 0)
    if (start > bytes.length) break
    const length = width === 0 ? small : Number(`0x${bytes.toString("hex", at + 2, at + 2 + width)}`)
    const isControl = opcode >= 8
    const isFine = isControl
      ? opcode <= 10 && fin && length <= 125 && !(opcode === 8 && length === 1)
      : opcode <= 2 && (opcode === 0) === (message !== 0)
    if (!isFine || length < least || length > Number.MAX_SAFE_INTEGER) return { text, refused: true }
    if (opcode === 1 || opcode === 2) message = opcode
    const mask = masked ? bytes.subarray(start - 4, start) : Buffer.alloc(4)
    const plain = bytes.subarray(start, start + length).map((byte, place) => byte ^ mask[place % 4]!)
    const isWhole = plain.length === length
    if (!isControl) text += pieceOf(message, plain, isWhole && fin)
    else if (isWhole) text += pieceOf(opcode, plain, true)
    if (!isWhole) break
    closed = opcode === 8
    if (!isControl && fin) message = 0
    at = start + length
  }
  return { text, refused: false }
}

describe("a server's frames", () => {
  test("say the same when they were written anew, however they are split; ws reads and writes them", async () => {
    await fc.assert(
      fc.asyncProperty(allMessages, cuts, async (messages, sizes) => {
        const reframe = createReframer()
        const got = await received(split(written(messages, false), sizes).map((chunk) => reframe(chunk)))
        expect(got.messages).toEqual(messages.map((fragments) => fragments.join("")))
        expect(got.pings).toEqual(messages.map(() => "p"))
      }),
      { numRuns: 60 },
    )
  })

  test("have no secret in any message, whichever frames and packets cut it", async () => {
    await fc.assert(
      fc.asyncProperty(allMessages, cuts, fc.nat(25), async (messages, sizes, cut) => {
        const halves = [SECRET.slice(0, cut), SECRET.slice(cut)]
        const all = [...messages, halves, [`{"key":"${halves[0]}`, `${halves[1]}"}`]]
        const reframe = createReframer(scrub)
        const got = await received(split(written(all, false), sizes).map((chunk) => reframe(chunk)))
        expect(got.messages).toEqual(all.map((fragments) => fragments.join("").replaceAll(SECRET, HOLDER)))
      }),
      { numRuns: 60 },
    )
  })

  test("nor in control frames, also in the midst of a message; of what grew too long only the code is left", () => {
    const reframe = createReframer(scrub)
    const first = reframe(Buffer.concat(writeFrame(1, false, Buffer.from(SECRET.slice(0, 5)))))
    expect(first).toHaveLength(0)
    const ping = reframe(Buffer.concat(writeFrame(9, true, Buffer.from(SECRET))))
    expect(ping).toEqual(Buffer.concat(writeFrame(9, true, Buffer.from(HOLDER))))
    const rest = reframe(Buffer.concat(writeFrame(0, true, Buffer.from(`${SECRET.slice(5)}.`))))
    expect(rest).toEqual(Buffer.concat(writeFrame(1, true, Buffer.from(`${HOLDER}.`))))
    const close = reframe(closeFrame(1011, `${SECRET}${"y".repeat(96)}`))
    expect(close).toEqual(Buffer.from([0x88, 2, 0x03, 0xf3]))
  })

  test("cost one scrubber for all messages and one for all control frames of a connection", () => {
    let made = 0
    const reframe = createReframer(() => {
      made++
      return scrub()
    })
    const halves = [SECRET.slice(0, 9), SECRET.slice(9)].map((half) => writeFrame(9, true, Buffer.from(half)))
    // Two halves in two frames are no secret: nothing of the one is left for the other.
    for (const half of halves) expect(reframe(Buffer.concat(half))).toEqual(Buffer.concat(half))
    for (let at = 0; at < 100; at++)
      expect(reframe(Buffer.concat(writeFrame(10, true, Buffer.from(SECRET))))).toEqual(
        Buffer.concat(writeFrame(10, true, Buffer.from(HOLDER))),
      )
    expect(made).toBe(2)
  })
})

describe("what is no frame", () => {
  const mask = [0, 0, 0, 0]
  test.each<[string, boolean, number[]]>([
    ["a reserved bit", false, [0xc1, 0]],
    ["a reserved opcode", false, [0x83, 0]],
    ["a reserved control opcode", false, [0x8b, 0]],
    ["a server's that is masked", false, [0x81, 0x80, ...mask]],
    ["a client's that is not", true, [0x81, 0]],
    ["a control frame in pieces", false, [0x09, 0]],
    ["a control frame of 126 bytes", false, [0x89, 126, 0, 126]],
    ["a close of one byte", false, [0x88, 1]],
    ["a continuation of nothing", false, [0x80, 0]],
    ["a message in a message", false, [0x01, 0, 0x81, 0]],
    ["a length of two bytes for one", false, [0x81, 126, 0, 125]],
    ["a length of eight bytes for two", false, [0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255]],
    ["a length beyond all", false, [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]],
    ["anything behind a close", false, [0x88, 0, 0x81, 0]],
  ])("%s", (_, masked, bytes) => {
    const read = createFrameReader(masked)
    expect(() => bytes.map((byte) => read(Uint8Array.of(byte)))).toThrow(FrameError)
  })

  test("any bytes are read or refused as RFC 6455 has it, and nothing is kept of them but heads and control frames", () => {
    fc.assert(
      fc.property(anyFrames, fc.boolean(), cuts, fc.nat(400), (parts, masked, sizes, length) => {
        const all = Buffer.concat(parts.map((part) => (part instanceof Uint8Array ? part : frameOf(part, masked))))
        const bytes = all.subarray(0, Math.max(0, all.length - (length % 80)))
        const told = run(
          [...bytes].map((byte) => Uint8Array.of(byte)),
          masked,
        )
        expect(told).toEqual(readWhole(bytes, masked))
        const inChunks = run(split(bytes, sizes), masked)
        // What stands before the fault in one chunk is not passed on.
        if (!told.refused) expect(inChunks).toEqual(told)
        else expect([inChunks.refused, told.text.startsWith(inChunks.text)]).toEqual([true, true])
      }),
      { numRuns: 1_000 },
    )
  })

  test("a client's frames are read as ws masked them", () => {
    fc.assert(
      fc.property(allMessages, cuts, (messages, sizes) => {
        const read = createFrameReader(true)
        const got: string[] = []
        let open: Uint8Array[] = []
        for (const chunk of split(written(messages, true), sizes))
          for (const { opcode, bytes, ends } of read(chunk)) {
            if (opcode > 2) continue
            open.push(bytes)
            if (ends) got.push(Buffer.concat(open).toString())
            if (ends) open = []
          }
        expect(got).toEqual(messages.map((fragments) => fragments.join("")))
      }),
      { numRuns: 40 },
    )
  })
})
