// The end of a visit, and of a run: what was kept for them goes with them.
import { createServer } from "node:http"
import { connect } from "node:net"
import { expect, test } from "vitest"
import type { OpenedRun } from "../../../src/gateway/control.ts"
import { askGate } from "../../../src/gateway/control-client.ts"
import { openTestGate } from "../gate.ts"
import { wire } from "./clients.ts"
import { HOST, listen } from "./proxy.ts"

async function start() {
  const arrived: string[] = []
  // Answers nothing, so that whatever is let through stays open.
  const origin = createServer((request) => void arrived.push(request.url ?? ""))
  const port = await listen(origin)
  const reach = `ports: [${port}], addresses: [127.0.0.1]`
  const gate = await openTestGate({
    policy: `version: 1
network:
  - { id: reads, allow: "${HOST}", methods: [GET], ${reach} }
  - { id: writes, ask: "${HOST}", methods: [POST], ${reach} }
approvers: { default: { people: [ana] } }
`,
    egress: { resolve: async () => ["127.0.0.1"] },
    requireToken: true,
  })
  const open = async (run?: string) => {
    const body = { agent: "claude-1", operator: "olga", boxed: false, lasts: 60_000, ...(run && { run }) }
    return (await askGate<OpenedRun>(gate.ctx, "POST", "/v1/runs", body))!
  }
  const send = (method: string, path: string, { token }: OpenedRun) => {
    const { hostname, port: proxy } = new URL(gate.origin)
    const client = wire(connect(Number(proxy), hostname))
    const login = Buffer.from(`x:${token}`).toString("base64")
    client.socket.write(
      `${method} http://${HOST}:${port}${path} HTTP/1.1\r\nHost: ${HOST}:${port}\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
    )
    return client
  }
  const events = async (type: string) => (await gate.records()).filter((record) => record.type === type)
  return {
    gate,
    arrived,
    open,
    send,
    events,
    end: ({ visit }: OpenedRun) => askGate(gate.ctx, "DELETE", `/v1/runs/${visit}`),
  }
}

test("its connections end with a visit; with the last of a run what waits for people, too", async () => {
  const { gate, arrived, open, send, events, end } = await start()
  const first = await open()
  const second = await open(first.run)
  const [read, beside] = [send("GET", "/1", first), send("GET", "/2", second)]
  send("POST", "/3", second)
  await expect.poll(() => [...arrived].sort()).toEqual(["/1", "/2"])
  await expect.poll(async () => (await events("network.held")).length).toBe(1)
  await end(first)
  await expect.poll(() => read.socket.destroyed).toBe(true)
  expect(beside.socket.destroyed).toBe(false)
  await end(second)
  await expect.poll(() => beside.socket.destroyed).toBe(true)
  await expect.poll(async () => (await events("approval.cancelled")).length).toBe(1)
  expect(gate.troubles).toEqual([])
})

test("what waits for a run that somebody named stays: it may come again", async () => {
  const { gate, open, send, events, end } = await start()
  const [named, own] = [await open("session-7"), await open()]
  const asked = send("POST", "/1", named)
  send("POST", "/2", own)
  await expect.poll(async () => (await events("network.held")).length).toBe(2)
  await end(named)
  await end(own)
  await expect.poll(() => asked.socket.destroyed).toBe(true)
  await expect.poll(async () => (await events("approval.cancelled")).map(({ run }) => run)).toEqual([own.run])
  const pending = await gate.store.db.selectFrom("approvals").select("binding").where("state", "=", "pending").execute()
  expect(pending.map(({ binding }) => (JSON.parse(binding) as { run: string }).run)).toEqual(["session-7"])
})
