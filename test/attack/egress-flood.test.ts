// S1 behind a flood: many things that look like placeholders, to hide one that is.
import { createServer, connect as http2Connect } from "node:http2"
import type { AddressInfo } from "node:net"
import { expect, test } from "vitest"
import { errorAnswer } from "../../src/gateway/answer.ts"
import { sendOwnAnswer } from "../../src/gateway/egress/grpc-answer.ts"
import { addressRest } from "../../src/gateway/egress/mentions.ts"
import { MARKER } from "../../src/vault/placeholder.ts"
import { openEgressGate } from "../gateway/egress/gate.ts"
import { HOST } from "../gateway/egress/proxy.ts"

const FAKES = Array.from({ length: 65 }, (_, at) => `${MARKER}z${String(at).padStart(3, "0")}`)

test("a placeholder behind more markers than anyone has goes nowhere: in a header, a query, a body", async (t) => {
  const policy = (port: number) =>
    `network:\n  - { id: up, allow: ${HOST}, ports: [${port}], addresses: ["127.0.0.1"] }\n`
  const gate = await openEgressGate(t, { policy })
  await gate.set()
  await gate.vault.reload()
  const placeholder = gate.vault.placeholder("example", "run-1")
  const ways = [
    ["-H", `x-a: ${FAKES.join(" ")} ${placeholder}`, `${gate.base}/a`],
    [`${gate.base}/a?q=${FAKES.join("+")}+${placeholder}`],
    ["--data-binary", `${FAKES.join(" ")} ${placeholder}`, `${gate.base}/a`],
  ]
  for (const way of ways) {
    const { stdout } = await gate.curl(...way)
    expect(stdout).not.toMatch(/200$/)
  }
  expect(gate.seen).toEqual([])
  const { stdout } = await gate.curl("-H", `x-a: ${FAKES.slice(0, 3).join(" ")}`, `${gate.base}/a`)
  expect(stdout).toMatch(/200$/)
})

test("a flood in a request to a model hides nothing of its head or its body, nor what is to be taken out", async (t) => {
  const policy = (word: string) => (port: number) =>
    `network:\n  - { id: model, allow: ${HOST}, ports: [${port}], addresses: ["127.0.0.1"], placeholders: ${word} }\n`
  const gate = await openEgressGate(t, { policy: policy("inert") })
  await gate.set()
  await gate.vault.reload()
  const [own, stolen] = ["run-1", "run-2"].map((run) => gate.vault.placeholder("example", run))
  const post = async (header: string, body: string) =>
    (await gate.curl("-H", `x-a: ${header}`, "--data-binary", body, `${gate.base}/a`)).stdout
  const flood = FAKES.slice(1).join(" ")
  expect(await post(flood, `${stolen}`)).toMatch(/credential\.unbound-placeholder.*403$/s)
  expect((await gate.records()).at(-1)).toMatchObject({ type: "credential.exfiltration" })
  expect(await post(`${flood} z ${FAKES[0]} ${stolen}`, "a")).toMatch(/body\.unread.*400$/s)
  expect(gate.seen).toEqual([])
  // A conversation of many is one all the same.
  expect(await post("a", `${own} ${FAKES.join(" ")}`)).toMatch(/200$/)
  await gate.reload(policy("redact")(gate.origin.port))
  expect(await post("a", `${FAKES.join(" ")} ${own}`)).toMatch(/body\.unread.*400$/s)
  expect(gate.seen).toHaveLength(1)
})

test("a method that is overridden by a name with underscores is refused as one with dashes is", async (t) => {
  const policy = (port: number) =>
    `network:\n  - { id: up, allow: ${HOST}, ports: [${port}], addresses: ["127.0.0.1"] }\n`
  const gate = await openEgressGate(t, { policy })
  const { stdout } = await gate.curl("-H", "X_HTTP_Method_Override: DELETE", "-d", "a=1", `${gate.base}/a`)
  expect(stdout).toMatch(/400$/)
  expect(gate.seen).toEqual([])
})

test("a gRPC stream that its client takes back before it is answered ends quietly", async (t) => {
  const answered = Promise.withResolvers<void>()
  const server = createServer()
  server.on("request", (request, response) => {
    const { stream } = response
    request.once("data", () => {
      request.pause()
      const answer = () => sendOwnAnswer(request as never, response as never, errorAnswer(502, "x"), 1_000)
      const poll = setInterval(() => {
        if (!stream.closed) return
        clearInterval(poll)
        answer().then(answered.resolve, answered.reject)
      }, 5)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const client = http2Connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const call = client.request({ ":method": "POST", ":path": "/", "content-type": "application/grpc" })
  call.on("error", () => {})
  call.write(Buffer.alloc(200_000))
  setTimeout(() => call.close(0), 50)
  await answered.promise
})

test("an address of nothing but brackets is read in one pass", () => {
  const text = `/${")".repeat(2_000_000)}x`
  expect(addressRest(text)).toHaveLength(text.length)
  expect(addressRest(`/a${")".repeat(2_000_000)}`)).toBe("/a")
})
