// The client of the egress bench: TLS over CONNECT, or direct, and as little else as can be, so that the proxy is what is measured. A process of
// its own (`fork`): takes one `Job` after another, tells `{ result }` of each. Nothing is verified: both ways alike.
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"

export interface Job {
  mode: "load" | "fresh" | "paced" | "stream" | "big" | "hold" | "held"
  /** Of the origin. */
  port: number
  /** Undefined for none. */
  proxy: number | undefined
  /** For the proxy: `user:password`. */
  login?: string
  connections: number
  /** Requests in all: for `paced` in `seconds`. */
  seconds: number
  rate?: number
  path?: string
}

export interface Result {
  /** Requests a second; bytes a second of `big`. */
  rate: number
  count: number
  p50: number
  p99: number
  /** When the answer was there, nanoseconds of the monotonic clock: of `held`. */
  at?: string
}

const CONNECT = (port: number, login: string | undefined) => {
  const basic = Buffer.from(login ?? "").toString("base64")
  const token = login === undefined ? "" : `proxy-authorization: Basic ${basic}\r\n`
  return `CONNECT localhost:${port} HTTP/1.1\r\nhost: localhost:${port}\r\n${token}\r\n`
}

function openTcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1", () => resolve(socket.setNoDelay(true))).once("error", reject)
  })
}

/** A TLS connection to the origin, by way of the proxy where there is one. */
async function open({ port, proxy, login }: Job): Promise<TLSSocket> {
  const socket = await openTcp(proxy ?? port)
  if (proxy !== undefined) {
    socket.write(CONNECT(port, login))
    let head = ""
    await new Promise<void>((done, fail) => {
      // Some write it in pieces.
      const take = (bytes: Buffer) => {
        head += bytes.toString("latin1")
        if (!head.endsWith("\r\n\r\n")) return
        socket.off("data", take)
        done()
      }
      socket.on("data", take).once("close", () => fail(new Error("closed")))
    })
    if (!/^HTTP\/1\.[01] 200/.test(head)) throw new Error(`CONNECT was answered: ${head.slice(0, 200)}`)
    socket.removeAllListeners("close")
  }
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      servername: "localhost",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    })
    secured.once("secureConnect", () => resolve(secured)).once("error", reject)
  })
}

/** Sends one request and waits for the last byte of its answer. `onData` gets what comes. */
function ask(socket: TLSSocket, request: string, onData?: (bytes: Buffer) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = ""
    let left = -1
    let chunked = false
    let size = 0
    const end = (error?: Error) => {
      socket.off("data", take).off("close", closed)
      if (error) reject(error)
      else resolve(size)
    }
    const closed = () => end(new Error("the connection was closed"))
    const take = (bytes: Buffer) => {
      size += bytes.length
      onData?.(bytes)
      let body = bytes.length
      if (left < 0 && !chunked) {
        head += bytes.toString("latin1")
        const at = head.indexOf("\r\n\r\n")
        if (at < 0) return
        if (!/^HTTP\/1\.1 200/.test(head)) return end(new Error(`answered: ${head.slice(0, 300)}`))
        const length = /content-length: *(\d+)/i.exec(head)
        body = head.length - at - 4
        chunked = length === null
        left = Number(length?.[1] ?? 0)
      }
      left -= body
      if (chunked ? bytes.subarray(-5).toString("latin1") === "0\r\n\r\n" : left <= 0) end()
    }
    socket.on("data", take).once("close", closed)
    socket.write(request)
  })
}

const requestFor = ({ port, path = "/v1/things/7" }: Job) =>
  `GET ${path} HTTP/1.1\r\nhost: localhost:${port}\r\nuser-agent: bench/1.0\r\naccept: application/json\r\n\r\n`

const percentile = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

const summary = (times: number[], seconds: number, count = times.length): Result => ({
  ...{ rate: count / seconds, count, p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
})

/** Closed loop, on kept connections or on a new one for each request. */
async function load(job: Job): Promise<Result> {
  const request = requestFor(job)
  const kept = job.mode === "load" ? await Promise.all(Array.from({ length: job.connections }, () => open(job))) : []
  for (const socket of kept) await ask(socket, request)
  const times: number[] = []
  const begun = performance.now()
  const until = begun + job.seconds * 1000
  await Promise.all(
    Array.from({ length: job.connections }, async (_, n) => {
      for (let now = performance.now(); now < until; now = performance.now()) {
        const socket = kept[n] ?? (await open(job))
        await ask(socket, request)
        if (kept.length === 0) socket.destroy()
        times.push(performance.now() - now)
      }
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  for (const socket of kept) socket.destroy()
  return summary(times, seconds)
}

/** Open loop: `rate` a second whatever became of those before, milliseconds from when each was due. */
async function paced(job: Job): Promise<Result> {
  const { rate = 200, connections, seconds } = job
  const request = requestFor(job)
  const free = await Promise.all(Array.from({ length: connections }, () => open(job)))
  for (const socket of free) await ask(socket, request)
  const times: number[] = []
  const running: Promise<unknown>[] = []
  const begun = performance.now()
  for (let n = 0; n < rate * seconds; n++) {
    const early = begun + (n * 1000) / rate - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    const socket = free.pop()
    if (socket === undefined) continue
    const sent = performance.now()
    const answered = ask(socket, request).then(() => {
      times.push(performance.now() - sent)
      free.push(socket)
    })
    running.push(answered)
  }
  await Promise.all(running)
  for (const socket of free) socket.destroy()
  return summary(times, seconds)
}

/** Milliseconds from when the origin wrote an event to when it is here. */
async function stream(job: Job): Promise<Result> {
  const times: number[] = []
  const request = requestFor({ ...job, path: "/stream" })
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const socket = await open(job)
      await ask(socket, request, (bytes) => {
        const now = process.hrtime.bigint()
        for (const [, sent] of bytes.toString("latin1").matchAll(/data: (\d+)/g))
          times.push(Number(now - BigInt(sent!)) / 1e6)
      })
      socket.destroy()
    }),
  )
  return summary(times, 1)
}

async function big(job: Job): Promise<Result> {
  const socket = await open(job)
  const begun = performance.now()
  const size = await ask(socket, requestFor({ ...job, path: "/big" }))
  const seconds = (performance.now() - begun) / 1000
  socket.destroy()
  return { ...summary([], seconds, size), count: 1 }
}

/** Requests that a person is asked about, each on its own connection: sent, and left alone. */
async function hold(job: Job): Promise<Result> {
  let sent = 0
  const one = async () => {
    while (sent < job.connections) {
      const path = `/held/${sent++}`
      const socket = await open(job)
      // It ends with the bench, and with this process.
      socket.on("error", () => {})
      socket.write(postFor({ ...job, path }))
    }
  }
  await Promise.all(Array.from({ length: 32 }, one))
  return summary([], 1, sent)
}

async function held(job: Job): Promise<Result> {
  const socket = await open(job)
  await ask(socket, postFor(job))
  const at = String(process.hrtime.bigint())
  socket.destroy()
  return { ...summary([], 1, 1), at }
}

const BODY = JSON.stringify({ text: "z".repeat(1000) })
const postFor = ({ port, path = "/" }: Job) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

const MODES = { load, fresh: load, paced, stream, big, hold, held }
process.on("message", (job: Job) => {
  MODES[job.mode](job).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ result: { error: error.message } }),
  )
})
process.once("disconnect", () => process.exit())
process.send?.({ ready: true })
