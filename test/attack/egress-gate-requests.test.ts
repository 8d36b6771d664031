// Attacks by what is in a request, on the whole gate: fields that hide, placeholders on their way elsewhere, and what is said of it all.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { deflateRawSync, gzipSync } from "node:zlib"
import { describe, expect, test, vi } from "vitest"
import { createOrigins } from "../../src/gateway/egress/origins.ts"
import { allowing } from "../../src/policy/allowed.ts"
import { decide } from "../../src/policy/decide.ts"
import { formatAllow } from "../../src/policy/flow.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import type { NetworkAction } from "../../src/policy/types.ts"
import { openEgressGate } from "../gateway/egress/gate.ts"
import { VALUE } from "../vault/support.ts"
import { askInside, head, openInside } from "./egress-inside.ts"

type Gate = Awaited<ReturnType<typeof openEgressGate>>

const api =
  (more = "") =>
  (port: number) =>
    `network:\n  - { id: api, allow: api.example.com, ports: [${port}], addresses: [127.0.0.1]${more} }\n`

/** Sends bytes as the body of a POST, and resolves with the status. */
async function post(
  gate: Gate,
  body: string | Buffer,
  headers: readonly string[],
  path = "/v1/charges",
): Promise<string> {
  const { port } = gate.origin
  const bytes = Buffer.from(body as string)
  const start = head("POST", path, port, `Content-Length: ${bytes.length}`, "Connection: close", ...headers)
  const text = await askInside(gate, port, Buffer.concat([Buffer.from(start), bytes]), /\0/)
  return /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text
}

const JSON_TYPE = "Content-Type: application/json"
const large = JSON.stringify({ amount: 5000 })
const nested = `${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}`
const hidden: [string, string | Buffer, ...string[]][] = [
  ["as it is", large, JSON_TYPE],
  ["compressed", gzipSync(large), JSON_TYPE, "Content-Encoding: gzip"],
  ["compressed, and not said to be", gzipSync(large), JSON_TYPE],
  ["compressed twice", gzipSync(gzipSync(large)), JSON_TYPE, "Content-Encoding: gzip, gzip"],
  ["compressed in a way that is not known", deflateRawSync(large), JSON_TYPE, "Content-Encoding: compress"],
  [
    "compressed, with two headers that differ",
    gzipSync(large),
    JSON_TYPE,
    "Content-Encoding: identity",
    "Content-Encoding: gzip",
  ],
  [
    "a small one compressed, another behind it",
    Buffer.concat([gzipSync('{"amount":5}'), gzipSync(large)]),
    JSON_TYPE,
    "Content-Encoding: gzip",
  ],
  ["a bomb", gzipSync(Buffer.alloc(8 * 1024 * 1024)), JSON_TYPE, "Content-Encoding: gzip"],
  ["a name twice", '{"amount":5,"amount":5000}', JSON_TYPE],
  ["a name twice, once escaped", '{"amount":5,"\\u0061mount":5000}', JSON_TYPE],
  ["a document behind a document", `{"amount":5}${large}`, JSON_TYPE],
  ["NUL behind a document", `{"amount":5}\0${large}`, JSON_TYPE],
  ["as a text", '{"amount":"5000"}', JSON_TYPE],
  ["as an exponent", '{"amount":5e3}', JSON_TYPE],
  ["as a number that no double holds", '{"amount":1e999}', JSON_TYPE],
  ["within a list", '{"amount":[5,5000]}', JSON_TYPE],
  ["with a comment", '{"amount":5/*,"amount":5000*/}', JSON_TYPE],
  ["in UTF-16", Buffer.from(large, "utf16le"), "Content-Type: application/json; charset=utf-16"],
  ["in UTF-16, and not said to be", Buffer.from(`\ufeff${large}`, "utf16le"), JSON_TYPE],
  ["nested too deep", nested, JSON_TYPE],
  ["behind more than is read", `{"pad":"${"x".repeat(1_100_000)}","amount":5000}`, JSON_TYPE],
  ["as another type", large, "Content-Type: text/plain"],
  ["as no type", large],
  ["as two types", large, "Content-Type: text/plain", JSON_TYPE],
  ["as two types in one", large, "Content-Type: text/plain, application/json"],
  ["as a form", "amount=5000", "Content-Type: application/x-www-form-urlencoded"],
]

describe("S1, T8: a field that a rule looks at", () => {
  test("T8: is not hidden by coding, framing, type, size or spelling: neither from what permits by it, nor from what forbids", async (t) => {
    const permits = await openEgressGate(t, { policy: api(', where: {"json:/amount": {max: 100}}') })
    expect(await post(permits, '{"amount":5}', [JSON_TYPE])).toBe("200")
    const forbids = await openEgressGate(t, {
      policy: (port) =>
        `${api()(port)}  - { id: much, deny: api.example.com, ports: [${port}], where: {"json:/amount": {min: 1000}} }\n`,
    })
    expect(await post(forbids, '{"amount":5}', [JSON_TYPE])).toBe("200")
    for (const [how, body, ...headers] of hidden) {
      expect([how, await post(permits, body, headers)]).toEqual([how, "403"])
      // A text is no number that a rule could compare; whatever else it is, it is not let through unseen.
      if (how !== "as a text") expect([how, await post(forbids, body, headers)]).toEqual([how, "403"])
    }
    expect(permits.seen).toHaveLength(1)
    expect(forbids.seen).toHaveLength(1)
    const refused = (await permits.records()).filter(({ outcome }) => outcome === "refused")
    expect(refused.length).toBeGreaterThan(hidden.length / 2)
  }, 30_000)

  test("T6: a query or a header that came twice is every value that some server would take", async (t) => {
    const gate = await openEgressGate(t, {
      policy: (port) =>
        `${api()(port)}  - { id: admin, deny: api.example.com, ports: [${port}], where: {"header.x-role": {equals: admin}} }\n  - { id: live, deny: api.example.com, ports: [${port}], where: {"query.mode": {equals: live}} }\n`,
    })
    const requests = [
      ["-H", "x-role: admin", "-H", "X-Role: user", "/"],
      ["-H", "x-role: user", "-H", "X-Role: admin", "/"],
      ["-H", "x-role: user, admin", "/"],
      ["/?mode=test&mode=live"],
      ["/?mode=live&mode=test"],
      ["/?mode=test&%6dode=live"],
    ]
    for (const [path, ...headers] of requests.map((one) => one.toReversed())) {
      const ran = await gate.curl(...headers.toReversed(), gate.base + path!)
      expect([headers, path, ran.stdout]).toEqual([headers, path, expect.stringMatching(/403$/)])
    }
    expect(gate.seen).toEqual([])
  })
})

describe("S1: a placeholder on its way to where it does not belong", () => {
  test("S1: is found in every place of a request, and nothing of it goes out", async (t) => {
    const gate = await openEgressGate(t, { policy: api() })
    await gate.set({ reach: { hosts: ["other.example.com"] } })
    await gate.vault.reload()
    const { port } = gate.origin
    const mark = gate.vault.placeholder("example", "run-1")
    const basic = Buffer.from(`x:${mark}`).toString("base64")
    const escaped = [...mark].map((char) => `\\u00${char.charCodeAt(0).toString(16)}`).join("")
    const multipart = `--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n${mark}\r\n--b--\r\n`
    const requests: [string, string | Buffer, ...string[]][] = [
      [`/x/${mark}`, ""],
      [`/x?a=1&b=${mark}`, ""],
      ["/x", "", `Authorization: Basic ${basic}`],
      ["/x", "", `Cookie: a=1; b=${mark}`],
      ["/x", "", `${mark}: 1`],
      ["/x", mark],
      ["/x", basic],
      ["/x", `{"a":"${escaped}"}`, JSON_TYPE],
      ["/x", gzipSync(mark), "Content-Encoding: gzip"],
      ["/x", multipart, "Content-Type: multipart/form-data; boundary=b"],
      ["/x", `${"x".repeat(2_000_000)}${mark}`],
    ]
    for (const [path, body, ...headers] of requests) {
      const status = await post(gate, body, headers, path)
      expect([path, headers, String(body).slice(0, 40), status]).toEqual([
        path,
        headers,
        String(body).slice(0, 40),
        expect.stringMatching(/^(?:403|502|)$/),
      ])
    }
    // In chunks, cut where it hurts.
    const inside = await openInside(gate, port)
    inside.socket.write(head("POST", "/x", port, "Transfer-Encoding: chunked", "Connection: close"))
    for (const char of mark) inside.socket.write(`1\r\n${char}\r\n`)
    inside.socket.write("0\r\n\r\n")
    expect(await inside.until(/\0/)).toMatch(/^HTTP\/1\.1 502 .*: credential\.unbound-placeholder/)
    // In a trailer, which goes nowhere.
    const trailing = await openInside(gate, port)
    trailing.socket.write(
      `${head("POST", "/trailer", port, "Transfer-Encoding: chunked", "Trailer: x-key")}0\r\nx-key: ${mark}\r\n\r\n`,
    )
    await trailing.until(/ok/)
    const opening = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    expect(await askInside(gate, port, head("GET", `/?k=${mark}`, port, ...opening))).toMatch(/ 403 /)
    expect(JSON.stringify(gate.seen)).not.toContain(mark)
    expect(gate.seen.every(({ url }) => url === "/trailer")).toBe(true)
    const records = await gate.records()
    expect(records.filter(({ type }) => type === "credential.exfiltration").length).toBeGreaterThanOrEqual(
      requests.length,
    )
    expect(JSON.stringify(records)).not.toContain(VALUE)
  }, 30_000)

  test("S1: behind what is read, to where placeholders may stand: a canary and another run's are none of these", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", placeholders: inert") })
    await gate.set({ reach: { hosts: ["other.example.com"] } })
    await gate.set({ name: "bait", canary: true }, "")
    await gate.vault.reload()
    const far = (name: string, run: string) => `${"x".repeat(1_500_000)} ${gate.vault.placeholder(name, run)} `
    expect(await post(gate, far("bait", "run-1"), [])).toBe("502")
    expect(await post(gate, far("example", "run-2"), [])).toBe("502")
    expect(gate.seen).toEqual([])
    expect(await post(gate, far("example", "run-1"), [])).toBe("200")
    const types = (await gate.records()).map(({ type }) => type).filter((type) => type.startsWith("credential."))
    expect(types).toEqual(["credential.canary", "credential.exfiltration"])
    await gate.reload(api(", placeholders: redact")(gate.origin.port))
    expect(await post(gate, far("example", "run-1"), [])).toBe("502")
    expect(gate.seen).toHaveLength(1)
  })

  test("S1: over plain HTTP no key goes out, also where it would belong", async (t) => {
    const gate = await openEgressGate(t, {
      policy: (port) =>
        `network:\n  - { id: api, allow: api.example.com, ports: [${port}, 80], addresses: [127.0.0.1], credential: example }\n`,
    })
    await gate.set()
    await gate.vault.reload()
    const mark = gate.vault.placeholder("example", "run-1")
    const ran = await gate.curl("-H", `authorization: Bearer ${mark}`, `http://api.example.com:${gate.origin.port}/`)
    expect(ran.stdout).toContain("credential.unbound-placeholder")
    expect((await gate.records()).at(-1)).toMatchObject({ type: "credential.exfiltration" })
  })

  test("S3, S4: a key that does not go, and why, is in no answer and no record; other methods, paths and agents do not get it", async (t) => {
    const gate = await openEgressGate(t, { policy: api() })
    const reach = { hosts: ["api.example.com"], methods: ["GET"], paths: ["/mine/**"] }
    await gate.set({ reach })
    await gate.set({ name: "theirs", reach: { hosts: ["api.example.com"], agents: ["other"] } }, `${VALUE}-theirs`)
    await gate.vault.reload()
    const [mark, theirs] = ["example", "theirs"].map((name) => gate.vault.placeholder(name, "run-1"))
    const tried = [
      ["-X", "POST", "-H", `authorization: Bearer ${mark}`, `${gate.base}/mine/gists`],
      ["-H", `authorization: Bearer ${mark}`, `${gate.base}/gists`],
      ["-H", `authorization: Bearer ${mark}`, "--path-as-is", `${gate.base}/mine/..;/gists`],
      ["-H", `authorization: Bearer ${mark}`, `${gate.base}/mine//gists`],
      ["-H", `authorization: Bearer ${theirs}`, `${gate.base}/mine/x`],
    ]
    for (const args of tried) {
      const ran = await gate.curl(...args)
      expect([args.at(-1), ran.stdout]).toEqual([args.at(-1), expect.stringMatching(/40[03]$/)])
      expect(ran.stdout).not.toContain(VALUE)
    }
    expect(gate.seen).toEqual([])
    expect(JSON.stringify([await gate.records(), gate.troubles.map(String)])).not.toContain(VALUE)
  })
})

describe("T9, N2: origins, and ways past the gate", () => {
  test("T9: an origin that is not believed gets no byte of a request", async (t) => {
    const origins = createOrigins({})
    t.onTestFinished(() => origins.close())
    const gate = await openEgressGate(t, { policy: api(", credential: example"), deps: { origins } })
    await gate.set()
    await gate.vault.reload()
    const ran = await gate.curl(`${gate.base}/`)
    expect(ran.stdout).toMatch(/untrusted(?:.|\n)*502$/)
    expect(gate.seen).toEqual([])
    await vi.waitFor(async () =>
      expect((await gate.records()).at(-1)).toMatchObject({ type: "network.failed", detail: { failed: "untrusted" } }),
    )
  })

  test("N2: an origin does not lead a client to QUIC, nor to a host beside the gate", async (t) => {
    const hints = { "alt-svc": 'h3=":443"; ma=86400', "alternate-protocol": "443:quic", "proxy-authenticate": "Basic" }
    const gate = await openEgressGate(t, {
      policy: api(),
      origin: (_, response) =>
        void response.writeHead(200, { ...hints, connection: "keep-alive, x-own", "x-own": "1" }).end("ok"),
    })
    const text = await askInside(gate, gate.origin.port, head("GET", "/", gate.origin.port), /ok/)
    expect(text).toMatch(/ 200 /)
    for (const name of [...Object.keys(hints), "x-own"]) expect(text.toLowerCase()).not.toContain(name)
  })

  test("T8: who waits for leave to send a body that is refused does not get it", async (t) => {
    const gate = await openEgressGate(t, { policy: api(", methods: [GET]") })
    const { port } = gate.origin
    const start = head("POST", "/", port, "Expect: 100-continue", "Content-Length: 1000000")
    const text = await askInside(gate, port, start, /\r\n\r\n/)
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
  })
})

describe("H4: what an agent writes into an address", () => {
  const PATHS = [
    '/a"],methods:[DELETE],paths:["/**',
    "/**",
    "/*/x",
    "/a`id`$(id)",
    "/%1b[2J",
    "/a%e2%80%aeb",
    "/a|b&c>d'",
  ]

  test("H4: is one plain line of bounded length in answers, records and lists", async (t) => {
    const gate = await openEgressGate(t, { policy: () => "network: []\n" })
    const { port } = gate.origin
    const long = `/${"a".repeat(15_000)}`
    for (const path of [...PATHS, long]) {
      const ran = await gate.curl("--globoff", "--path-as-is", `http://api.example.com:${port}${path}`)
      expect([path.slice(0, 99), ran.stdout]).toEqual([path.slice(0, 99), expect.stringMatching(/40[03]$/)])
      expect(ran.stdout.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/)
    }
    const subjects = (await gate.records()).map(({ subject }) => subject)
    expect(subjects.length).toBeGreaterThan(PATHS.length)
    for (const subject of subjects) expect(subject).toMatch(/^[\x20-\x7e]{1,2000}$/)
  })

  test("H4: becomes no more than itself where it is proposed as a rule", async () => {
    const asked = (path: string): NetworkAction => ({
      ...{ kind: "network", method: "GET", scheme: "https", host: "api.example.com", port: 443, path },
    })
    for (const path of PATHS) {
      const wanted = allowing(asked(path))
      if (wanted === undefined) continue
      const line = formatAllow({ id: "it", ...wanted })
      const policy = await loadPolicyTexts([{ file: "nanoguard.yaml", text: `version: 1\nnetwork:\n  ${line}\n` }])
      expect(policy.listRules).toHaveLength(1)
      for (const other of ["/other/path/below", "/a/b/c"])
        expect([line, other, decide(policy, asked(other), { now: 0, counters: {} }).effect]).toEqual([
          line,
          other,
          "deny",
        ])
    }
  })
})

test("S6: the key of a run's authority is nowhere on the disk", async (t) => {
  const gate = await openEgressGate(t, { policy: api() })
  expect((await gate.curl(`${gate.base}/`)).stdout).toBe("ok\n200")
  const home = gate.ctx.env["HOME"]!
  const files = readdirSync(home, { recursive: true, encoding: "utf8" }).map((name) => join(home, name))
  const texts = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file, "latin1"))
  expect(texts.length).toBeGreaterThan(0)
  // The log's own key is an Ed25519 one; an authority's is of P-256 (PKCS #8, or SEC 1).
  expect(texts.filter((text) => /MIGHAgEA|EC PRIVATE KEY|BEGIN CERTIFICATE/.test(text))).toEqual([])
})
