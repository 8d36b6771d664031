import { describe, expect, test, vi } from "vitest"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { listApprovals } from "../../../src/approvals/list.ts"
import type { NetworkArguments } from "../../../src/approvals/types.ts"
import { readTrailers } from "../../../src/gateway/egress/trailers.ts"
import { certificateFile, openTls } from "./clients.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const ALLOW = (port: number) => `
network:
  - { id: up, allow: ${HOST}, ports: [${port}], addresses: ["127.0.0.1"], methods: [POST] }
  - { id: held, ask: ${HOST}, ports: [${port}], addresses: ["127.0.0.1"], methods: [PUT] }
`

/** An origin that says which trailers it got. */
const origin = {
  origin: (request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) =>
    void response.end(JSON.stringify(request.rawTrailers)),
}

type Gate = Awaited<ReturnType<typeof openEgressGate>>

/** One chunked request as bytes, its answer as text. */
async function send(gate: Gate, head: string, body: string, until = /\r\n\r\n[\s\S]+/): Promise<string> {
  const client = await openTls({ ...gate, token: "run-1" }, gate.origin.port)
  client.socket.write(`${head} HTTP/1.1\r\nHost: ${HOST}:${gate.origin.port}\r\nTransfer-Encoding: chunked\r\n`)
  client.socket.write(body)
  return client.until(until)
}

describe("trailers of a request", () => {
  test("reach the origin, announced, behind a body that streams by", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    const text = await send(gate, "POST /a", "Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\nX-More: d\r\n\r\n")
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain('["x-sum","abc","x-more","d"]')
    expect(gate.seen[0]).toMatchObject({ body: "hello", headers: { trailer: "x-sum" } })
  })

  test("are none of a request whose length is stated, whatever it announces: it goes out as it came", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    const file = certificateFile("x".repeat(100_000))
    const { stdout } = await gate.curl("-H", "Trailer: X-Sum", "--data-binary", `@${file}`, `${gate.base}/a`)
    expect(stdout).toBe("[]\n200")
    expect(gate.seen[0]?.headers).toMatchObject({ "content-length": "100000" })
    expect(gate.seen[0]?.headers.trailer).toBeUndefined()
  })

  test("of a field that belongs before the body end the request before it is whole", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    for (const name of ["Authorization", "Content-Length", "Transfer-Encoding", "Host", "X-HTTP-Method-Override"]) {
      const text = await send(gate, "POST /a", `Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\n${name}: 7\r\n\r\n`)
      expect(text, name).not.toMatch(/^HTTP\/1\.1 200 /)
    }
    expect(gate.seen).toEqual([])
    const records = await gate.records()
    expect(records.some(({ detail }) => detail?.["violation"] === "request.malformed")).toBe(true)
  })
})

describe("keys and people", () => {
  test("a placeholder in a trailer is one where it does not belong, whatever its body is", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    await gate.set({ slot: { in: "header", name: "x-sum" } })
    await gate.vault.reload()
    const placeholder = gate.vault.placeholder("example", "run-1")
    await send(gate, "POST /a", `Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: ${placeholder}\r\n\r\n`)
    const held = await send(gate, "PUT /a", `\r\n5\r\nhello\r\n0\r\nX-Sum: ${placeholder}\r\n\r\n`)
    expect(held).toMatch(/^HTTP\/1\.1 403 .*/)
    expect(gate.seen).toEqual([])
    const types = (await gate.records()).map(({ type }) => type)
    expect(types.filter((type) => type === "credential.exfiltration")).toHaveLength(2)
  })

  test("a placeholder among the names that are announced is one where it does not belong", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    await gate.set({ slot: { in: "header", name: "x-sum" } })
    await gate.vault.reload()
    const placeholder = gate.vault.placeholder("example", "run-1")
    const text = await send(gate, "POST /a", `Trailer: X-Sum, ${placeholder}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
    expect(gate.seen).toEqual([])
    const types = (await gate.records()).map(({ type }) => type)
    expect(types.filter((type) => type === "credential.exfiltration")).toHaveLength(1)
  })

  test("what people are asked about has them, and what they agreed to is sent with them", async (t) => {
    const gate = await openEgressGate(t, { policy: ALLOW, ...origin })
    const sent = send(gate, "PUT /a", "\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\nX-Sum: def\r\n\r\n", /\r\n\r\n\[/)
    const [pending] = await vi.waitFor(async () => {
      const all = await listApprovals(gate.store.db, Date.now())
      expect(all).toHaveLength(1)
      return all
    }, 5_000)
    const { headers } = pending!.binding.arguments as unknown as NetworkArguments
    expect(headers).toEqual({ "trailer:x-sum": "abc, def" })
    const terms = { scope: "run", expires: Date.now() + 60_000, uses: 1 } as const
    await answerApproval(gate.store, pending!.id, { answer: "approve", terms }, gate.ana, Date.now(), "test")
    await sent
    await vi.waitFor(() => expect(gate.seen.map(({ body }) => body)).toEqual(["hello"]), 5_000)
    expect(gate.troubles).toEqual([])
  })
})

describe("which fields pass", () => {
  const read = (fields: string[], headers: string[] = [], selectors: string[] = []) =>
    readTrailers({ rawTrailers: fields }, headers, selectors)

  test("in lower case, several of a name", () => {
    expect(read(["X-A", "1", "x-a", "2", "Content-MD5", "q"])).toEqual(["x-a", "1", "x-a", "2", "content-md5", "q"])
    expect(read([])).toEqual([])
  })

  test("none that the head has, or that a rule looks for", () => {
    expect(read(["X-A", "1"], ["x-a", "0"])).toBeUndefined()
    expect(read(["X-A", "1"], ["y", "x-a"])).toEqual(["x-a", "1"])
    expect(read(["X-A", "1"], [], ["header.x-a"])).toBeUndefined()
  })

  test("no framing, routing, authentication, and no more than a head may have", () => {
    for (const name of [
      "x_http_method_override",
      "transfer_encoding",
      "cookie",
      "proxy-authorization",
      "content-type",
      "if-match",
      "range",
      "expect",
      "te",
      ":path",
    ])
      expect(read([name, "1"]), name).toBeUndefined()
    expect(read(["x-a", "a\u0000b"])).toBeUndefined()
    expect(read(["x-a", "b".repeat(20_000)])).toBeUndefined()
    expect(read(Array.from({ length: 130 }, (_, at) => `x-${at}`))).toBeUndefined()
  })
})
