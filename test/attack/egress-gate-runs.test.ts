// Attacks on the gate as it is opened: tokens, its own addresses, the registries behind it, and clients that never end.
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { listApprovals } from "../../src/approvals/list.ts"
import type { OpenedRun } from "../../src/gateway/control.ts"
import { askGate } from "../../src/gateway/control-client.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { registryRequest } from "../../src/gateway/egress/registry.ts"
import { defaultBase } from "../../src/packages/registries/defaults.ts"
import { run } from "../gateway/egress/clients.ts"
import { HOST, startOrigin } from "../gateway/egress/proxy.ts"
import { type GateOptions, openTestGate, startNpmUpstream, type TestGate } from "../gateway/gate.ts"
import { connectAs, head, openInside, type Reached } from "./egress-inside.ts"

const api = (port: number, more = "") =>
  `version: 1\nnetwork:\n  - { id: api, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1]${more} }\n`

async function open(policy: (port: number) => string = api, more: Partial<GateOptions> = {}) {
  const seen: string[] = []
  const origin = await startOrigin((request, response) => {
    seen.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`)
    request.resume()
    response.end("ok")
  })
  const source = { text: policy(origin.port) }
  const { egress, ...rest } = more
  const gate = await openTestGate({
    policy: source,
    egress: { resolve: async () => ["127.0.0.1"], ca: [origin.ca.certificate], ...egress },
    ...rest,
  })
  return { gate, origin, seen, source, port: Number(new URL(gate.origin).port) }
}

const openRun = async (gate: TestGate, agent = "claude-1", more: object = {}): Promise<OpenedRun> =>
  (await askGate<OpenedRun>(gate.ctx, "POST", "/v1/runs", {
    ...{ agent, operator: "ana", boxed: false, lasts: 60_000, ...more },
  }))!

const reach = (port: number, opened: OpenedRun): Reached => ({ port, certificate: opened.egress!.certificate })

const network = async (gate: TestGate) => (await gate.records()).filter(({ type }) => type.startsWith("network."))

describe("N7, N8: the gate asked to reach itself", () => {
  test("N7: by a rule that would let it, through a tunnel, in plain HTTP, under a name and as an address", async () => {
    const { gate, source, port } = await open()
    source.text = `version: 1\nnetwork:\n  - { id: self, allow: "**", ports: [${port}], addresses: [127.0.0.1] }\n`
    await gate.reload()
    const opened = await openRun(gate)
    const proxy = `http://x:${opened.token}@127.0.0.1:${port}`
    for (const url of [`http://self.example:${port}/npm/left-pad`, `http://127.0.0.1:${port}/-/metrics`]) {
      const ran = await run("curl", ["-sS", "-x", proxy, "--noproxy", "", "-w", "\n%{http_code}", url])
      expect([url, ran.stdout]).toEqual([url, expect.stringMatching(/50\d$|403$/)])
      expect(ran.stdout).not.toContain("nanoguard_")
    }
    const inside = await openInside(reach(port, opened), port, { host: "self.example", token: opened.token })
    inside.socket.write(`GET /-/metrics HTTP/1.1\r\nHost: self.example:${port}\r\n\r\n`)
    expect(await inside.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 502 /)
    await vi.waitFor(async () => expect((await network(gate)).at(-1)).toMatchObject({ detail: { failed: "loop" } }))
  })

  test("N7: its control socket is no place that an address names, and its decisions no route of the proxy", async () => {
    const { gate, port } = await open()
    const proxy = [
      "-sS",
      "-x",
      `http://x:${(await openRun(gate)).token}@127.0.0.1:${port}`,
      "--noproxy",
      "",
      "-w",
      "\n%{http_code}",
    ]
    const targets = ["http://localhost/v1/approvals", "http://unix/v1/stop", "http://[::1]/v1/runs"]
    for (const url of targets) {
      const ran = await run("curl", [...proxy, "-X", "POST", "-d", "{}", url])
      expect([url, ran.stdout]).toEqual([url, expect.stringMatching(/403$/)])
    }
    for (const path of [
      "/v1/runs",
      "/v1/approvals",
      "/v1/stop",
      "/v1/vault/unlock",
      encodeURI(controlPath(gate.ctx)),
    ]) {
      const answered = await fetch(`${gate.origin}${path}`, { method: "POST", body: "{}" })
      expect([path, answered.status]).toEqual([path, expect.toBeOneOf([400, 404])])
    }
    expect((await network(gate)).map(({ outcome }) => outcome)).toEqual(["refused", "refused", "refused"])
    expect(await gate.status()).toMatchObject({ schema: "nanoguard.gateway-status/1" })
  })
})

describe("H6: who somebody is", () => {
  test("H6: goes by the token alone: names in headers, of the user, or in the request say nothing", async () => {
    const { gate, origin, seen, port } = await open(api, { requireToken: true })
    const opened = await openRun(gate, "claude-1")
    const inside = await openInside(reach(port, opened), origin.port, { token: opened.token })
    const names = [
      "X-Nanoguard-Agent: root",
      "X-Nanoguard-Run: other",
      "Proxy-Authorization: Basic cm9vdDpyb290",
      "From: olga",
    ]
    inside.socket.write(head("GET", "/?agent=root&run=other", origin.port, ...names))
    await inside.until(/ok/)
    expect(await network(gate)).toMatchObject([{ agent: "claude-1", run: opened.run }])
    expect(seen[0]).not.toContain("proxy-authorization")
    for (const token of ["", "nobody", opened.run, opened.visit, `${opened.token}x`, opened.token.slice(1)]) {
      const stranger = await connectAs({ port }, `${HOST}:${origin.port}`, token)
      expect([token, stranger.text().slice(0, 13)]).toEqual([token, "HTTP/1.1 407 "])
    }
    const twice = await connectAs(
      { port },
      `${HOST}:${origin.port} HTTP/1.1\r\nProxy-Authorization: Basic ${Buffer.from(`x:${opened.token}`).toString("base64")}\r\nX: x`,
      opened.token,
    )
    expect(twice.text()).not.toContain(" 200 ")
    expect(seen).toHaveLength(1)
  })

  test("H6: a token of another run is that run's, ends with it, and takes tunnels and questions along", async () => {
    const asks = (port: number) =>
      `version: 1\nnetwork:\n  - { id: api, ask: ${HOST}, ports: [${port}], addresses: [127.0.0.1] }\n`
    const { gate, origin, seen, port } = await open(asks, { requireToken: true })
    const victim = await openRun(gate, "victim")
    const thief = await openRun(gate, "thief")
    // What one run trusts is nothing to another: it cannot stand between that and its hosts.
    await expect(openInside(reach(port, thief), origin.port, { token: victim.token })).rejects.toThrow()
    const stolen = await openInside(reach(port, victim), origin.port, { token: victim.token })
    stolen.socket.write(head("GET", "/stolen", origin.port))
    const pending = await vi.waitFor(async () => {
      const [one] = await listApprovals(gate.store.db, gate.ctx.now())
      expect(one?.state).toBe("pending")
      return one!
    })
    expect(pending.binding).toMatchObject({ agent: "victim", run: victim.run })
    await askGate(gate.ctx, "DELETE", `/v1/runs/${victim.visit}`)
    await stolen.until(/\0/)
    expect(stolen.socket.destroyed).toBe(true)
    const after = await connectAs({ port }, `${HOST}:${origin.port}`, victim.token)
    expect(after.text()).toMatch(/^HTTP\/1\.1 407 /)
    await vi.waitFor(async () => {
      const [one] = await listApprovals(gate.store.db, gate.ctx.now())
      expect(one?.state).not.toBe("pending")
    })
    expect(seen).toEqual([])
  })
})

describe("P2: a registry behind the proxy", () => {
  const policy = (base: string) => `version: 1
packages:
  rules: [{ id: no-evil, deny: "pkg:npm/evil", reason: compromised }]
  unknown: allow
network:
  - { id: read, allow: "**", methods: [GET, HEAD], ports: [80, 443, ${new URL(base).port}], addresses: [127.0.0.1] }
`

  test("P2: a refused version stays refused, whatever host, port, path or method asks for it", async () => {
    const upstream = await startNpmUpstream()
    upstream.publish("evil", { "1.0.0": {} })
    upstream.publish("good", { "1.0.0": {} })
    const { gate, port } = await open(() => policy(upstream.base), { env: { npm_config_registry: upstream.base } })
    const { token } = await openRun(gate)
    const proxy = [
      "-sS",
      "--path-as-is",
      "-x",
      `http://x:${token}@127.0.0.1:${port}`,
      "--noproxy",
      "",
      "-w",
      "\n%{http_code}",
    ]
    const standard = new URL((await defaultBase("npm"))!).host
    const file = "evil/-/evil-1.0.0.tgz"
    const tricks = [
      ...[
        `/${file}`,
        `//${file}`,
        "/%65vil/-/evil-1.0.0.tgz",
        "/evil%2f-%2fevil-1.0.0.tgz",
        `/./${file}`,
        `/${file}?x`,
      ],
      ...[
        `/${file};x`,
        "/evil/-/evil-1.0.0.TGZ",
        "/simple/../evil/-/evil-1.0.0.tgz",
        "/evil/%2e%2e/evil/-/evil-1.0.0.tgz",
      ],
    ]
    const bases = [upstream.base, `http://${standard}`, `http://${standard.toUpperCase()}.`, `http://${standard}:443`]
    for (const path of tricks) {
      for (const base of bases) {
        const ran = await run("curl", [...proxy, base + path])
        expect([base + path, ran.stdout]).toEqual([base + path, expect.not.stringContaining("archive of")])
        expect([base + path, ran.stdout]).toEqual([base + path, expect.not.stringMatching(/200$/)])
      }
    }
    for (const method of ["HEAD", "PUT", "POST", "DELETE", "PATCH"]) {
      const body = method === "HEAD" ? ["-I"] : ["-X", method, "-d", "{}"]
      const ran = await run("curl", [...proxy, ...body, `${upstream.base}/${file}`])
      expect([method, ran.stdout]).toEqual([method, expect.stringMatching(/40\d$/)])
    }
    expect(upstream.requests.filter((path) => /tgz/i.test(path))).toEqual([])
    const fine = await run("curl", [...proxy, `${upstream.base}/good/-/good-1.0.0.tgz`])
    expect(fine.stdout).toContain("archive of good")
  }, 30_000)
})

test("P2: a registry below a path is one in every spelling that some server reads as that path", () => {
  const places = [{ ecosystem: "npm", origin: "https://art.example.com", path: "/repo/npm" }] as const
  const target = { scheme: "https", host: "art.example.com", port: 443 } as const
  const asked = (url: string) => registryRequest(places, target, "GET", url)
  expect(asked("/repo/npm/@acme%2fevil")).toMatchObject({ ecosystem: "npm", path: "/@acme%2fevil" })
  for (const prefix of [
    "/repo/npm",
    "//repo/npm",
    "/repo//npm",
    "/Repo/NPM",
    "/repo%2Fnpm",
    "/repo;x=1/npm",
    "/repo%3Bx/npm",
  ])
    expect([prefix, asked(`${prefix}/evil/-/evil-1.0.0.tgz?x`)]).toMatchObject([
      prefix,
      { path: "/evil/-/evil-1.0.0.tgz" },
    ])
  expect(asked("/repo/npm2/evil")).toBeUndefined()
  expect(asked("/other/evil")).toBeUndefined()
})

describe("T8: clients that never end", () => {
  test("T8: tunnels in which nothing is said are bounded for each run, and end", async () => {
    const { gate, origin, port } = await open(api, { egress: { limits: { perRun: 20, headers: 1_500 } } })
    const [one, other] = [await openRun(gate, "one"), await openRun(gate, "other")]
    const many = await Promise.all(
      Array.from({ length: 60 }, () => connectAs({ port }, `${HOST}:${origin.port}`, one.token)),
    )
    const counts = (pattern: RegExp) => many.filter((wire) => pattern.test(wire.text())).length
    expect([counts(/^HTTP\/1\.1 200 /), counts(/^HTTP\/1\.1 503 /)]).toEqual([20, 40])
    const inside = await openInside(reach(port, other), origin.port, { token: other.token })
    inside.socket.write(head("GET", "/", origin.port))
    expect(await inside.until(/ok/)).toContain(" 200 ")
    await vi.waitFor(() => expect(many.every(({ socket }) => socket.destroyed)).toBe(true), 8_000)
    const again = await connectAs({ port }, `${HOST}:${origin.port}`, one.token)
    expect(again.text()).toMatch(/^HTTP\/1\.1 200 /)
  }, 15_000)

  test("T8: a head without end, and a body without end to where nothing may go, are cut off", async () => {
    const { gate, origin, seen, port } = await open((at) => api(at, ", methods: [GET]"))
    const opened = await openRun(gate)
    const chunk = Buffer.alloc(65_536, "a")
    for (const start of [
      `GET / HTTP/1.1\r\nX-Long: `,
      head("POST", "/", origin.port, "Content-Length: 100000000000"),
      `${head("POST", "/", origin.port, "Transfer-Encoding: chunked")}ffffffff\r\n`,
    ]) {
      const inside = await openInside(reach(port, opened), origin.port, { token: opened.token })
      onTestFinished(() => void inside.socket.destroy())
      inside.socket.write(start)
      const closed = new Promise((resolve) => inside.socket.once("close", resolve))
      let sent = 0
      while (!inside.socket.destroyed && sent < 4_096) {
        sent++
        if (inside.socket.write(chunk)) continue
        await Promise.race([closed, new Promise((resolve) => inside.socket.once("drain", resolve))])
      }
      // 256 MiB are never taken.
      expect([start.slice(0, 10), sent < 4_096]).toEqual([start.slice(0, 10), true])
      expect(inside.text()).toMatch(/^(?:HTTP\/1\.1 (?:403|431) |$)/)
    }
    expect(seen).toEqual([])
    expect((await network(gate)).filter(({ outcome }) => outcome === "refused").length).toBeGreaterThan(0)
  }, 30_000)

  test("T8: who asks over and over for what does not exist fills no record", async () => {
    const { gate, origin, port } = await open((at) => api(at), {
      egress: { resolve: async () => Promise.reject(new Error("ENOTFOUND")) },
    })
    const opened = await openRun(gate)
    const wires = await Promise.all(
      Array.from({ length: 8 }, () => openInside(reach(port, opened), origin.port, { token: opened.token })),
    )
    await Promise.all(
      wires.map(async (inside, index) => {
        for (let at = 0; at < 120; at++) inside.socket.write(head("GET", `/${index}-${at}`, origin.port))
        inside.socket.write(head("GET", "/last", origin.port, "Connection: close"))
        await inside.until(/\0/)
      }),
    )
    const records = await network(gate)
    expect(records.filter(({ type }) => type === "network.failed")).toHaveLength(600)
    expect(records.at(-1)).toMatchObject({ type: "network.flooded", detail: { kind: "failed" } })
  }, 30_000)
})
