import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { createHttpClient } from "../../../src/packages/registries/http.ts"
import { emptyDirectory, startServer } from "./server.ts"

const OPENSSL = "openssl"

/** A key and a certificate for this host, signed by itself; the test is skipped where openssl is missing. */
function certificateFor(test: TestContext, host: string) {
  const directory = emptyDirectory()
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")]
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
  const subject = ["-subj", "/CN=nanoguard test", "-addext", `subjectAltName=${host}`]
  try {
    execFileSync(OPENSSL, ["req", "-x509", ...options, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" })
  } catch {
    test.skip("openssl is missing: install it with the system's package manager")
  }
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") }
}

async function startTls(pair: { key: string; cert: string }, location?: string) {
  let connections = 0
  const server = createServer(pair, (_, response) => {
    if (location === undefined) response.end("over TLS")
    else response.writeHead(302, { location }).end()
  })
  server.on("connection", () => connections++)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return { base: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections }
}

function get(url: string, ca: string[] = []) {
  const client = createHttpClient({ connections: 2, env: {}, ca, limits: { retries: 2, backoff: 10, connect: 1000 } })
  onTestFinished(() => client.close())
  return client.get({ url, accept: "*/*" })
}

describe("TLS to a registry", () => {
  it("trusts a certificate that the person's configuration adds, and no other", async (test) => {
    const pair = certificateFor(test, "IP:127.0.0.1")
    const { base, connections } = await startTls(pair)
    const trusted = await get(base, [pair.cert])
    expect(trusted.ok && trusted.status === 200 && trusted.body.toString()).toBe("over TLS")
    const before = connections()
    expect(await get(base)).toEqual({
      ok: false,
      reason: "unreachable",
      detail: "the registry's certificate is not trusted here",
    })
    // Asking again would not make it trusted.
    expect(connections() - before).toBe(1)
  })

  it("does not take a trusted certificate of another host", async (test) => {
    const pair = certificateFor(test, "DNS:registry.example")
    const { base } = await startTls(pair)
    expect(await get(base, [pair.cert])).toMatchObject({
      ok: false,
      detail: "the registry's certificate is not trusted here",
    })
  })

  it("does not follow a redirect from https to http, even on this machine", async (test) => {
    const plain = await startServer((_, response) => void response.end("plain"))
    const pair = certificateFor(test, "IP:127.0.0.1")
    const { base } = await startTls(pair, plain.base)
    expect(await get(base, [pair.cert])).toMatchObject({ ok: false, reason: "invalid" })
    expect(plain.requests).toHaveLength(0)
  })
})
