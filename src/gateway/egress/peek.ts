// Waits for a client's first message, and puts all that it read back.
import type { Duplex } from "node:stream"
import { type Hello, MAX_HELLO, readHello } from "./hello.ts"

/** What a client sent first. `late`: no whole message within its time; `gone`: it left. */
export type Peeked =
  | { kind: "hello"; hello: Hello; bytes: Buffer }
  | { kind: "alien"; bytes: Buffer }
  | { kind: "late" }
  | { kind: "gone" }

/** Reads a ClientHello off a paused socket; `head` came before it. Afterwards nothing listens, and the socket is paused and unread. */
export function peekHello(socket: Duplex, head: Buffer, milliseconds: number): Promise<Peeked> {
  return new Promise((resolve) => {
    let bytes = head
    const settle = (peeked: Peeked) => {
      clearTimeout(timer)
      socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd)
      resolve(peeked)
    }
    const look = (): boolean => {
      const hello = bytes.length === 0 ? "more" : readHello(bytes)
      if (hello === "more" && bytes.length <= MAX_HELLO) return false
      if (bytes.length > 0) socket.unshift(bytes)
      settle(typeof hello === "string" ? { kind: "alien", bytes } : { kind: "hello", hello, bytes })
      return true
    }
    const onReadable = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
        if (look()) return
      }
    }
    const onEnd = () => settle(bytes.length === 0 ? { kind: "gone" } : { kind: "alien", bytes })
    const timer = setTimeout(() => settle({ kind: "late" }), milliseconds)
    if (look()) return
    socket.on("readable", onReadable).on("end", onEnd).on("close", onEnd)
    onReadable()
  })
}
