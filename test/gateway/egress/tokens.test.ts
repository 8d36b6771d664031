// What a budget of tokens counts of requests that say nothing of it.
import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { expect, onTestFinished, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const policy = (port: number) =>
  `network:\n  - { id: model, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], service: openai, budget: { tokens: "1000/hour" } }\n`
const GZIP = ["-H", "content-encoding: gzip"]
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

test.each([
  ["comes in pieces", LONG, ["-H", "transfer-encoding: chunked"]],
  ["comes in pieces, blanks first", " ".repeat(70_000) + LONG, ["-H", "transfer-encoding: chunked"]],
  ["is long", JSON.stringify({ prompt: "a".repeat(70_000) }), []],
  ["has blanks first", " ".repeat(64) + LONG, []],
  ["says how it is coded first", `\ufeff${LONG}`, []],
  ["is UTF-16", Buffer.from(`\ufeff${LONG}`, "utf16le").swap16(), []],
  ["is compressed", gzipSync(JSON.stringify({ prompt: randomBytes(4_000).toString("base64") })), GZIP],
])("JSON that %s is no file by the name of one", async (_, body, args) => {
  const t = { onTestFinished } as never
  const gate = await openEgressGate(t, { policy })
  const file = `${temporaryDirectory()}/body`
  writeFileSync(file, body)
  const type = ["-H", "content-type: application/octet-stream", "-H", "expect:"]
  const post = async (...more: string[]) => (await gate.curl(...type, ...more, `${gate.base}/v1/completions`)).stdout
  expect(await post(...args, "--data-binary", `@${file}`)).toBe("ok\n200")
  expect(await post("-d", "{}")).toMatch(/budget.*403$/s)
})

test("a file that comes in pieces, or is long, is one", async (t) => {
  const gate = await openEgressGate(t, { policy })
  const file = `${temporaryDirectory({ body: `RIFF${"a".repeat(70_000)}` })}/body`
  const type = ["-H", "content-type: application/octet-stream", "-H", "expect:", "--data-binary", `@${file}`]
  for (const more of [[], ["-H", "transfer-encoding: chunked"], []])
    expect((await gate.curl(...type, ...more, `${gate.base}/v1/files`)).stdout).toBe("ok\n200")
})

test("two types of one body are none of a file", async (t) => {
  const gate = await openEgressGate(t, { policy })
  const types = ["-H", "content-type: audio/wav", "-H", "content-type: application/json"]
  const post = async (...args: string[]) => (await gate.curl(...args, `${gate.base}/v1/files`)).stdout
  expect(await post(...types, "-d", "a".repeat(4_000))).toBe("ok\n200")
  expect(await post("-d", "{}")).toMatch(/budget.*403$/s)
})
