import { X509Certificate } from "node:crypto"
import { createServer, type Server } from "node:http"
import { createServer as createTcpServer } from "node:net"
import { checkServerIdentity, connect, TLSSocket } from "node:tls"
import { describe, expect, test } from "vitest"
import { openCa, type RunCa } from "../../../src/gateway/egress/ca.ts"
import { createCas } from "../../../src/gateway/egress/cas.ts"
import { certificateFile, run } from "./clients.ts"
import { listen } from "./proxy.ts"

const HOUR = 3_600_000

/** The leaf that a server shows for `host`, as OpenSSL parsed it. */
async function leafOf(ca: RunCa, host: string): Promise<X509Certificate> {
  const port = await serve(ca, host)
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false })
  await new Promise((resolve) => socket.once("secureConnect", resolve))
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return new X509Certificate(raw)
}

/** A server that shows the leaf for `host`, whatever name it is asked for, or none. */
function serve(ca: RunCa, host: string): Promise<number> {
  const inner = createServer((_, response) => void response.end("believed"))
  const server = createTcpServer((socket) => {
    const secureContext = ca.contextFor(host)
    const secured = new TLSSocket(socket, { isServer: true, secureContext })
    secured.on("error", () => {})
    inner.emit("connection", secured)
  })
  return listen(server as Server)
}

describe("the authority of a run", () => {
  test("signs leaves that OpenSSL verifies strictly, for names and for addresses", async () => {
    const ca = await openCa("run-1")
    const root = new X509Certificate(ca.certificate)
    expect(root.ca).toBe(true)
    expect(root.verify(root.publicKey)).toBe(true)
    for (const host of ["api.example.com", "127.0.0.1", "::1", `${"a".repeat(63)}.${"b".repeat(63)}.example`]) {
      const leaf = await leafOf(ca, host)
      expect(leaf.ca).toBe(false)
      expect(leaf.checkIssued(root)).toBe(true)
      expect(leaf.verify(root.publicKey)).toBe(true)
      expect(checkServerIdentity(host, { subjectaltname: leaf.subjectAltName } as never)).toBeUndefined()
      expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBeLessThanOrEqual(24.1 * HOUR)
      const [certificate, file] = [certificateFile(leaf.toString()), certificateFile(ca.certificate)]
      const verified = await run("openssl", [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        file,
        certificate,
      ])
      expect(verified.stdout).toMatch(/: OK/)
    }
  })

  test("keeps a leaf until it is nearly over, and none longer than itself", async () => {
    let now = Date.now()
    const ca = await openCa("run-1", 30 * HOUR, () => now)
    const first = ca.contextFor("a.example")
    expect(ca.contextFor("a.example")).toBe(first)
    expect(ca.contextFor("b.example")).not.toBe(first)
    now += 23.5 * HOUR
    expect(ca.contextFor("a.example")).not.toBe(first)
    const leaf = await leafOf(ca, "c.example")
    expect(leaf.validToDate.getTime()).toBeLessThanOrEqual(ca.expires)
  })

  test("is another for each run, and the same for all who ask at once", async () => {
    const cas = createCas()
    const [a, same, b] = await Promise.all([cas.of("run-a"), cas.of("run-a"), cas.of("run-b")])
    expect(same).toBe(a)
    expect(b.certificate).not.toBe(a.certificate)
    expect(new X509Certificate(b.certificate).checkIssued(new X509Certificate(a.certificate))).toBe(false)
    expect(await cas.of("run-a", 6 * 24 * HOUR)).toBe(a)
    const [renewed, shared] = await Promise.all([cas.of("run-a", 8 * 24 * HOUR), cas.of("run-a")])
    expect(renewed).not.toBe(a)
    expect([a, renewed]).toContain(shared)
    expect(await cas.of("run-a")).toBe(renewed)
    cas.drop("run-a")
    expect((await cas.of("run-a")).certificate).not.toBe(a.certificate)
  })

  test("lasts seven days at most", async () => {
    const ca = await openCa("run-1", 1_000 * 24 * HOUR)
    const root = new X509Certificate(ca.certificate)
    expect(root.validToDate.getTime() - Date.now()).toBeLessThanOrEqual(7 * 24 * HOUR)
  })
})

describe("real clients believe it:", () => {
  const clients: [string, string[], (port: number, file: string) => readonly [string, string[]]][] = [
    ["curl", ["curl"], (port, file) => ["curl", ["-sS", "--cacert", file, `https://127.0.0.1:${port}/`]]],
    [
      "Python, strictly",
      ["python3"],
      (port, file) => [
        "python3",
        [
          "-c",
          `import ssl,urllib.request
c=ssl.create_default_context(cafile=${JSON.stringify(file)}); c.verify_flags|=ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen("https://127.0.0.1:${port}/",context=c).read().decode())`,
        ],
      ],
    ],
    [
      "Node",
      ["node"],
      (port, file) => [
        process.execPath,
        [
          "-e",
          `require("https").get({port:${port},host:"127.0.0.1",ca:require("fs").readFileSync(${JSON.stringify(file)})},r=>r.pipe(process.stdout))`,
        ],
      ],
    ],
  ]
  test.each(clients)("%s", async (name, [program = ""], command) => {
    const ca = await openCa("run-1")
    const port = await serve(ca, "127.0.0.1")
    const [file, args] = command(port, certificateFile(ca.certificate))
    const ran = await run(file, args)
    if (ran.code === -1 && program !== "node") throw new Error(`${name} is missing`)
    expect(ran.stdout.trim()).toBe("believed")
  })
})
