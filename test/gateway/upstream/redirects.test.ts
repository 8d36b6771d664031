import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo, LookupFunction } from "node:net"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { createPublicLookup, isPrivateTarget, judgeTarget } from "../../../src/gateway/upstream/targets.ts"
import { emptyDirectory, routes, startServer } from "../../packages/registries/server.ts"
import { fromCache, noise, open, readAll, sri, textOf } from "./open.ts"

const BYTES = noise(20_000)
const integrity = [sri("sha256", BYTES)]

/** A name server that has one answer for every name. */
const namesTo =
  (...addresses: string[]): LookupFunction =>
  (_, options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    setImmediate(() => {
      if (options.all) callback(null, found)
      else callback(null, found[0]!.address, found[0]!.family)
    })
  }

/** A key and a certificate for a host, signed by itself; the test is skipped where openssl is missing. */
function certificateFor(test: TestContext, host: string): { key: string; cert: string } {
  const directory = emptyDirectory()
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")]
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
  const subject = ["-subj", "/CN=nanoguard test", "-addext", `subjectAltName=DNS:${host}`]
  try {
    execFileSync("openssl", ["req", "-x509", ...options, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" })
  } catch {
    test.skip("openssl is missing: install it with the system's package manager")
  }
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") }
}

/** A server whose /to?<address> redirects there. */
async function redirecting() {
  return startServer((request, response) => {
    const [path, target] = request.url!.split("?to=")
    if (path === "/to") response.writeHead(302, { location: decodeURIComponent(target!) }).end()
    else routes({ "/a.tgz": BYTES })(request, response)
  })
}

const to = (base: string, target: string) => `${base}/to?to=${encodeURIComponent(target)}`

describe("a redirect", () => {
  it("is followed on the same host, a few times, with what the request is authorised by there", async () => {
    const { base, requests } = await redirecting()
    const upstream = await open()
    const authorize = (url: URL) => (url.pathname === "/a.tgz" ? undefined : "Bearer token")
    const url = to(base, to(base, `${base}/a.tgz`))
    await readAll(await upstream.artifact({ url, integrity, authorize }))
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer token", "Bearer token", undefined])
    const loop = await upstream.artifact({ url: to(base, to(base, to(base, to(base, `${base}/a.tgz`)))), integrity })
    expect(loop).toMatchObject({ kind: "invalid", detail: "the registry redirects more than 3 times" })
  })

  it("is followed to a host that was named, and asks for the authorisation of that one", async () => {
    const files = await startServer(routes({ "/a.tgz": BYTES, "/meta": "metadata" }))
    const { base } = await redirecting()
    const upstream = await open()
    const authorize = (url: URL) => (url.origin === base ? "Bearer token" : undefined)
    const origins = new Set([files.base])
    await readAll(await upstream.artifact({ url: to(base, `${files.base}/a.tgz`), integrity, authorize, origins }))
    expect(textOf(await upstream.metadata({ url: to(base, `${files.base}/meta`), authorize, origins }))).toBe(
      "metadata",
    )
    expect(files.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  it("is not followed into this machine, a private network or a metadata service, or to another scheme", async () => {
    const inner = await startServer(routes({ "/a.tgz": BYTES }))
    const { base } = await redirecting()
    const upstream = await open({ lookup: namesTo("93.184.216.34") })
    for (const target of [
      `${inner.base}/a.tgz`,
      inner.base.replace("127.0.0.1", "localhost"),
      inner.base.replace("http:", "https:"),
      "http://169.254.169.254/latest/meta-data",
      "https://169.254.169.254/latest/meta-data",
      "https://10.0.0.1/a.tgz",
      "https://[::1]/a.tgz",
      "https://[::ffff:10.0.0.1]/a.tgz",
      "https://2130706433/a.tgz",
      "https://0x7f.1/a.tgz",
      "https://metadata.google.internal/",
      "https://printer.local/",
      "https://intranet/",
      "https://nas.home.arpa/",
      "https://host.localdomain/",
      "http://files.registry.example/a.tgz",
      "https://user:secret@files.registry.example/a.tgz",
      "ftp://files.registry.example/a.tgz",
      "file:///etc/passwd",
    ]) {
      const answer = await upstream.artifact({ url: to(base, target), integrity })
      expect(answer).toEqual({
        ok: false,
        kind: "invalid",
        detail: "the registry redirects to an address that is not to be asked",
      })
    }
    expect(inner.requests).toHaveLength(0)
  })

  it("is not followed from metadata to any host that nobody named", async () => {
    const { base } = await redirecting()
    const upstream = await open()
    const answer = await upstream.metadata({ url: to(base, "https://files.registry.example/a") })
    expect(answer).toMatchObject({ kind: "invalid" })
  })

  it("is nothing without an address", async () => {
    const { base } = await startServer((_, response) => void response.writeHead(301).end())
    const upstream = await open()
    expect(await upstream.artifact({ url: base, integrity })).toMatchObject({
      kind: "invalid",
      detail: "the registry answered 301 without a usable address",
    })
  })
})

describe("an address that an index names", () => {
  it("is dialled only where every address of its name is public", async () => {
    const { base, requests } = await startServer(routes({ "/a.tgz": BYTES }))
    const { port } = new URL(base)
    const url = `https://files.registry.example:${port}/a.tgz`
    for (const addresses of [
      ["127.0.0.1"],
      ["93.184.216.34", "10.0.0.1"],
      ["::ffff:127.0.0.1"],
      ["fd00::1"],
      ["169.254.169.254"],
    ]) {
      const upstream = await open({ lookup: namesTo(...addresses) })
      for (const request of [
        { url, base },
        { url: to("http://127.0.0.1:1", url), base: "http://127.0.0.1:1" },
      ].slice(0, 1))
        expect(await upstream.artifact({ ...request, integrity })).toEqual({
          ok: false,
          kind: "invalid",
          detail: "the registry leads to an address in a private network",
        })
    }
    // One that was configured is the person's own choice: here it fails for want of TLS, having been dialled.
    const upstream = await open({ lookup: namesTo("127.0.0.1") })
    const origins = new Set([new URL(url).origin])
    expect(await upstream.artifact({ url, base, integrity, origins })).toMatchObject({ kind: "unreachable" })
    expect(requests).toHaveLength(0)
  })

  it("does not bring out what the cache has of a host that was configured", async () => {
    const { base } = await startServer(routes({ "/a.tgz": BYTES }))
    const upstream = await open({ lookup: namesTo("127.0.0.1") })
    const url = `${base}/a.tgz`
    await readAll(await upstream.artifact({ url, integrity }))
    expect(await upstream.artifact({ url, integrity, base: "https://registry.example" })).toEqual({
      ok: false,
      kind: "invalid",
      detail: "the registry names an address that is not to be asked",
    })
    for (const odd of ["", "nowhere", "data:,a", "http://"])
      expect(await upstream.artifact({ url: odd, integrity })).toMatchObject({ ok: false, kind: "invalid" })
    expect(await upstream.artifact({ url, integrity, base: "nowhere" })).toMatchObject({ ok: false, kind: "invalid" })
  })

  it("does not bring out either what the cache has of one that was once named by the person", async (test) => {
    const pair = certificateFor(test, "files.registry.example")
    const server = createServer(pair, (_, response) => void response.end(BYTES))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const origin = `https://files.registry.example:${(server.address() as AddressInfo).port}`
    const upstream = await open({ lookup: namesTo("127.0.0.1"), ca: [pair.cert] })
    const request = { url: `${origin}/a.tgz`, base: "https://registry.example", integrity }
    await readAll(await upstream.artifact({ ...request, origins: new Set([origin]) }))
    expect((await fromCache(upstream, { ...request, origins: new Set([origin]) })).cached).toBe(true)
    expect(await upstream.artifact(request)).toMatchObject({
      kind: "invalid",
      detail: "the registry leads to an address in a private network",
    })
  })

  it("is judged like a redirect, and always by the configured address", () => {
    const base = "https://registry.example/npm"
    const none = new Set<string>()
    const judge = (url: string, isArtifact = true, more = {}) =>
      judgeTarget(new URL(url), { url, base, ...more }, isArtifact, none)
    expect(judge("https://registry.example/other")).toBe("configured")
    expect(judge("https://files.registry.example/a")).toBe("learnt")
    expect(judge("https://files.registry.example/a", false)).toBeUndefined()
    expect(
      judge("https://files.registry.example/a", false, { origins: new Set(["https://files.registry.example"]) }),
    ).toBe("configured")
    expect(judge("http://127.0.0.1:8080/a")).toBeUndefined()
    expect(judge("https://registry.example:8443/a")).toBe("learnt")
    // A registry on this machine may send to the public network, and not to another port of this machine.
    expect(judgeTarget(new URL("http://127.0.0.1:81/a"), { url: "http://127.0.0.1:80/" }, true, none)).toBeUndefined()
    expect(judgeTarget(new URL("http://127.0.0.1:81/a"), { url: "http://127.0.0.1:81/" }, true, none)).toBe(
      "configured",
    )
  })

  it("is anything that nobody configured, once it was said what was", async () => {
    const files = await startServer(routes({ "/a.tgz": BYTES, "/a": "metadata" }))
    const { base, requests } = await startServer(routes({ "/a.tgz": BYTES, "/a": "metadata" }))
    const upstream = await open({ lookup: namesTo("10.0.0.1") })
    upstream.trust([base])
    expect(textOf(await upstream.metadata({ url: `${base}/a` }))).toBe("metadata")
    await readAll(await upstream.artifact({ url: `${base}/a.tgz`, integrity }))
    // Whatever the request says of itself.
    for (const url of [files.base, "https://registry.example", "https://10.0.0.1"]) {
      expect(await upstream.metadata({ url: `${url}/a` })).toMatchObject({ ok: false, kind: "invalid" })
      expect(await upstream.http.get({ url: `${url}/a`, accept: "*/*" })).toMatchObject({ reason: "invalid" })
      expect(await upstream.artifact({ url: `${url}/a.tgz`, integrity })).toMatchObject({ ok: false, kind: "invalid" })
    }
    expect(files.requests).toHaveLength(0)
    expect(requests).toHaveLength(2)
    upstream.trust([files.base])
    expect(textOf(await upstream.metadata({ url: `${files.base}/a` }))).toBe("metadata")
  })

  it("is looked up once: what was vetted is what is dialled", async () => {
    let asked = 0
    const rebinding: LookupFunction = (hostname, options, callback) =>
      namesTo(++asked === 1 ? "93.184.216.34" : "127.0.0.1")(hostname, options, callback)
    const lookup = createPublicLookup(rebinding)
    const call = (all: boolean) =>
      new Promise((resolve) => lookup("files.registry.example", { all }, (...result: unknown[]) => resolve(result)))
    expect(await call(false)).toEqual([null, "93.184.216.34", 4])
    const [error] = (await call(true)) as [unknown]
    expect(isPrivateTarget(error)).toBe(true)
    expect(asked).toBe(2)
  })

  it("is taken where it is a mirror's that is configured, and never where it is this machine's", async () => {
    const answers: Record<string, string[]> = {
      "index.registry.example": ["203.0.113.80"],
      "files.registry.example": ["203.0.113.80"],
      "other.registry.example": ["203.0.113.81"],
      "local.registry.example": ["127.0.0.1"],
      "meta.registry.example": ["169.254.169.254"],
    }
    const resolve: LookupFunction = (name, _, callback) =>
      setImmediate(() =>
        callback(
          null,
          (answers[name] ?? []).map((address) => ({ address, family: 4 })),
        ),
      )
    const trusted = new Set([
      "https://index.registry.example",
      "https://local.registry.example",
      "https://meta.registry.example",
    ])
    const lookup = createPublicLookup(resolve, trusted)
    const call = (name: string) =>
      new Promise((done) => lookup(`${name}.registry.example`, { all: false }, (...result: unknown[]) => done(result)))
    expect(await call("files")).toEqual([null, "203.0.113.80", 4])
    for (const name of ["other", "local", "meta"]) {
      const [error] = (await call(name)) as [unknown]
      expect(isPrivateTarget(error), name).toBe(true)
    }
  })
})
