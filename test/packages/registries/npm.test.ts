import { describe, expect, it, onTestFinished } from "vitest"
import type { Context } from "../../../src/context.ts"
import { openRegistries, type RegistryOptions } from "../../../src/packages/registries/index.ts"
import { isNpmName } from "../../../src/packages/registries/npm.ts"
import { contextWith, emptyDirectory, routes, startServer } from "./server.ts"

async function open(ctx: Context, options: RegistryOptions = {}) {
  const registries = await openRegistries(ctx, { limits: { retries: 0 }, ...options })
  onTestFinished(() => registries.close())
  return registries
}

describe("isNpmName", () => {
  it.each(["axios", "@types/node", "JSONStream", "a~b", "left.pad", "@a/-b"])("%s is one", (name) => {
    expect(isNpmName(name)).toBe(true)
  })
  it.each([
    "",
    ".x",
    "../x",
    "a/b",
    "@a/b/c",
    "@a/..",
    "a b",
    "a?b",
    "a#b",
    "a%2fb",
    "a\nb",
    "@/a",
    "x".repeat(215),
    "a\u202eb",
  ])("%j is none", (name) => {
    expect(isNpmName(name)).toBe(false)
  })
})

describe("openRegistries for npm", () => {
  const left = { name: "left", versions: { "1.0.0": { license: "MIT" } } }
  const scoped = { name: "@acme/x", versions: { "1.0.0": { license: "ISC" } } }

  it("answers a list in its order and tells the progress", async () => {
    const { base } = await startServer(
      routes({ "/left": left, "/@acme%2fx": scoped, "/wrong": left, "/text": "<html>" }),
    )
    const registries = await open(contextWith({ npm_config_registry: base }))
    const heard: number[] = []
    const names = ["wrong", "left", "missing", "@acme/x", "../left", "text"]
    const results = await registries.documents(
      names.map((name) => ({ ecosystem: "npm" as const, name })),
      (done) => heard.push(done),
    )
    expect(results.map((result) => (result.ok ? result.document.name : result.reason))).toEqual([
      "invalid",
      "left",
      "not-found",
      "@acme/x",
      "invalid",
      "invalid",
    ])
    expect(heard).toEqual([1, 2, 3, 4, 5, 6])
    expect(registries.get("npm")!.baseUrl).toBe(base)
  })

  it("asks no more at once than it may", async () => {
    let now = 0
    let most = 0
    const { base } = await startServer((_, response) => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        response.end("{}")
      }, 5)
    })
    const registries = await open(contextWith({ npm_config_registry: base }), { concurrency: 3 })
    await registries.documents(Array.from({ length: 20 }, (_, i) => ({ ecosystem: "npm" as const, name: `p${i}` })))
    expect(most).toBe(3)
  })

  it("asks nobody offline", async () => {
    const { base, requests } = await startServer(routes({ "/left": left }))
    const registries = await open(contextWith({ npm_config_registry: base }), { offline: true })
    const [result] = await registries.documents([{ ecosystem: "npm", name: "left" }])
    expect(result).toMatchObject({ ok: false, reason: "offline" })
    expect(requests).toHaveLength(0)
  })

  it("takes a fresh answer from the cache, and asks again by etag once it is not", async () => {
    const etag = '"a1"'
    const { base, requests } = await startServer((request, response) => {
      if (request.headers["if-none-match"] === etag) response.writeHead(304).end()
      else response.writeHead(200, { etag, "cache-control": "max-age=60" }).end(JSON.stringify(left))
    })
    const cache = emptyDirectory()
    const ask = async (now: number) => {
      const registries = await open(contextWith({ npm_config_registry: base }, now), { cache })
      const [result] = await registries.documents([{ ecosystem: "npm", name: "left" }])
      await registries.close()
      return result
    }
    const start = Date.UTC(2026, 0, 1)
    const first = await ask(start)
    expect(await ask(start + 59_000)).toEqual(first)
    expect(requests).toHaveLength(1)
    expect(await ask(start + 61_000)).toMatchObject({ ok: true, document: { fetchedAt: start + 61_000 } })
    expect(requests[1]!.headers["if-none-match"]).toBe(etag)
    await ask(start + 100_000)
    expect(requests).toHaveLength(2)
    // A clock that ran back makes no answer fresh.
    await ask(start - 1)
    expect(requests).toHaveLength(3)
  })

  it("keeps what never changes of a version whose registry is gone, and nothing else", async () => {
    const cache = emptyDirectory()
    let up = true
    const packument = {
      ...left,
      "dist-tags": { latest: "1.0.0" },
      time: { "1.0.0": "2020-01-01T00:00:00Z" },
    }
    const { base } = await startServer((_, response) => {
      if (up) response.end(JSON.stringify(packument))
      else response.writeHead(503).end()
    })
    const ask = async (now: number) => {
      const registries = await open(contextWith({ npm_config_registry: base }, now), { cache })
      const [result] = await registries.documents([{ ecosystem: "npm", name: "left" }])
      await registries.close()
      return result!
    }
    await ask(Date.UTC(2026, 0, 1))
    up = false
    const result = await ask(Date.UTC(2026, 0, 2))
    expect(result).toMatchObject({ ok: true, document: { stale: "unreachable", tags: {} } })
    expect(result.ok && result.document.releases.get("1.0.0")).toEqual({
      version: "1.0.0",
      license: "MIT",
      published: Date.UTC(2020, 0, 1),
      installScripts: [],
      integrity: [],
    })
  })

  it("does not say of a version that is not in an old answer that there is none", async () => {
    const cache = emptyDirectory()
    let up = true
    const { base } = await startServer((_, response) => {
      if (up) response.end(JSON.stringify(left))
      else response.writeHead(503).end()
    })
    const ask = async (now: number, versions: string[]) => {
      const registries = await open(contextWith({ npm_config_registry: base }, now), { cache })
      const [result] = await registries.documents([{ ecosystem: "npm", name: "left", versions }])
      await registries.close()
      return result!
    }
    await ask(Date.UTC(2026, 0, 1), [])
    up = false
    expect(await ask(Date.UTC(2026, 0, 2), ["1.0.0"])).toMatchObject({ ok: true, document: { stale: "unreachable" } })
    expect(await ask(Date.UTC(2026, 0, 2), ["1.0.0", "2.0.0"])).toMatchObject({ ok: false, reason: "unreachable" })
  })

  it("asks a pinned scope's upstream and nobody else, whatever npm's configuration says", async () => {
    const home = await startServer(routes({ "/npm/@acme%2fx": scoped }))
    const open_ = await startServer(
      routes({ "/@acme%2fx": scoped, "/@acme%2fy": { name: "@acme/y", versions: {} }, "/left": left }),
    )
    const ctx = contextWith({ npm_config_registry: open_.base, "npm_config_@acme:registry": open_.base })
    const registries = await open(ctx, { policyRegistries: [{ scope: "@acme/*", upstream: `${home.base}/npm/` }] })
    const results = await registries.documents(
      ["@acme/x", "@acme/y", "left"].map((name) => ({ ecosystem: "npm" as const, name })),
    )
    expect(results.map((result) => result.ok || result.reason)).toEqual([true, "not-found", true])
    expect(open_.requests.map((request) => request.url)).toEqual(["/left"])
  })

  it("looks a package of another registry up nowhere, unless the policy lists that registry", async () => {
    const { base, requests } = await startServer(routes({ "/left": left }))
    const other = await startServer(routes({ "/left": left }))
    const wanted = { ecosystem: "npm" as const, name: "left", origin: other.base }
    const registries = await open(contextWith({ npm_config_registry: base }))
    expect((await registries.documents([wanted]))[0]).toMatchObject({ ok: false, reason: "unsupported" })
    expect([...requests, ...other.requests]).toHaveLength(0)
    const listing = await open(contextWith({ npm_config_registry: base }), {
      policyRegistries: [{ upstream: other.base }],
    })
    expect((await listing.documents([wanted]))[0]).toMatchObject({ ok: true })
    expect(other.requests).toHaveLength(1)
  })

  it("refuses a pin that is no address", async () => {
    const pins = [{ scope: "@acme/*", upstream: "acme" }]
    await expect(openRegistries(contextWith(), { policyRegistries: pins })).rejects.toThrow("not an http(s) address")
  })
})
