import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { expect, test } from "vitest"
import { PATIENCE, readStart } from "../../../src/gateway/egress/body.ts"

const ignore = () => {}

/** A request of HTTP/1.1 with a body in these chunks. */
function request(chunks: Iterable<Buffer>): IncomingMessage {
  const head = { httpVersionMajor: 1, headers: { "transfer-encoding": "chunked" } }
  return Object.assign(Readable.from(chunks, { objectMode: false }), head) as unknown as IncomingMessage
}

function* bytes(count: number): Generator<Buffer> {
  for (let at = 0; at < count; at++) yield Buffer.from([at & 0xff])
}

test("a body that comes byte by byte takes no more memory than twice itself", async () => {
  const count = 100_000
  const start = await readStart(request(bytes(count)), count, PATIENCE, ignore)
  expect(start.whole).toBe(true)
  expect(start.bytes).toEqual(Buffer.concat([...bytes(count)]))
  expect(start.bytes.buffer.byteLength).toBeLessThanOrEqual(2 * count)
})

test("a body takes no more memory than may be read of it, and its last chunk", async () => {
  const chunk = Buffer.alloc(7_000, 1)
  for (const limit of [100, 8_000, 100_000]) {
    const cut = await readStart(request(Array(20).fill(chunk)), limit, PATIENCE, ignore)
    expect(cut.whole).toBe(false)
    expect(cut.bytes.length).toBeGreaterThan(limit)
    expect(cut.bytes.buffer.byteLength).toBeLessThanOrEqual(limit + chunk.length)
    expect(cut.bytes.every((byte) => byte === 1)).toBe(true)
  }
})

test("a body that comes byte by byte for ever is one that does not end", async () => {
  async function* forever() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      yield Buffer.from("a")
    }
  }
  const body = Readable.from(forever(), { objectMode: false })
  const head = { httpVersionMajor: 1, headers: { "transfer-encoding": "chunked" } }
  const start = await readStart(Object.assign(body, head) as never, 1_000_000, { idle: 10_000, total: 100 }, ignore)
  expect(start.whole).toBe(false)
  body.destroy()
})

test("a body is read on from its beginning, and no further than the limit", async () => {
  const before = { bytes: Buffer.from("abc"), whole: false }
  const start = await readStart(request([Buffer.from("de"), Buffer.from("f")]), 100, PATIENCE, ignore, before)
  expect(start).toEqual({ bytes: Buffer.from("abcdef"), whole: true })
  const cut = await readStart(request(bytes(1000)), 10, PATIENCE, ignore)
  expect(cut.whole).toBe(false)
  expect(cut.bytes.subarray(0, 11)).toEqual(Buffer.concat([...bytes(11)]))
})
