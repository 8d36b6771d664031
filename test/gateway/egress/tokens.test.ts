// What a budget of tokens counts of requests that say nothing of it.
import { expect, test } from "vitest"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const policy = (port: number) =>
  `network:\n  - { id: model, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], service: openai, budget: { tokens: "1000/hour" } }\n`
const LONG = JSON.stringify({ prompt: "a".repeat(4_000) })

test("a request that no connection was made for used none", async (t) => {
  const gate = await openEgressGate(t, { policy, host: "other.example.com" })
  const opening = ["--max-time", "5", "--http1.1", "-H", "connection: Upgrade", "-H", "upgrade: websocket"]
  const key = ["-H", "sec-websocket-version: 13", "-H", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="]
  for (let at = 0; at < 2; at++) {
    const ran = await gate.curl("-d", LONG, `${gate.base}/v1/completions`)
    expect(ran.stdout, ran.stderr).toMatch(/untrusted.*502$/s)
    const opened = await gate.curl(...opening, ...key, `${gate.base}/v1/realtime`)
    expect(opened.stdout, opened.stderr).toMatch(/untrusted.*502$/s)
  }
  expect(gate.seen).toEqual([])
})

test("a file that is uploaded is none; JSON is, by whatever name", async (t) => {
  const gate = await openEgressGate(t, { policy })
  const post = async (...args: string[]) => (await gate.curl(...args, `${gate.base}/v1/files`)).stdout
  for (let at = 0; at < 2; at++) {
    expect(await post("-F", `file=${"a".repeat(4_000)}`)).toBe("ok\n200")
    expect(await post("-H", "content-type: audio/wav", "-d", "a".repeat(4_000))).toBe("ok\n200")
  }
  expect(await post("-H", "content-type: application/octet-stream", "-d", LONG)).toBe("ok\n200")
  expect(await post("-d", "{}")).toMatch(/budget.*403$/s)
})

test("two types of one body are none of a file", async (t) => {
  const gate = await openEgressGate(t, { policy })
  const types = ["-H", "content-type: audio/wav", "-H", "content-type: application/json"]
  const post = async (...args: string[]) => (await gate.curl(...args, `${gate.base}/v1/files`)).stdout
  expect(await post(...types, "-d", "a".repeat(4_000))).toBe("ok\n200")
  expect(await post("-d", "{}")).toMatch(/budget.*403$/s)
})
