import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createBodyFinder } from "../../src/vault/find-body.ts"
import { makePlaceholder, readPlaceholder } from "../../src/vault/placeholder.ts"

const key = Buffer.alloc(32, 7)
const placeholder = makePlaceholder(key, "models", "run-1", "github")
const body = Buffer.from(JSON.stringify({ text: "x".repeat(5000), token: placeholder, more: "y".repeat(5000) }))

const PACKERS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}

async function look(bytes: Buffer, encoding: string, size = 100) {
  const finder = createBodyFinder("body", encoding)
  const found = []
  for (let at = 0; at < bytes.length; at += size) found.push(...(await finder.push(bytes.subarray(at, at + size))))
  found.push(...(await finder.end()))
  return {
    names: found.map(({ text }) => readPlaceholder(key, text, [{ name: "models" }])?.credential),
    unread: finder.unread,
  }
}

describe("createBodyFinder", () => {
  test.each(Object.entries(PACKERS))("%s", async (encoding, pack) => {
    expect(await look(pack(body), encoding)).toEqual({ names: ["models"], unread: undefined })
    expect(await look(pack(body), encoding.toUpperCase(), 1)).toEqual({ names: ["models"], unread: undefined })
    expect(await look(pack(Buffer.alloc(10_000, "a")), encoding)).toEqual({ names: [], unread: undefined })
  })

  test("none, deflate without zlib's header, two over each other, aws-chunked", async () => {
    expect(await look(body, "")).toEqual({ names: ["models"], unread: undefined })
    expect(await look(body, "identity")).toEqual({ names: ["models"], unread: undefined })
    expect(await look(body, "aws-chunked")).toEqual({ names: ["models"], unread: undefined })
    expect(await look(deflateRawSync(body), "deflate")).toEqual({ names: ["models"], unread: undefined })
    expect(await look(brotliCompressSync(gzipSync(body)), "gzip, br")).toEqual({ names: ["models"], unread: undefined })
  })

  test("compressed, and nobody says so", async () => {
    expect(await look(gzipSync(body), "")).toEqual({ names: ["models"], unread: undefined })
    // zstd leaves literals as they are: found twice.
    expect((await look(zstdCompressSync(body), "")).names).toContain("models")
    expect(await look(Buffer.from([0x1f, 0x8b, 8, 1, 2, 3]), "")).toEqual({ names: [], unread: undefined })
  })

  test("each of a body's gzip members", async () => {
    const bytes = Buffer.concat([gzipSync(Buffer.from("first")), gzipSync(body)])
    expect(await look(bytes, "gzip")).toEqual({ names: ["models"], unread: undefined })
  })

  test("what cannot be looked into is said", async () => {
    expect((await look(body, "compress")).unread).toBe("encoded")
    expect((await look(body, "gzip, gzip, gzip, gzip")).unread).toBe("encoded")
    expect((await look(body, "gzip")).unread).toBe("malformed")
    expect((await look(gzipSync(body).subarray(0, -20), "gzip")).unread).toBe("malformed")
    for (const [encoding, pack] of Object.entries(PACKERS)) {
      const behind = Buffer.concat([pack(Buffer.from("fine")), body])
      expect([encoding, (await look(behind, encoding)).unread]).toEqual([encoding, "malformed"])
    }
  })

  test("bombs end early", async () => {
    const zeros = Buffer.alloc(66 * 1024 * 1024)
    expect((await look(brotliCompressSync(zeros.subarray(0, 4 * 1024 * 1024)), "br", 65_536)).unread).toBe("too-large")
    expect((await look(gzipSync(zeros, { level: 1 }), "gzip", 65_536)).unread).toBe("too-large")
  })

  test("any bytes: an answer, and no crash", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom("gzip", "deflate", "br", "zstd", "", "br, gzip"),
        fc.integer({ min: 1, max: 300 }),
        async (bytes, encoding, size) => {
          expect((await look(Buffer.from(bytes), encoding, size)).names).toEqual([])
        },
      ),
    )
  })
})
