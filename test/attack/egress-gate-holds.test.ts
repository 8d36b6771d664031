// Attacks on what waits for people, on the whole gate (H of the checklist). The core of approvals is attacked in `approvals-*`.
import { describe, expect, test, vi } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { listApprovals } from "../../src/approvals/list.ts"
import type { Terms } from "../../src/approvals/types.ts"
import { createBudgets } from "../../src/gateway/egress/budgets.ts"
import { openEgressGate } from "../gateway/egress/gate.ts"
import { VALUE } from "../vault/support.ts"
import { head, openInside } from "./egress-inside.ts"

type Gate = Awaited<ReturnType<typeof openEgressGate>>

const asking =
  (more = "") =>
  (port: number) =>
    `network:\n  - { id: writes, ask: "*.example.com", ports: [${port}, 8443], addresses: [127.0.0.1]${more} }\n`

/** What waits, once there are so many. */
const waiting = (gate: Gate, count = 1) =>
  vi.waitFor(async () => {
    const pending = (await listApprovals(gate.store.db, Date.now())).filter(({ state }) => state === "pending")
    expect(pending).toHaveLength(count)
    return pending
  }, 5_000)

/** A gate does not read what people said more often than this, in milliseconds. */
const FRESH = 600

/** A person's yes, from a time on at which the gate knows of it. */
async function answer(gate: Gate, id: string, more: Partial<Terms> = {}) {
  const terms = { scope: "run", expires: Date.now() + 60_000, uses: 1, ...more } as const
  await answerApproval(gate.store, id, { answer: "approve", terms }, gate.ana, Date.now(), "test")
  await new Promise((resolve) => setTimeout(resolve, FRESH))
}

/** Sends a request within a tunnel of its own, and leaves it there. */
async function send(gate: Gate, lines: readonly string[], body = "", method = "POST", path = "/v1/charges") {
  const { port } = gate.origin
  const inside = await openInside(gate, port)
  inside.socket.write(head(method, path, port, `Content-Length: ${Buffer.byteLength(body)}`, ...lines) + body)
  return inside
}

/** Asks, leaves, and has it approved: what comes next finds a grant for that one request. */
async function approved(gate: Gate, lines: readonly string[], body: string, terms: Partial<Terms> = {}) {
  const first = await send(gate, lines, body)
  const [pending] = await waiting(gate)
  first.socket.destroy()
  await answer(gate, pending!.id, terms)
}

/** Keys may go anywhere that their reach says. */
const KEYS = (port: number) => `credentials: [{ id: keys, allow: "*", hosts: ["*.example.com"], ports: [${port}] }]\n`

const LONG = `multipart/form-data; ${"a".repeat(60)}=${"b".repeat(180)}; boundary=`

describe("H1: approve, then swap", () => {
  test("H1: a yes is for the bytes and for what says how they are read: type beyond what is shown, coding, target", async (t) => {
    const gate = await openEgressGate(t, { policy: asking() })
    const own = [`Content-Type: ${LONG}one`]
    await approved(gate, own, "amount=5")
    const others: [string[], string?, string?, string?][] = [
      [[`Content-Type: ${LONG}two`]],
      [[...own, "Content-Encoding: deflate"]],
      [[...own, "Content-Type: text/plain"]],
      [[...own, "Destination: https://evil.example/"]],
      [[...own, "X-Amz-Copy-Source: /other/object"]],
      [own, "amount=9"],
      [own, "amount=5", "PUT"],
      [own, "amount=5", "POST", "/v1/charges?live=1"],
    ]
    for (const [index, [lines, body = "amount=5", method, path]] of others.entries()) {
      await send(gate, lines, body, method, path)
      await waiting(gate, index + 1)
    }
    expect(gate.seen).toEqual([])
    const same = await send(gate, own, "amount=5")
    expect(await same.until(/ok/)).toMatch(/^HTTP\/1\.1 200 /)
    expect(gate.seen).toMatchObject([{ method: "POST", url: "/v1/charges", body: "amount=5" }])
    const records = await gate.records()
    expect(records.filter(({ type }) => type === "network.held")).toHaveLength(others.length + 1)
    expect(records.filter(({ type }) => type === "network.released")).toHaveLength(1)
  })

  test("H1: a yes without a key, or with one, is none for another key beside it", async (t) => {
    const gate = await openEgressGate(t, { policy: (port) => asking()(port) + KEYS(port) })
    await gate.set()
    await gate.set({ name: "second", slot: { in: "header", name: "x-second" } } as never, `${VALUE}-second`)
    await gate.vault.reload()
    const first = `Authorization: Bearer ${gate.vault.placeholder("example", "run-1")}`
    const second = `X-Second: ${gate.vault.placeholder("second", "run-1")}`
    await approved(gate, [first], "", {})
    for (const [index, lines] of [[], [second], [first, second]].entries()) {
      await send(gate, lines)
      await waiting(gate, index + 1)
    }
    expect(gate.seen).toEqual([])
    expect(await (await send(gate, [first])).until(/ok/)).toMatch(/^HTTP\/1\.1 200 /)
    expect(gate.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${VALUE}` })
    expect(gate.seen[0]?.headers["x-second"]).toBeUndefined()
  })

  test("H1: what was allowed for what is alike is so for one host, port, key and run, and as often as was said", async (t) => {
    const gate = await openEgressGate(t, {
      policy: (port) => asking()(port) + KEYS(port),
      hosts: ["other.example.com"],
    })
    await gate.set()
    await gate.vault.reload()
    const { port } = gate.origin
    await approved(gate, [], "one", { covers: "alike", uses: 2 })
    const key = `Authorization: Bearer ${gate.vault.placeholder("example", "run-1")}`
    await send(gate, [key], "two")
    await waiting(gate, 1)
    const other = await openInside(gate, port, { host: "other.example.com" })
    other.socket.write(`GET / HTTP/1.1\r\nHost: other.example.com:${port}\r\n\r\n`)
    await waiting(gate, 2)
    const elsewhere = await openInside(gate, 8443)
    elsewhere.socket.write(head("GET", "/", 8443))
    await waiting(gate, 3)
    const run = await openInside(gate, port, { token: "run-2" })
    run.socket.write(head("GET", "/", port))
    await waiting(gate, 4)
    expect(gate.seen).toEqual([])
    for (const body of ["three", "four"]) expect(await (await send(gate, [], body)).until(/ok/)).toContain(" 200 ")
    await send(gate, [], "five")
    await waiting(gate, 5)
    expect(gate.seen.map(({ body }) => body)).toEqual(["three", "four"])
  })

  test("H1: of two clients that wait for one yes, and a third that comes, one is sent", async (t) => {
    const gate = await openEgressGate(t, { policy: asking() })
    const clients = await Promise.all([1, 2, 3].map(() => send(gate, [], "same")))
    const [pending] = await waiting(gate)
    await answer(gate, pending!.id)
    await vi.waitFor(() => expect(gate.seen).toHaveLength(1))
    // The others ask again.
    const [again] = await waiting(gate)
    expect(again!.id).not.toBe(pending!.id)
    expect(gate.seen).toHaveLength(1)
    expect(clients.filter((one) => one.text().includes("200 OK"))).toHaveLength(1)
    const released = (await gate.records()).filter(({ type }) => type === "network.released")
    expect(released).toHaveLength(1)
  })
})

describe("H2, H5: what becomes of a question", () => {
  test("H2: whoever leaves, in the midst of a body or of a question, has nothing sent", async (t) => {
    const gate = await openEgressGate(t, { policy: asking() })
    const { port } = gate.origin
    const half = await openInside(gate, port)
    half.socket.write(`${head("POST", "/half", port, "Content-Length: 100")}half`)
    half.socket.destroy()
    const held = await send(gate, [], "body")
    const [pending] = await waiting(gate)
    held.socket.destroy()
    await answer(gate, pending!.id)
    const next = await send(gate, [], "another")
    await waiting(gate, 1)
    next.socket.destroy()
    expect(gate.seen).toEqual([])
  })

  test("H5: a policy that changes meanwhile decides anew: to deny it is refused, to observe it is recorded as what it would have been", async (t) => {
    const gate = await openEgressGate(t, { policy: asking() })
    const { port } = gate.origin
    const denied = await send(gate, [], "denied")
    await waiting(gate)
    await gate.reload(`network:\n  - { id: no, deny: "**" }\n`)
    expect(await denied.until(/403/)).toMatch(/^HTTP\/1\.1 403 /)
    expect((await gate.records()).at(-1)).toMatchObject({
      outcome: "refused",
      verdict: { code: "network.host-denied" },
    })
    await gate.reload(asking()(port))
    const observed = await send(gate, [], "observed")
    await vi.waitFor(async () => expect((await gate.records()).at(-1)).toMatchObject({ type: "network.held" }))
    await gate.reload(`mode: observe\n${asking()(port)}`)
    expect(await observed.until(/ok/)).toMatch(/^HTTP\/1\.1 200 /)
    expect(gate.seen.map(({ body }) => body)).toEqual(["observed"])
    const records = await gate.records()
    expect(records.some(({ outcome, verdict }) => outcome === "released" && verdict?.effect === "ask")).toBe(true)
  })

  test("H5: neither observing nor a yes lifts a floor: private addresses, and placeholders where they do not belong", async (t) => {
    const gate = await openEgressGate(t, {
      policy: (port) => `mode: observe\nnetwork:\n  - { id: all, ask: "**", ports: [${port}] }\n`,
    })
    await gate.set({ reach: { hosts: ["elsewhere.example.com"] } })
    await gate.vault.reload()
    const placeholder = gate.vault.placeholder("example", "run-1")
    const ran = await gate.curl(`${gate.base}/`)
    expect(ran.stdout).toMatch(/403$/)
    expect((await gate.curl("-d", placeholder, `${gate.base}/`)).stdout).toMatch(/403$/)
    expect(gate.seen).toEqual([])
    expect((await gate.records()).map(({ type, verdict }) => `${type} ${verdict?.code}`)).toEqual([
      "network.decided network.private-address",
      "credential.exfiltration credential.unbound-placeholder",
    ])
  })
})

test("H3, T8: of a thousand requests at once, as many as the budget has are sent", async (t) => {
  let budgets: ReturnType<typeof createBudgets> | undefined
  const late = new Proxy({} as ReturnType<typeof createBudgets>, {
    get: (_, name: "reserve") => budgets![name],
  })
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: api, allow: api.example.com, ports: [${port}], addresses: [127.0.0.1], budget: { requests: 10/day } }\n`,
    deps: { budgets: late },
  })
  budgets = createBudgets(gate.store, Date.now)
  t.onTestFinished(() => budgets!.close())
  const { port } = gate.origin
  const clients = await Promise.all(Array.from({ length: 20 }, () => openInside(gate, port)))
  await Promise.all(
    clients.map(async (inside) => {
      inside.socket.write(head("GET", "/", port).repeat(49) + head("GET", "/", port, "Connection: close"))
      await inside.until(/\0/)
    }),
  )
  const answers = clients.flatMap((inside) => inside.text().match(/HTTP\/1\.1 \d+/g) ?? [])
  expect(gate.seen).toHaveLength(10)
  expect(answers.filter((one) => one.endsWith("200"))).toHaveLength(10)
  expect(answers.filter((one) => one.endsWith("403"))).toHaveLength(answers.length - 10)
}, 30_000)
