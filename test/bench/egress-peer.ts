// Proxies that others make, each in a process of its own (`fork`): `node egress-peer.ts <name> <directory they are installed in> <origin's authority>`.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const [name = "", directory = "", authority = ""] = process.argv.slice(2)
const load = (path: string) => import(pathToFileURL(join(directory, "node_modules", path)).href)
/** As many as the gate has, and the one that matches is the last. */
const rules = [...Array.from({ length: 99 }, (_, n) => `host-${n}.example.com`), "localhost"]

const started: Record<string, () => Promise<number>> = {
  async srt() {
    const base = "@anthropic-ai/sandbox-runtime/dist/sandbox"
    const [{ createHttpProxyServer }, { createMitmCA }] = [
      await load(`${base}/http-proxy.js`),
      await load(`${base}/mitm-ca.js`),
    ]
    const server = createHttpProxyServer({
      filter: (_port: number, host: string) => rules.includes(host),
      mitmCA: createMitmCA({}),
      filterRequest: () => ({ action: "allow" }),
      tlsTerminateUpstreamCA: readFileSync(authority, "utf8"),
    })
    return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)))
  },
  async mockttp() {
    const mockttp = createRequire(join(directory, "package.json"))("mockttp")
    const server = mockttp.getLocal({ https: await mockttp.generateCACertificate(), recordTraffic: false })
    await server.forAnyRequest().thenPassThrough({
      ignoreHostHttpsErrors: true,
      beforeRequest: ({ url }: { url: string }) => void rules.includes(new URL(url).hostname),
    })
    await server.start()
    return server.port
  },
  async "http-mitm-proxy"() {
    const { Proxy: Mitm } = createRequire(join(directory, "package.json"))("http-mitm-proxy")
    const proxy = new Mitm()
    proxy.onError(() => {})
    proxy.onRequest((_: unknown, next: () => void) => next())
    return new Promise((done, fail) => {
      const options = { port: 0, host: "127.0.0.1", keepAlive: true, sslCaDir: join(directory, "ca") }
      proxy.listen(options, (error?: Error) => (error ? fail(error) : done(proxy.httpPort)))
    })
  },
}
process.once("disconnect", () => process.exit())
process.send?.({ port: await started[name]?.() })
