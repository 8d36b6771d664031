import { createHash, randomBytes } from "node:crypto"
import { describe, expect, test, vi } from "vitest"
import { certificateFile, curl, openTls, run } from "./clients.ts"
import { HOST, startOrigin, startProxy } from "./proxy.ts"

describe("bytes on their way", () => {
  test("an upload and a download arrive whole, and as they were", async () => {
    const body = randomBytes(2 * 1024 * 1024)
    const digest = createHash("sha256").update(body).digest("hex")
    const origin = await startOrigin((request, response) => {
      const hash = createHash("sha256")
      request.on("data", (chunk: Buffer) => hash.update(chunk))
      request.on("end", () => response.setHeader("x-digest", hash.digest("hex")).end(body))
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const file = certificateFile(body.toString("latin1"))
    const sums = ["-D", "-", "-o", "/dev/null", "-w", "%{size_download}", "-H", "Transfer-Encoding: chunked"]
    const upload = Buffer.from(body.toString("latin1"))
    const sent = await curl(proxy, ...sums, "--data-binary", `@${file}`, `https://${HOST}:${origin.port}/`)
    expect(sent.stdout).toContain(`x-digest: ${createHash("sha256").update(upload).digest("hex")}`)
    expect(sent.stdout).toMatch(new RegExp(`${body.length}$`))
    expect(digest).toHaveLength(64)
  })

  test("an answer without a length arrives whole, whatever its size, though it is there all at once", async () => {
    const origin = await startOrigin((request, response) => {
      response.write("y".repeat(Number(request.url!.slice(1))))
      response.end()
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const sizes = [1, 8_191, 8_192, 16_384, 20_000, 65_536, 100_000, 300_000, 1_000_000]
    const urls = sizes.flatMap((size) => [`https://${HOST}:${origin.port}/${size}`, "-o", "/dev/null"])
    const { stdout } = await curl(proxy, "-w", "%{size_download} ", ...urls)
    expect(stdout.trim().split(" ").map(Number)).toEqual(sizes)
  })

  test("an answer that comes in pieces is passed on piece by piece, its head first", async () => {
    let send: (text: string) => void = () => {}
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.flushHeaders()
      send = (text) => void response.write(text)
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const wire = await openTls(proxy, origin.port)
    wire.socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\n\r\n`)
    expect(await wire.until(/\r\n\r\n/)).toContain("text/event-stream")
    for (const text of ["data: one\n\n", "data: two\n\n"]) {
      send(text)
      expect(await wire.until(new RegExp(text.trim()))).toContain(text)
    }
  })

  test("a client waits for leave to send, and gets it", async () => {
    const origin = await startOrigin((request, response) => void request.pipe(response))
    const proxy = await startProxy({ originCa: origin.ca })
    const wire = await openTls(proxy, origin.port)
    wire.socket.write(
      `POST / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
    )
    expect(await wire.until(/100 Continue\r\n\r\n/)).toContain("HTTP/1.1 100 Continue")
    wire.socket.write("body")
    expect(await wire.until(/body/)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*body/)
  })

  test("trailers of an answer are passed on", async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { trailer: "x-sum" })
      response.write("body")
      response.addTrailers({ "x-sum": "1" })
      response.end()
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const wire = await openTls(proxy, origin.port)
    wire.socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\nTE: trailers\r\n\r\n`)
    expect(await wire.until(/x-sum: 1/i)).toMatch(/body\r\n0\r\nx-sum: 1\r\n\r\n$/i)
  })

  test("an answer that breaks off is no whole answer", async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("part")
      setTimeout(() => response.destroy(), 20)
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const asked = await curl(proxy, `https://${HOST}:${origin.port}/`)
    expect(asked.code).not.toBe(0)
    expect(asked.stdout).toBe("part")
  })

  test("a client that leaves takes its request to the origin along", async () => {
    let closed = false
    const origin = await startOrigin((_, response) => {
      response.write("begun")
      response.on("close", () => {
        closed = true
      })
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const wire = await openTls(proxy, origin.port)
    wire.socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\n\r\n`)
    await wire.until(/begun/)
    wire.socket.destroy()
    await vi.waitFor(() => expect(closed).toBe(true))
  })
})

describe("T8: what stands still", () => {
  test("a body that does not go on ends its connection; a person who takes time does not", async () => {
    const origin = await startOrigin((request, response) => {
      request.resume()
      request.on("end", () => response.end("ok"))
    })
    const { promise: decided, resolve: decide } = Promise.withResolvers<void>()
    const proxy = await startProxy({
      originCa: origin.ca,
      limits: { stall: 300, headers: 300, idle: 300 },
      request: async ({ response, request }) => {
        if (request.method === "GET") await decided
        else request.resume()
        if (request.method === "GET") response.end("released")
      },
    })
    const held = await openTls(proxy, origin.port)
    held.socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\n\r\n`)
    const stuck = await openTls(proxy, origin.port)
    stuck.socket.write(`POST / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\nContent-Length: 10\r\n\r\nab`)
    await stuck.until(/never/)
    expect(stuck.socket.destroyed).toBe(true)
    expect(held.socket.destroyed).toBe(false)
    decide()
    expect(await held.until(/released/)).toContain("released")
  })

  test("an answer that nobody takes ends its connection", async () => {
    const origin = await startOrigin((_, response) => {
      const chunk = Buffer.alloc(1_000_000)
      const more = () => {
        while (response.write(chunk));
        response.once("drain", more)
      }
      more()
    })
    const proxy = await startProxy({ originCa: origin.ca, limits: { stall: 300 } })
    const { socket } = await openTls(proxy, origin.port)
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}:${origin.port}\r\n\r\n`)
    socket.pause()
    await vi.waitFor(() => expect(proxy.egress.connections).toBe(0), 5_000)
  })

  test("a connection without a request ends", async () => {
    const origin = await startOrigin((_, response) => void response.end("ok"))
    const proxy = await startProxy({ originCa: origin.ca, limits: { idle: 200 } })
    const wire = await openTls(proxy, origin.port)
    await wire.until(/never/)
    expect(wire.socket.destroyed).toBe(true)
  })

  test("a head of the origin's without end is given up", async () => {
    const origin = await startOrigin((_, response) => {
      for (let index = 0; index < 100; index++) response.setHeader(`x-${index}`, "y".repeat(1_000))
      response.end("ok")
    })
    const proxy = await startProxy({ originCa: origin.ca })
    const asked = await curl(proxy, "-w", "%{http_code}", `https://${HOST}:${origin.port}/`)
    expect(asked.stdout).toMatch(/502$/)
  })
})

describe("real clients", () => {
  test("Python's own library", async () => {
    const origin = await startOrigin((request, response) => void request.pipe(response.setHeader("x-a", "b")))
    const proxy = await startProxy({ originCa: origin.ca })
    const file = certificateFile(proxy.certificate)
    const code = `import os,ssl,urllib.request
c=ssl.create_default_context(cafile=${JSON.stringify(file)}); c.verify_flags|=ssl.VERIFY_X509_STRICT
o=urllib.request.build_opener(urllib.request.ProxyHandler({"https":"http://x:run-1@127.0.0.1:${proxy.port}"}),urllib.request.HTTPSHandler(context=c))
print(o.open("https://${HOST}:${origin.port}/p",data=b"body").read().decode())`
    expect(await run("python3", ["-c", code])).toMatchObject({ stdout: "body\n" })
    expect(proxy.requests).toEqual([`POST https://${HOST}:${origin.port}/p`])
  })

  test("Node's fetch, led by the environment", async () => {
    const origin = await startOrigin((request, response) => void request.pipe(response))
    const proxy = await startProxy({ originCa: origin.ca })
    const url = JSON.stringify(`https://${HOST}:${origin.port}/n`)
    const code = `fetch(${url},{method:"POST",body:"body"}).then(r=>r.text()).then(console.log)`
    const env = {
      NODE_USE_ENV_PROXY: "1",
      HTTPS_PROXY: `http://x:run-1@127.0.0.1:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: certificateFile(proxy.certificate),
    }
    expect(await run(process.execPath, ["-e", code], env)).toMatchObject({ stdout: "body\n" })
    expect(proxy.requests).toEqual([`POST https://${HOST}:${origin.port}/n`])
  })
})
