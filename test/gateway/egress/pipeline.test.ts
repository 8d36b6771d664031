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
