// A WebSocket that is looked into: what the client says is looked through for placeholders, what the server says is scrubbed.
import { type Duplex, Transform } from "node:stream"
import { AnswerRefused } from "./forward.ts"
import { closeFrame, createFrameReader, createReframer, FrameError, type FrameScrubber } from "./frames.ts"
import type { MessageGuard } from "./guard.ts"
import { endSocket } from "./raw-answer.ts"

export interface FrameWatch {
  guard?: MessageGuard | undefined
  scrubber?: (() => FrameScrubber) | undefined
  /** Is told of what is neither side's doing: the record, the vault. */
  onTrouble: (error: unknown) => void
}

/** What passed, in bytes; `failed`: why it was cut off, a code. */
export interface FramesPassed {
  sent: number
  received: number
  failed?: string
}

/** Bytes that are held back behind what may be the beginning of a placeholder, before that counts as hidden. */
const MAX_BEHIND = 65_536
/** RFC 6455, section 7.4.1. */
const PROTOCOL = 1002
const POLICY = 1008
const INTERNAL = 1011

/** Passes frames both ways until either side ends, or nothing moved for `idle` milliseconds. Cut off, the client is told by a close. */
export function passFrames(client: Duplex, origin: Duplex, idle: number, watch: FrameWatch): Promise<FramesPassed> {
  return new Promise((resolve) => {
    const passed: FramesPassed = { sent: 0, received: 0 }
    const up = createUp(watch.guard)
    const down = createDown(watch.scrubber)
    let movedAt = performance.now()
    const end = () => {
      client.destroy()
      origin.destroy()
    }
    const timer = setInterval(() => {
      if (performance.now() - movedAt > idle) end()
    }, idle / 2)
    const cut = (error: Error) => {
      const [failed, code] = endOf(error)
      if (code === INTERNAL) watch.onTrouble(error)
      passed.failed ??= failed
      client.unpipe(up)
      down.unpipe(client)
      origin.destroy()
      // What was written are whole frames: a close may stand behind any of them.
      if (!client.destroyed) endSocket(client, closeFrame(code, passed.failed))
    }
    up.once("error", cut)
    down.once("error", cut)
    const open = new Set([client, origin])
    const onClose = (side: Duplex) => {
      open.delete(side)
      if (open.size > 0) return
      clearInterval(timer)
      resolve(passed)
    }
    client.on("error", end).once("close", () => {
      origin.destroy()
      onClose(client)
    })
    origin
      .on("error", () => origin.destroy())
      .once("close", () => {
        // Cut off, or broken: after an end of its own the last frames are on their way.
        if (!origin.readableEnded && passed.failed === undefined) client.destroy()
        onClose(origin)
      })
    down.once("end", () => endSocket(client, EMPTY))
    const count = (name: "sent" | "received") => (chunk: Buffer) => {
      passed[name] += chunk.length
      movedAt = performance.now()
    }
    client.on("data", count("sent")).pipe(up).pipe(origin)
    origin.on("data", count("received")).pipe(down).pipe(client, { end: false })
    if (client.destroyed || origin.destroyed) end()
    // What is closed by now tells nobody of it any more.
    for (const side of [client, origin]) if (side.closed) onClose(side)
  })
}

/** Why a connection is cut off, and the code of its close. */
function endOf(error: Error): [failed: string, code: number] {
  if (error instanceof AnswerRefused) return [error.message, POLICY]
  return error instanceof FrameError ? ["frames.malformed", PROTOCOL] : ["broken", INTERNAL]
}

const EMPTY = Buffer.alloc(0)

/** Pieces that are looked at in one turn of the event loop. */
const AT_ONCE = 256

/** The client's bytes, as they are: once what they say was looked through. */
function createUp(guard: MessageGuard | undefined): Transform {
  const read = createFrameReader(true)
  let held: Buffer[] = []
  let size = 0
  const look = async (chunk: Buffer): Promise<Buffer> => {
    for (const [at, piece] of read(chunk).entries()) {
      if (at % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve))
      await guard?.look(piece)
    }
    held.push(chunk)
    size += chunk.length
    if (guard?.waiting === true) {
      if (size > MAX_BEHIND + chunk.length) throw new AnswerRefused("body.unread")
      return EMPTY
    }
    const free = Buffer.concat(held)
    held = []
    size = 0
    return free
  }
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      look(chunk).then((bytes) => done(null, bytes), done)
    },
  })
}

/** The server's frames, without secrets. */
function createDown(scrubber: FrameWatch["scrubber"]): Transform {
  const reframe = createReframer(scrubber)
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      try {
        done(null, reframe(chunk))
      } catch (error) {
        done(error as Error)
      }
    },
  })
}
