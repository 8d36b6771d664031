import { describe, expect, it } from "vitest"
import type { Artifact } from "../../../src/gateway/upstream/types.ts"
import { routes, startServer } from "../../packages/registries/server.ts"
import { fetchAll, fromCache, noise, open, readAll, sha256, sri } from "./open.ts"

const SMALL = noise(20_000)
const LARGE = noise(3_000_000, 7)

describe("an artifact", () => {
  it("comes from the upstream once, then from the cache, byte for byte", async () => {
    const { base, requests } = await startServer(routes({ "/small.tgz": SMALL, "/large.tgz": LARGE }))
    const upstream = await open()
    for (const [name, bytes] of [
      ["small", SMALL],
      ["large", LARGE],
    ] as const) {
      const request = { url: `${base}/${name}.tgz`, integrity: [sri("sha512", bytes), sri("sha1", bytes)] }
      const first = await upstream.artifact(request)
      expect(first).toMatchObject({ ok: true, cached: false, size: bytes.length })
      expect(sha256(await readAll(first))).toBe(sha256(bytes))
      const second = await fromCache(upstream, request)
      expect(second.size).toBe(bytes.length)
      expect(sha256(await readAll(second))).toBe(sha256(bytes))
    }
    expect(requests.map(({ url }) => url)).toEqual(["/small.tgz", "/large.tgz"])
    expect(upstream.stats().artifacts).toMatchObject({ misses: 2, hits: 2, dropped: 0 })
    expect(upstream.stats().artifacts.bytes).toBe(2 * (SMALL.length + LARGE.length))
  })

  it("makes one request for many who ask at once", async () => {
    const { base, requests } = await startServer(routes({ "/a.tgz": LARGE }))
    const upstream = await open()
    const request = { url: `${base}/a.tgz`, integrity: [sri("sha256", LARGE)] }
    const all = await Promise.all(Array.from({ length: 50 }, () => fetchAll(upstream, request)))
    expect(new Set(all.map(sha256))).toEqual(new Set([sha256(LARGE)]))
    expect(requests).toHaveLength(1)
  })

  it("serves a thousand clients at once, each artifact with one request", async () => {
    const parts = Array.from({ length: 20 }, (_, i) => noise(10_000, i))
    const { base, requests } = await startServer(routes(Object.fromEntries(parts.map((part, i) => [`/${i}`, part]))))
    const upstream = await open({ limits: { headers: 10_000 } })
    const ask = (i: number) => fetchAll(upstream, { url: `${base}/${i}`, integrity: [sri("sha512", parts[i]!)] })
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, i) => ask(i % 20)))
    expect(all.every((bytes, i) => bytes.equals(parts[i % 20]!))).toBe(true)
    expect(requests).toHaveLength(20)
  })

  it("does not wait for a first client that reads nothing, nor end with one that leaves", async () => {
    const { base, requests } = await startServer(routes({ "/a.tgz": LARGE }))
    const upstream = await open()
    const request = { url: `${base}/a.tgz`, integrity: [sri("sha256", LARGE)] }
    const [slow, leaving, quick] = await Promise.all([1, 2, 3].map(() => upstream.artifact(request)))
    for await (const _ of (leaving as Artifact).bytes) break
    expect(sha256(await readAll(quick!))).toBe(sha256(LARGE))
    expect(sha256(await readAll(slow!))).toBe(sha256(LARGE))
    expect(requests).toHaveLength(1)
  })
})
