import type { Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { VALUE } from "../../vault/support.ts"
import { openTls } from "./clients.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const policy = (port: number) => `
network:
  - { id: own, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], credential: example }
  - { id: other, allow: other.example.com, ports: [${port}], addresses: [127.0.0.1] }
credentials: [{ id: keys, allow: "*", hosts: [${HOST}], ports: [${port}] }]
`

/** A gate with a key, and an origin that says the key that it got, and everything that it hears. */
async function openGate(t: Parameters<typeof openEgressGate>[0], host = HOST) {
  const gate = await openEgressGate(t, { policy, host })
  await gate.set()
  await gate.vault.reload()
  const heard: string[] = []
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true })
  gate.origin.server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on("error", () => {})
      opened.send(`you sent ${request.headers.authorization}; ${request.headers["sec-websocket-extensions"]}`)
      opened.on("message", (data, binary) => {
        heard.push(String(data))
        if (String(data) === "key") opened.send(Buffer.from(`${VALUE} ${VALUE}`), { binary: true })
        if (String(data) === "pieces") {
          opened.send(`in ${VALUE.slice(0, 7)}`, { fin: false, compress: false })
          opened.ping(VALUE)
          opened.send(VALUE.slice(7), { fin: true, compress: false })
        }
        if (String(data) === "bye") opened.close(4001, `bye ${VALUE}`)
        else opened.send(data, { binary })
      })
    })
  })
  return { gate, heard, placeholder: gate.vault.placeholder("example", "run-1") }
}

async function openClient(gate: Awaited<ReturnType<typeof openEgressGate>>, host = HOST) {
  const tunnel = await openTls({ ...gate, token: "run-1" }, gate.origin.port, {}, host)
  tunnel.socket.removeAllListeners("data")
  const client = new WebSocket(`wss://${host}:${gate.origin.port}/chat`, {
    createConnection: () => tunnel.socket as never,
  })
  onTestFinished(() => client.terminate())
  const said: string[] = []
  const pings: string[] = []
  client.on("message", (data) => said.push(String(data)))
  client.on("ping", (data) => pings.push(String(data)))
  client.on("error", () => {})
  const closed = new Promise<[number, string]>((resolve) =>
    client.once("close", (code, reason) => resolve([code, String(reason)])),
  )
  await new Promise((resolve) => client.once("open", resolve))
  const until = (count: number) => vi.waitFor(() => expect(said.length).toBeGreaterThanOrEqual(count), 5_000)
  return { client, said, pings, closed, until }
}

describe("a WebSocket with a key in its opening", () => {
  test("has no compression, and the key in no message, ping or close that comes back", async (t) => {
    const { gate, placeholder } = await openGate(t)
    const { client, said, pings, closed, until } = await openClient(gate)
    await until(1)
    expect(said[0]).toBe(`you sent Bearer ${placeholder}; undefined`)
    client.send("key")
    await until(3)
    expect(said.slice(1)).toEqual([`${placeholder} ${placeholder}`, "key"])
    client.send("pieces")
    await until(5)
    expect(said.slice(3)).toEqual([`in ${placeholder}`, "pieces"])
    expect(pings).toEqual([placeholder])
    const large = "z".repeat(500_000)
    client.send(large)
    await until(6)
    expect(said[5]).toBe(large)
    client.send("bye")
    expect(await closed).toEqual([4001, `bye ${placeholder}`])
    expect(gate.troubles).toEqual([])
  })

  test("passes a placeholder of its own host's as it is", async (t) => {
    const { gate, heard, placeholder } = await openGate(t)
    const { client, until } = await openClient(gate)
    client.send(`{"token":"${placeholder}"}`)
    await until(2)
    expect(heard).toEqual([`{"token":"${placeholder}"}`])
  })
})

describe("a placeholder in a message", () => {
  test("to a host that its key is not bound to is cut off, whichever messages and frames it is in, and recorded", async (t) => {
    const { gate, heard, placeholder } = await openGate(t, "other.example.com")
    const halves = [placeholder.slice(0, 20), placeholder.slice(20)] as const
    const ways: ((client: WebSocket) => void)[] = [
      (client) => client.send(`see ${placeholder} here`),
      (client) => client.send(Buffer.from(placeholder).toString("base64")),
      (client) => client.send(gzipSync(`{"a":"${placeholder}"}`)),
      (client) => client.ping(placeholder),
      (client) => {
        client.send(`a ${halves[0]}`, { fin: false })
        setTimeout(() => client.send(`${halves[1]} b`, { fin: true }), 20)
      },
    ]
    for (const way of ways) {
      const { client, closed, until } = await openClient(gate, "other.example.com")
      client.send("before")
      await until(2)
      way(client)
      expect(await closed).toEqual([1008, "credential.unbound-placeholder"])
    }
    expect(heard).toEqual(ways.map(() => "before"))
    const found = (await gate.records()).filter(({ type }) => type === "credential.exfiltration")
    expect(found).toHaveLength(ways.length)
    expect(found[0]).toMatchObject({ detail: { credential: "example", where: "message", cut: true } })
    expect(gate.troubles).toEqual([])
  })

  test("of another run is stolen, also where the key itself may go", async (t) => {
    const { gate, heard } = await openGate(t)
    const { client, closed } = await openClient(gate)
    client.send(gate.vault.placeholder("example", "run-2"))
    expect(await closed).toEqual([1008, "credential.unbound-placeholder"])
    expect(heard).toEqual([])
  })

  test("that cannot be recorded is cut off as well, as the gate's own trouble", async (t) => {
    const { gate, heard, placeholder } = await openGate(t, "other.example.com")
    const { client, closed, until } = await openClient(gate, "other.example.com")
    await until(1)
    const { write } = gate.store
    gate.store.write = () => {
      gate.store.write = write
      return Promise.reject(new Error("the disk is full"))
    }
    client.send(placeholder)
    expect(await closed).toEqual([1011, "broken"])
    expect(heard).toEqual([])
    expect(gate.troubles).toEqual([new Error("the disk is full")])
    await vi.waitFor(async () => expect((await gate.records()).at(-1)).toMatchObject({ detail: { failed: "broken" } }))
  })

  test("is looked for by whoever sends no frames at all, too: that ends the connection", async (t) => {
    const { gate, heard, placeholder } = await openGate(t, "other.example.com")
    const { client, closed } = await openClient(gate, "other.example.com")
    ;(client as unknown as { _socket: Socket })._socket.write(`GET /${placeholder} HTTP/1.1\r\n\r\n`)
    expect(await closed).toEqual([1002, "frames.malformed"])
    expect(heard).toEqual([])
    await vi.waitFor(async () =>
      expect((await gate.records()).at(-1)).toMatchObject({ detail: { failed: "frames.malformed" } }),
    )
  })
})
