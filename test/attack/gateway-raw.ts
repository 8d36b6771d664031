// Bytes onto a gate's socket as an attacker writes them, and whatever comes back.
import { connect } from "node:net"

/** Sends `bytes` to the gate at `origin` and resolves with everything it answered, as latin1, once it closes or is silent for `quiet` ms; `first` for its first byte. */
export function sendRaw(origin: string, bytes: string | Buffer, quiet = 100, first = 2_000): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname)
    const end = () => {
      socket.destroy()
      resolve(Buffer.concat(chunks).toString("latin1"))
    }
    let timer = setTimeout(end, first)
    socket.on("connect", () => socket.write(bytes))
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      clearTimeout(timer)
      timer = setTimeout(end, quiet)
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(timer)
      end()
    })
  })
}

/** Statuses of all answers in what came back. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
}

/** A GET of a target exactly as it is written here, without anything resolving or encoding it. */
export async function getRaw(origin: string, target: string, headers: Readonly<Record<string, string>> = {}) {
  const { host } = new URL(origin)
  const lines = Object.entries({ host, connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const text = await sendRaw(origin, `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`)
  return { text, status: statusesOf(text)[0] ?? 0 }
}
