import { spawn } from "node:child_process"
import { createServer, type Socket } from "node:net"
import { PassThrough } from "node:stream"
import { type ConnectionOptions, connect } from "node:tls"
import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { MAX_HELLO, readHello } from "../../../src/gateway/egress/hello.ts"
import { judgeHello } from "../../../src/gateway/egress/hello-check.ts"
import { peekHello } from "../../../src/gateway/egress/peek.ts"

/** The first bytes of a client, which then gets no answer. */
async function capture(dial: (port: number) => () => void): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {})
    const chunks: Buffer[] = []
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) return
      socket.destroy()
      resolve(bytes)
    })
  })
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
  const { port } = server.address() as { port: number }
  const stop = dial(port)
  const bytes = await promise
  stop()
  server.close()
  return bytes
}

const node = (options: ConnectionOptions) =>
  capture((port) => {
    const socket = connect({ port, host: "127.0.0.1", ...options })
    socket.on("error", () => {})
    return () => socket.destroy()
  })

const openssl = (...args: string[]) =>
  capture((port) => {
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args], { stdio: "ignore" })
    return () => child.kill()
  })

/** A handshake message in records of at most `size` bytes. */
function records(message: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    const header = Buffer.from([22, 3, 1, 0, 0])
    header.writeUInt16BE(part.length, 3)
    parts.push(header, part)
  }
  return Buffer.concat(parts)
}

/** A ClientHello with these extensions and nothing else. */
function helloWith(extensions: [number, Buffer][]): Buffer {
  const vector = (bytes: Buffer, size: number) => {
    const length = Buffer.alloc(size)
    length.writeUIntBE(bytes.length, 0, size)
    return Buffer.concat([length, bytes])
  }
  const list = extensions.map(([type, data]) => Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(data, 2)]))
  const suites = vector(Buffer.from([0x13, 0x01]), 2)
  const body = [Buffer.from([3, 3]), Buffer.alloc(32, 7), vector(Buffer.alloc(0), 1), suites, Buffer.from([1, 0])]
  const message = Buffer.concat([...body, vector(Buffer.concat(list), 2)])
  return Buffer.concat([Buffer.from([1]), vector(message, 3)])
}

/** The server_name extension with these names. */
function serverName(...names: string[]): [number, Buffer] {
  const list = names.map((name) =>
    Buffer.concat([Buffer.from([0, name.length >> 8, name.length & 255]), Buffer.from(name)]),
  )
  const all = Buffer.concat(list)
  return [0, Buffer.concat([Buffer.from([all.length >> 8, all.length & 255]), all])]
}

let real: Buffer[]

beforeAll(async () => {
  real = [
    await node({ servername: "api.example.com", ALPNProtocols: ["h2", "http/1.1"] }),
    await node({ servername: "api.example.com", maxVersion: "TLSv1.2" }),
    await openssl("-servername", "api.example.com"),
    await openssl("-servername", "api.example.com", "-alpn", "h2", "-tls1_3"),
  ]
})

describe("a ClientHello", () => {
  test("of a real client gives its name and protocols", async () => {
    for (const bytes of real) expect(readHello(bytes)).toMatchObject({ names: ["api.example.com"], encrypted: false })
    expect(readHello(real[0]!)).toMatchObject({ alpn: ["h2", "http/1.1"] })
    expect(readHello(real[3]!)).toMatchObject({ alpn: ["h2"] })
    expect(readHello(await openssl("-noservername"))).toMatchObject({ names: undefined, alpn: [] })
  })

  test("is the same however it is cut into records, and not there before its last byte", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 700 }), fc.nat(), (which, size, cut) => {
        const message = real[which]!.subarray(5)
        const cutUp = records(message, size)
        expect(readHello(cutUp)).toEqual(readHello(real[which]!))
        expect(readHello(cutUp.subarray(0, cut % cutUp.length))).toBe("more")
      }),
      { numRuns: 200 },
    )
  })

  test("with any byte changed is read, or is none; nothing is thrown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.nat(), fc.integer({ min: 0, max: 255 }), (which, at, value) => {
        const bytes = Buffer.from(real[which]!)
        bytes[at % bytes.length] = value
        const hello = readHello(bytes)
        if (typeof hello === "string") expect(["more", "alien"]).toContain(hello)
        else for (const name of hello.names ?? []) expect(bytes.includes(name, 0, "latin1")).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test("of any bytes is none, or not there yet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(["more", "alien"]).toContain(readHello(Buffer.from(bytes)))
        const begun = Buffer.concat([Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), Buffer.from(bytes)])
        expect(() => readHello(begun)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  test("is none where two readers would differ about it", () => {
    const [type, data] = serverName("a.example")
    expect(readHello(records(helloWith([[type, data]]), 500))).toMatchObject({ names: ["a.example"] })
    expect(readHello(records(helloWith([serverName("a.example"), serverName("b.example")]), 500))).toBe("alien")
    expect(readHello(records(helloWith([[0, Buffer.concat([data, Buffer.from([0])])]]), 500))).toBe("alien")
    const other = Buffer.from(data)
    other[2] = 1
    expect(readHello(records(helloWith([[0, other]]), 500))).toBe("alien")
    const whole = records(helloWith([serverName("a.example")]), 500)
    expect(readHello(Buffer.concat([whole, Buffer.from([22, 3, 1, 0, 1, 1])]))).toMatchObject({ names: ["a.example"] })
    const longer = helloWith([serverName("a.example")])
    expect(readHello(records(Buffer.concat([longer, Buffer.from([1])]), 500))).toBe("alien")
  })

  test("that does not end is given up", () => {
    const endless = Buffer.concat([Buffer.from([22, 3, 1, 0x3f, 0, 1, 0, 0x3e, 0]), Buffer.alloc(MAX_HELLO)])
    expect(readHello(endless.subarray(0, 1_000))).toBe("more")
    expect(readHello(Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]))).toBe("alien")
    expect(readHello(Buffer.from([22, 3, 1, 0, 0]))).toBe("alien")
    const crumbs = records(Buffer.concat([Buffer.from([1, 0, 0x30, 0]), Buffer.alloc(4_000)]), 1)
    expect(readHello(crumbs.subarray(0, MAX_HELLO + 10))).toBe("alien")
  })
})

describe("what a ClientHello may say", () => {
  const judge = (extensions: [number, Buffer][], host: string, go: "inspect" | "pass" = "inspect") => {
    const bytes = records(helloWith(extensions), 500)
    const hello = readHello(bytes)
    if (typeof hello === "string") throw new Error(hello)
    return judgeHello({ kind: "hello", hello, bytes }, host, go)?.code
  }
  const ECH: [number, Buffer] = [0xfe0d, Buffer.from([0, 1, 2, 3])]

  test("is exactly the target's name", () => {
    expect(judge([serverName("API.example.com")], "api.example.com")).toBeUndefined()
    for (const name of [
      "api.example.com.",
      "www.api.example.com",
      "api.example.co",
      "api.example.com:443",
      "*.example.com",
      "",
    ])
      expect(judge([serverName(name)], "api.example.com")).toBe("tls.sni-mismatch")
    expect(judge([serverName("api.example.com", "b.example")], "api.example.com")).toBe("tls.sni-mismatch")
    expect(judge([serverName()], "api.example.com")).toBe("tls.sni-missing")
    expect(judge([], "api.example.com")).toBe("tls.sni-missing")
    expect(judge([], "::1")).toBeUndefined()
    expect(judge([serverName("::1")], "::1")).toBe("tls.sni-mismatch")
  })

  test("T1: is no hidden name where the bytes pass on; where they do not, nobody reads it", () => {
    expect(judge([serverName("api.example.com"), ECH], "api.example.com", "pass")).toBe("tls.sni-mismatch")
    expect(judge([serverName("api.example.com"), ECH], "api.example.com")).toBeUndefined()
    expect(judge([serverName("public.example"), ECH], "api.example.com")).toBe("tls.sni-mismatch")
  })
})

describe("peeking", () => {
  test("puts back every byte, however they came", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), async (cuts, late) => {
        const bytes = Buffer.concat([real[0]!, late ? Buffer.from("early data") : Buffer.alloc(0)])
        const at = [...new Set([0, ...cuts.map((cut) => cut % real[0]!.length), bytes.length])].sort((a, b) => a - b)
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
        const socket = new PassThrough()
        const peeked = peekHello(socket, pieces[0]!, 5_000)
        for (const piece of pieces.slice(1)) {
          await new Promise((resolve) => setImmediate(resolve))
          socket.write(piece)
        }
        expect(await peeked).toMatchObject({ kind: "hello", hello: { names: ["api.example.com"] } })
        socket.end()
        const chunks: Buffer[] = []
        for await (const chunk of socket) chunks.push(chunk as Buffer)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test("ends with the client, and with its time", async () => {
    const gone = new PassThrough()
    const left = peekHello(gone, Buffer.alloc(0), 5_000)
    gone.end()
    expect((await left).kind).toBe("gone")
    expect((await peekHello(new PassThrough(), real[0]!.subarray(0, 50), 20)).kind).toBe("late")
  })
})
