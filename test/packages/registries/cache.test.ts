import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cacheDirectory, cacheKey, openCache } from "../../../src/packages/registries/cache.ts"
import { freezeDocument, thawDocument } from "../../../src/packages/registries/cached-document.ts"
import type { PackageDocument } from "../../../src/packages/types.ts"
import { contextWith, emptyDirectory } from "./server.ts"

const NOW = Date.UTC(2026, 0, 1)
const entry = { etag: '"a"', fetchedAt: NOW, freshUntil: NOW + 1000, payload: { a: 1 } }

async function filled(directory: string, key: string, maxTotal?: number) {
  const cache = openCache(directory, () => NOW, maxTotal)
  cache.write(key, entry)
  await cache.close()
  return join(directory, key.slice(0, 2), key)
}

describe("the cache of answers", () => {
  it("gives back what was written, to another process too", async () => {
    const directory = emptyDirectory()
    const path = await filled(directory, cacheKey("a"))
    expect(await openCache(directory, () => NOW).read(cacheKey("a"))).toEqual(entry)
    expect(await openCache(directory, () => NOW).read(cacheKey("b"))).toBeUndefined()
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  it("makes no path of a name", () => {
    for (const name of ["../../etc/passwd", "a\0b", "CON", "x".repeat(100_000)])
      expect(cacheKey(name)).toMatch(/^[0-9a-f]{64}$/)
    expect(cacheKey("a", "bc")).not.toBe(cacheKey("ab", "c"))
  })

  it("takes no file that was cut, edited, moved or written by somebody else", async () => {
    const directory = emptyDirectory()
    const key = cacheKey("a")
    const path = await filled(directory, key)
    const good = readFileSync(path, "utf8")
    const read = () => openCache(directory, () => NOW).read(key)
    for (const bad of [
      "",
      "x",
      good.slice(0, -1),
      good.replace('"a":1', '"a":2'),
      `${"0".repeat(64)}\n{}`,
      "\0".repeat(100),
    ]) {
      writeFileSync(path, bad)
      expect(await read(), JSON.stringify(bad)).toBeUndefined()
    }
    const other = cacheKey("b")
    mkdirSync(join(directory, other.slice(0, 2)), { recursive: true })
    writeFileSync(join(directory, other.slice(0, 2), other), good)
    expect(await openCache(directory, () => NOW).read(other)).toBeUndefined()
    writeFileSync(path, good)
    expect(await read()).toEqual(entry)
  })

  it("takes no entry from the future", async () => {
    const directory = emptyDirectory()
    await filled(directory, cacheKey("a"))
    expect(await openCache(directory, () => NOW - 1).read(cacheKey("a"))).toBeUndefined()
  })

  it("stands two writers of the same key at once", async () => {
    const directory = emptyDirectory()
    const caches = [openCache(directory, () => NOW), openCache(directory, () => NOW)]
    for (let i = 0; i < 50; i++) for (const cache of caches) cache.write(cacheKey("a"), { ...entry, payload: i })
    await Promise.all(caches.map((cache) => cache.close()))
    expect(await caches[0]!.read(cacheKey("a"))).toBeDefined()
    expect(readdirSync(directory, { recursive: true }).filter((name) => String(name).endsWith(".tmp"))).toEqual([])
  })

  it("removes the oldest beyond its size", async () => {
    const directory = emptyDirectory()
    const cache = openCache(directory, () => NOW, 10_000)
    for (let i = 0; i < 20; i++) cache.write(cacheKey(String(i)), { ...entry, payload: "x".repeat(1000) })
    await cache.close()
    const left = readdirSync(directory, { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(String(name)))
    expect(left.length).toBeGreaterThan(5)
    expect(left.length).toBeLessThan(10)
  })

  it("is no error where nothing can be written", async () => {
    const directory = emptyDirectory()
    writeFileSync(join(directory, "file"), "")
    const cache = openCache(join(directory, "file", "below"), () => NOW)
    cache.write(cacheKey("a"), entry)
    await cache.close()
    expect(await cache.read(cacheKey("a"))).toBeUndefined()
  })

  it("lies in the person's own directories, never in the vetted one", () => {
    const ctx = contextWith()
    expect(cacheDirectory(ctx)).toBe(join(ctx.home, ".cache", "nanoguard", "registries"))
    const env = (more: Record<string, string>) => ({ ...ctx, env: { ...ctx.env, ...more } })
    expect(cacheDirectory(env({ XDG_CACHE_HOME: "/var/x" }))).toBe("/var/x/nanoguard/registries")
    expect(cacheDirectory(env({ XDG_CACHE_HOME: "relative" }))).toBe(
      join(ctx.home, ".cache", "nanoguard", "registries"),
    )
    expect(cacheDirectory(env({ NANOGUARD_HOME: "/var/n" }))).toBe("/var/n/cache/registries")
    mkdirSync(ctx.cwd, { recursive: true })
    expect(cacheDirectory(env({ NANOGUARD_HOME: join(ctx.cwd, ".n") }))).toBeUndefined()
  })
})

describe("documents in the cache", () => {
  const document: PackageDocument = {
    ecosystem: "npm",
    name: "left",
    releases: new Map([
      ["1.0.0", { version: "1.0.0", license: "MIT", published: 5, integrity: ["sha512-x"], provenance: "attested" }],
    ]),
    tags: Object.assign(Object.create(null), { latest: "1.0.0" }),
    maintainers: ["ana"],
    fetchedAt: NOW,
  }
  const thaw = (payload: unknown) => thawDocument(JSON.parse(JSON.stringify(payload)), "npm", "left")

  it("come back as they were", () => {
    expect(thaw(freezeDocument(document))).toEqual(document)
  })

  it("are those of exactly this package", () => {
    expect(thawDocument(freezeDocument(document), "npm", "right")).toBeUndefined()
    expect(thawDocument(freezeDocument(document), "pypi", "left")).toBeUndefined()
  })

  it.each<[string, object]>([
    ["verified provenance", { provenance: "verified" }],
    ["a builder", { provenanceOf: { issuer: "i", repository: "r" } }],
    ["a time as text", { published: "2020" }],
    ["an unknown field", { score: 100 }],
    ["licences as a list", { license: ["MIT"] }],
    ["no version", { version: undefined }],
  ])("are not believed with %s", (_, release) => {
    const frozen = freezeDocument(document)
    expect(thaw({ ...frozen, releases: [{ ...frozen.releases[0], ...release }] })).toBeUndefined()
  })

  it("never throw, whatever lies there", () => {
    const value = fc.jsonValue()
    const payload = fc.record({
      ecosystem: fc.constant("npm"),
      name: fc.constant("left"),
      releases: fc.oneof(value, fc.array(value)),
      tags: value,
      maintainers: value,
      fetchedAt: value,
      links: value,
    })
    fc.assert(fc.property(fc.oneof(value, payload), (any) => void thaw(any)))
  })
})
