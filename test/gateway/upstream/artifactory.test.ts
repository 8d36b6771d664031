import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { resolveAddresses } from "../../../src/packages/registries/addresses.ts"
import type { Ecosystem } from "../../../src/policy/types.ts"
import { contextWith, startServer } from "../../packages/registries/server.ts"
import { ARCHIVE, createArtifactory, PATHS } from "./artifactory.ts"
import { fetchAll, open, sri, textOf } from "./open.ts"

const BEARER = "Bearer secret-token"
const BASIC = `Basic ${Buffer.from("ci:secret-token").toString("base64")}`
const POLICY = {
  policy: "block-critical-cve",
  condition: "CVE with CVSS score of 9 or above (with or without a fix version available)",
  explanation: "Package version contains the following vulnerability(s): CVE-2026-4800: 9.8, CVE-2026-4801: 9.1",
  recommendation: "Upgrade to the following version(s): CVE-2026-4800: 2.0.0, CVE-2026-4801: 2.0.1",
}

/** A person whose package managers are set up for an Artifactory, as its own instructions say. */
async function setUp(state?: string) {
  const artifactory = createArtifactory([BEARER, BASIC], state)
  const server = await startServer(artifactory.listener)
  const { host } = new URL(server.base)
  const ctx = contextWith({ GOPROXY: server.base + PATHS.golang.base })
  const files: Record<string, string> = {
    ".npmrc": `registry=${server.base}${PATHS.npm.base}/\n//${host}${PATHS.npm.base}/:_authToken=secret-token\n`,
    ".config/pip/pip.conf": `[global]\nindex-url = http://ci:secret-token@${host}${PATHS.pypi.base}\n`,
    ".netrc": `machine ${host.split(":")[0]} login ci password secret-token\n`,
    ".cargo/config.toml": `[source.crates-io]\nreplace-with = "art"\n[registries.art]\nindex = "sparse+${server.base}${PATHS.cargo.base}/"\n`,
    ".cargo/credentials.toml": '[registries.art]\ntoken = "Bearer secret-token"\n',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(ctx.home, name)), { recursive: true })
    writeFileSync(join(ctx.home, name), text)
  }
  const { endpoints } = await resolveAddresses(ctx, [])
  const upstream = await open()
  const request = (ecosystem: Ecosystem, path: string) => {
    const { baseOf, authorize } = endpoints.get(ecosystem)!
    const base = baseOf(PATHS[ecosystem].name)!
    return { base, url: base + path, authorize }
  }
  return { ...artifactory, ...server, upstream, request }
}

describe("a JFrog Artifactory upstream", () => {
  it.each(Object.keys(PATHS) as Ecosystem[])(
    "is a base address like any other, with the person's token: %s",
    async (ecosystem) => {
      const { upstream, request } = await setUp()
      const { base, listing, good, blocked, name, version } = PATHS[ecosystem]
      expect(textOf(await upstream.metadata(request(ecosystem, listing)))).toBe(`listing at ${base}${listing}`)
      const file = { ...request(ecosystem, good), integrity: ecosystem === "golang" ? [] : [sri("sha256", ARCHIVE)] }
      expect((await fetchAll(upstream, file)).equals(ARCHIVE)).toBe(true)
      const refused = await upstream.artifact({ ...request(ecosystem, blocked), integrity: [] })
      expect(refused).toEqual({
        ok: false,
        kind: "refused",
        status: 403,
        detail: "JFrog Curation blocks it",
        curation: {
          name,
          version,
          policies: [POLICY],
          cves: ["CVE-2026-4800", "CVE-2026-4801"],
          upgrades: ["2.0.0", "2.0.1"],
          waiver: true,
        },
      })
    },
  )

  it("refuses for want of a right as well, which is not Curation's", async () => {
    const { upstream, request } = await setUp()
    const { authorize: _, ...anonymous } = request("npm", PATHS.npm.good)
    expect(await upstream.artifact({ ...anonymous, integrity: [] })).toEqual({
      ok: false,
      kind: "refused",
      status: 401,
      detail: "the registry answered 401",
    })
  })

  it("never gives its token to another host that it sends to", async () => {
    const { upstream, request } = await setUp()
    // A netrc knows hosts and no ports: this is another host of it.
    const elsewhere = (base: string) => base.replace("127.0.0.1", "localhost")
    const storage = await startServer((_, response) => void response.end(ARCHIVE))
    const redirecting = await startServer((_, response) => {
      response.writeHead(302, { location: `${elsewhere(storage.base)}/bucket/a?signature=1` }).end()
    })
    for (const ecosystem of Object.keys(PATHS) as Ecosystem[]) {
      const { authorize, base } = request(ecosystem, "")
      const url = `${elsewhere(redirecting.base)}/${ecosystem}`
      const origins = new Set([elsewhere(storage.base), elsewhere(redirecting.base)])
      await fetchAll(upstream, { url, base, authorize, origins, integrity: [sri("sha256", ARCHIVE)] })
    }
    expect(redirecting.requests).toHaveLength(4)
    for (const { headers } of [...storage.requests, ...redirecting.requests])
      expect(headers.authorization).toBeUndefined()
  })

  it("is asked for a waiver with a reason, once", async () => {
    for (const state of ["pending", "approved", "forbidden", "error"]) {
      const { upstream, request, waivers } = await setUp(state)
      const blocked = request("npm", PATHS.npm.blocked)
      expect(await upstream.requestWaiver(blocked, "needed for the demo")).toEqual({ ok: true, id: "wv-1", state })
      expect(waivers).toEqual([{ path: PATHS.npm.base + PATHS.npm.blocked, reason: "needed for the demo" }])
      for (const reason of ["no", "x".repeat(301), "a\r\nx-evil: 1", "größer als 5"])
        expect(await upstream.requestWaiver(blocked, reason)).toMatchObject({ ok: false, kind: "invalid" })
      expect(await upstream.requestWaiver(request("npm", PATHS.npm.good), "needed for the demo")).toMatchObject({
        ok: false,
        kind: "invalid",
      })
      expect(waivers).toHaveLength(1)
    }
  })

  it("may break off after a request for a waiver, which is not made again", async () => {
    let asked = 0
    const { base } = await startServer((request) => {
      asked++
      request.socket.destroy()
    })
    const upstream = await open({ limits: { retries: 3 } })
    expect(await upstream.requestWaiver({ url: base }, "needed for the demo")).toMatchObject({ kind: "unreachable" })
    expect(asked).toBe(1)
  })
})
