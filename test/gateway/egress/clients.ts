// Clients of the proxy: real ones, and bytes as an attacker writes them.
import { execFile } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls"
import { onTestFinished } from "vitest"
import { HOST, type TestProxy } from "./proxy.ts"

/** What a client needs to know of a proxy; `token`: it comes with that, as `gateway env` has it. */
type Via = Pick<TestProxy, "port" | "certificate"> & { token?: string }

/** A file with a certificate, until the test ends. */
export function certificateFile(pem: string): string {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-egress-"))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, "ca.pem")
  writeFileSync(file, pem)
  return file
}

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program to its end, for at most ten seconds. */
export function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { env: { PATH: process.env["PATH"], ...env }, timeout: 10_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
      },
    )
    child.stdin?.on("error", () => {})
    child.stdin?.end(input)
  })
}

/** curl through the proxy, trusting the run's authority alone. */
export function curl(proxy: TestProxy, ...args: string[]): Promise<Ran> {
  const trust = ["--cacert", certificateFile(proxy.certificate)]
  return run("curl", ["-sS", "-x", `http://x:run-1@127.0.0.1:${proxy.port}`, ...trust, ...args])
}

export interface Wire {
  socket: Socket
  /** Everything that came, as latin1. */
  text: () => string
  /** Resolves once `pattern` came, or the connection ended, or two seconds passed; with all that came. */
  until: (pattern: RegExp) => Promise<string>
}

const PATIENCE = 2_000

/** Listens to a socket. */
export function wire(socket: Socket): Wire {
  const chunks: Buffer[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const look of waiting) look()
  }
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    wake()
  })
  socket.on("error", () => {})
  socket.on("close", wake)
  onTestFinished(() => void socket.destroy())
  const text = () => Buffer.concat(chunks).toString("latin1")
  return {
    ...{ socket, text },
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!pattern.test(text()) && !socket.destroyed) return
          end()
        }
        const end = () => {
          waiting.delete(look)
          clearTimeout(timer)
          resolve(text())
        }
        const timer = setTimeout(end, PATIENCE)
        waiting.add(look)
        look()
      }),
  }
}

/** A bare connection to the proxy. */
export function dialProxy({ port }: Pick<TestProxy, "port">): Wire {
  return wire(connect(port, "127.0.0.1"))
}

/** A CONNECT to `authority`, and what was answered. */
export async function openTunnel(proxy: Via, authority: string): Promise<Wire> {
  const opened = dialProxy(proxy)
  const basic = Buffer.from(`x:${proxy.token}`).toString("base64")
  const token = proxy.token === undefined ? "" : `Proxy-Authorization: Basic ${basic}\r\n`
  opened.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${token}\r\n`)
  await opened.until(/\r\n\r\n/)
  return opened
}

/** TLS through a tunnel to `host`, that trusts the run's authority. Rejects where there is no handshake. */
export async function openTls(proxy: Via, port: number, options: ConnectionOptions = {}, host = HOST): Promise<Wire> {
  const { socket, text } = await openTunnel(proxy, `${host}:${port}`)
  if (!text().startsWith("HTTP/1.1 200 ")) throw new Error(text())
  socket.removeAllListeners("data")
  const secured = connectTls({ socket, servername: host, ca: proxy.certificate, ...options })
  await new Promise<void>((resolve, reject) => secured.once("secureConnect", resolve).once("error", reject))
  return wire(secured as TLSSocket)
}
