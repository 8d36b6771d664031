// The pipeline of one request, from a real client to a real origin: decided, recorded, held, and sent with the key that the client never had.
import { expect, it } from "vitest"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { listApprovals } from "../../../src/approvals/list.ts"
import { VALUE } from "../../vault/support.ts"
import { openEgressGate } from "./gate.ts"

const allow =
  (more = "") =>
  (port: number) =>
    `network:\n  - { id: api, allow: api.example.com, ports: [${port}], addresses: [127.0.0.1]${more} }\n`

it("passes on what is allowed, and records it first", async (t) => {
  const gate = await openEgressGate(t, { policy: allow() })
  const ran = await gate.curl(`${gate.base}/v1/things?page=2`)
  expect(ran.stdout, ran.stderr).toBe("ok\n200")
  expect(gate.seen).toMatchObject([{ method: "GET", url: "/v1/things?page=2" }])
  const records = await gate.records()
  expect(records).toMatchObject([
    {
      type: "network.decided",
      outcome: "released",
      agent: "claude-1",
      run: "run-1",
      verdict: { code: "network.allowed" },
    },
  ])
  expect(gate.troubles).toEqual([])
})

it("refuses what no rule allows, with a verdict in the answer", async (t) => {
  const gate = await openEgressGate(t, { policy: allow(", methods: [GET]") })
  const ran = await gate.curl("-X", "POST", "-d", "a=1", `${gate.base}/v1/things`)
  const [body = "", status] = ran.stdout.split("\n")
  expect(status, ran.stdout + ran.stderr).toBe("403")
  expect(JSON.parse(body)).toMatchObject({
    verdict: { code: "network.host-denied", effect: "deny" },
    requestId: /^ng-\d+$/.exec(JSON.parse(body).requestId)?.[0],
  })
  expect(gate.seen).toEqual([])
  expect(await gate.records()).toMatchObject([{ type: "network.decided", outcome: "refused" }])
})

it("puts the key in where its placeholder stands, and takes it out of the answer", async (t) => {
  const gate = await openEgressGate(t, {
    policy: allow(", credential: example"),
    origin: (request, response) => void response.end(`you sent ${request.headers.authorization}`),
  })
  await gate.set()
  await gate.vault.reload()
  const placeholder = gate.vault.placeholder("example", "run-1")
  const ran = await gate.curl("-H", `authorization: Bearer ${placeholder}`, `${gate.base}/me`)
  expect(gate.seen[0]?.headers.authorization, ran.stdout + ran.stderr + gate.troubles).toBe(`Bearer ${VALUE}`)
  expect(ran.stdout).toContain(placeholder)
  expect(ran.stdout).not.toContain(VALUE)
  expect(await gate.records()).toMatchObject([
    { type: "network.released", detail: { credentials: ["example"] } },
    { type: "credential.injected" },
  ])
})

it("refuses a placeholder on its way to where it does not belong", async (t) => {
  const gate = await openEgressGate(t, { policy: allow() })
  await gate.set({ reach: { hosts: ["other.example.com"] } })
  await gate.vault.reload()
  const placeholder = gate.vault.placeholder("example", "run-1")
  const ran = await gate.curl("-d", `x=${Buffer.from(`--${placeholder}`).toString("base64")}`, `${gate.base}/me`)
  expect(ran.stdout).toContain("credential.unbound-placeholder")
  expect(gate.seen).toEqual([])
  expect((await gate.records()).at(-1)).toMatchObject({ type: "credential.exfiltration", outcome: "refused" })
})

it("holds what people are asked about, and sends the bytes that they agreed to", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `${allow(", methods: [GET]")(port)}  - { id: writes, ask: api.example.com, methods: [POST], ports: [${port}], addresses: [127.0.0.1] }\n`,
  })
  const asked = gate.curl("-d", "amount=5", `${gate.base}/v1/charges`)
  const pending = await until(async () => (await listApprovals(gate.store.db, Date.now()))[0])
  expect(gate.seen).toEqual([])
  expect(pending.binding).toMatchObject({ kind: "network", arguments: { method: "POST", path: "/v1/charges" } })
  const terms = { scope: "run", expires: Date.now() + 60_000, uses: 1 } as const
  await answerApproval(gate.store, pending.id, { answer: "approve", terms }, gate.ana, Date.now(), "test")
  const ran = await asked
  expect(ran.stdout, ran.stderr + gate.troubles).toBe("ok\n200")
  expect(gate.seen).toMatchObject([{ method: "POST", body: "amount=5" }])
  expect((await gate.records()).map(({ type }) => type)).toContain("network.released")
})

it("tells the agent a person's no, and why", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) => `network:\n  - { id: all, ask: api.example.com, ports: [${port}], addresses: [127.0.0.1] }\n`,
  })
  const asked = gate.curl(`${gate.base}/v1/things`)
  const pending = await until(async () => (await listApprovals(gate.store.db, Date.now()))[0])
  const terms = { note: "use the sandbox account" }
  await answerApproval(gate.store, pending.id, { answer: "deny", terms }, gate.ana, Date.now(), "test")
  const ran = await asked
  expect(ran.stdout).toMatch(/403$/)
  expect(ran.stdout).toContain("use the sandbox account")
  expect(gate.seen).toEqual([])
})

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error("nothing came")
}

it("asks nobody about a body that it cannot keep: the vault is locked", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) => `network:\n  - { id: all, ask: api.example.com, ports: [${port}], addresses: [127.0.0.1] }\n`,
  })
  gate.vault.lock()
  const ran = await gate.curl("-d", "a=1", `${gate.base}/v1/things`)
  expect(ran.stdout).toMatch(/^\{"error":"vault\.locked.*\n503$/s)
  expect(await listApprovals(gate.store.db, Date.now())).toEqual([])
  expect((await gate.records()).at(-1)).toMatchObject({ type: "network.failed", detail: { failed: "vault.locked" } })
})

it("decides again what waits, once another policy is in force", async (t) => {
  const rule = (port: number, effect: string) =>
    `network:\n  - { id: all, ${effect}: api.example.com, ports: [${port}], addresses: [127.0.0.1] }\n`
  const gate = await openEgressGate(t, { policy: (port) => rule(port, "ask") })
  const asked = gate.curl(`${gate.base}/v1/things`)
  await until(async () => (await listApprovals(gate.store.db, Date.now()))[0])
  await gate.reload(rule(gate.origin.port, "allow"))
  expect((await asked).stdout).toBe("ok\n200")
  expect(await listApprovals(gate.store.db, Date.now())).toEqual([])

  await gate.reload(rule(gate.origin.port, "ask"))
  const again = gate.curl(`${gate.base}/v1/others`)
  await until(async () => (await listApprovals(gate.store.db, Date.now()))[0])
  await gate.reload(`network:\n  - { id: all, deny: api.example.com, ports: [${gate.origin.port}] }\n`)
  expect((await again).stdout).toMatch(/403$/)
  expect(await listApprovals(gate.store.db, Date.now())).toEqual([])
})

it("decides again what was being asked while another policy came into force", async (t) => {
  const rule = (port: number, effect: string) =>
    `network:\n  - { id: all, ${effect}: api.example.com, ports: [${port}], addresses: [127.0.0.1] }\n`
  const gate = await openEgressGate(t, { policy: (port) => rule(port, "ask") })
  const { hold } = gate.holds
  gate.holds.hold = async (...asked) => {
    const held = await hold(...asked)
    await gate.reload(rule(gate.origin.port, "allow"))
    return held
  }
  expect((await gate.curl(`${gate.base}/v1/things`)).stdout).toBe("ok\n200")
  expect(await listApprovals(gate.store.db, Date.now())).toEqual([])
})

it("counts a budget over requests that come at once", async (t) => {
  const gate = await openEgressGate(t, { policy: allow(', budget: { requests: "3/hour" }') })
  const ran = await Promise.all(Array.from({ length: 6 }, () => gate.curl(`${gate.base}/v1/things`)))
  const statuses = ran.map(({ stdout }) => stdout.split("\n").at(-1)).sort()
  expect(statuses).toEqual(["200", "200", "200", "403", "403", "403"])
  expect(gate.seen).toHaveLength(3)
})

it("counts tokens of answers that do not say how many they are", async (t) => {
  const gate = await openEgressGate(t, {
    policy: allow(', service: openai, budget: { tokens: "1000/hour" }'),
    origin: (_request, response) => void response.end("a".repeat(4_000)),
  })
  expect((await gate.curl(`${gate.base}/v1/chat/completions`)).stdout).toMatch(/200$/)
  expect((await gate.curl(`${gate.base}/v1/chat/completions`)).stdout).toMatch(/budget.*403$/s)
  expect(gate.seen).toHaveLength(1)
})

it("counts tokens of an answer that its client cuts off", async (t) => {
  const said = { type: "message_start", message: { usage: { input_tokens: 5, output_tokens: 1 } } }
  const gate = await openEgressGate(t, {
    policy: allow(', service: anthropic, budget: { tokens: "1000/hour" }'),
    origin: (request, response) => {
      if (request.url !== "/v1/messages") return void response.end("{}")
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(`data: ${JSON.stringify(said)}\n\n${`data: ${"a".repeat(100)}\n\n`.repeat(200)}`)
    },
  })
  await gate.curl("--max-time", "1", `${gate.base}/v1/messages`)
  await expect.poll(async () => (await gate.curl(`${gate.base}/v1/models`)).stdout, { timeout: 5_000 }).toMatch(/403$/)
})

it("passes a stream on as it comes", async (t) => {
  let end = () => {}
  const gate = await openEgressGate(t, {
    policy: allow(),
    origin: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("data: 1\n\n")
      end = () => void response.end("data: 2\n\n")
    },
  })
  const asked = gate.curl("-N", `${gate.base}/v1/events`)
  await until(async () => gate.seen[0])
  end()
  expect((await asked).stdout).toBe("data: 1\n\ndata: 2\n\n\n200")
})

it("makes no trouble of a client that leaves while it sends", async (t) => {
  const gate = await openEgressGate(t, { policy: allow() })
  const unfinished = ["-H", "expect:", "-H", "content-length: 100", "-d", "a"]
  const left = await gate.curl("--max-time", "1", ...unfinished, `${gate.base}/v1/things`)
  expect(left.stdout).toBe("\n000")
  // By the time that the next one is answered, the gate has seen the first one go.
  expect((await gate.curl(`${gate.base}/v1/others`)).stdout).toBe("ok\n200")
  expect(gate.seen.map(({ url }) => url)).toEqual(["/v1/others"])
  expect(gate.troubles).toEqual([])
})
