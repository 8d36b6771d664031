// npm's protocol on loopback, for real clients: packages that the tests build, versions that it does not serve, advisories that
// it knows. Nothing is decided or recorded here.
import { createHash, generateKeyPairSync, sign } from "node:crypto"
import { answerAdvisories } from "../../../../src/gateway/protocols/npm/advisories.ts"
import { npmProtocol } from "../../../../src/gateway/protocols/npm/index.ts"
import type { Client } from "../../../../src/gateway/types.ts"
import { affectedBy } from "../../../../src/packages/advisories/affects.ts"
import type { AdvisoryRecord } from "../../../../src/packages/advisories/types.ts"
import { npmManifest, npmTarball, type Packages } from "../../../long/clients/packages.ts"
import { startServer } from "../../../packages/registries/server.ts"
import { BASE, planOf } from "./packuments.ts"

export interface FrontOptions {
  packages: Packages
  /** Versions that are not served, by package. */
  refused?: Readonly<Record<string, readonly string[]>>
  advisories?: Readonly<Record<string, AdvisoryRecord[]>>
  client?: Client
}

const KEY_ID = "SHA256:of-the-tests"
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
const key = publicKey.export({ type: "spki", format: "der" }).toString("base64")
/** The registry's signing keys, as npm's documentation has them (ECDSA registry signatures). */
const keys = [{ keyid: KEY_ID, keytype: "ecdsa-sha2-nistp256", scheme: "ecdsa-sha2-nistp256", expires: null, key }]

/** Starts it; it ends with the test. `answers` are the advisories' own answers, in order. */
export async function startFront({ packages, refused = {}, advisories = {}, client = "npm" }: FrontOptions) {
  const answers: string[] = []
  const records = (_ecosystem: string, name: string) =>
    advisories[name] && { ecosystem: "npm" as const, name, advisories: advisories[name] }
  const upstream = (name: string) => {
    const releases = packages[name]
    if (releases === undefined) return undefined
    const versions = releases.map((release) => {
      const integrity = `sha512-${createHash("sha512").update(npmTarball(name, release)).digest("base64")}`
      const sig = sign("sha256", Buffer.from(`${name}@${release.version}:${integrity}`), privateKey).toString("base64")
      const tarball = `https://registry.example/${name}/-/${name}-${release.version}.tgz`
      const dist = { tarball, integrity, signatures: [{ keyid: KEY_ID, sig }] }
      return [release.version, { ...npmManifest(name, release), dist }]
    })
    const latest = releases.at(-1)!.version
    // Old enough for clients that wait for new releases to settle.
    const time = Object.fromEntries(releases.map(({ version }) => [version, "2020-01-01T00:00:00.000Z"]))
    const document = { name, "dist-tags": { latest }, versions: Object.fromEntries(versions), time }
    return npmProtocol.parse(Buffer.from(JSON.stringify(document)), name, "https://registry.example/")
  }
  const server = await startServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [path = "", query = ""] = request.url!.replace(/^\/npm/, "").split("?")
    const asked = npmProtocol.read({ method: request.method!, path, query, accept: request.headers.accept ?? "" })
    const send = (status: number, body: string | Buffer, type = "application/json", headers = {}) =>
      response.writeHead(status, { "content-type": type, ...headers }).end(body)
    if (asked === undefined) return send(404, "{}")
    if (asked.kind === "unsupported") return send(405, JSON.stringify({ error: asked.hint }))
    if (asked.kind === "service") {
      if (asked.service === "keys") return send(200, JSON.stringify({ keys }))
      if (asked.service !== "advisories") return send(404, "{}")
      const answer = answerAdvisories(Buffer.concat(chunks), {
        records,
        affecting: (ecosystem, name, version) => affectedBy(records(ecosystem, name), version),
      })
      if (answer === undefined) return send(400, "{}")
      answers.push(String(answer.body))
      return send(200, answer.body, answer.contentType)
    }
    const document = upstream(asked.name)
    const held = refused[asked.name] ?? []
    if (document === undefined) return send(404, "{}")
    if (asked.kind === "artifact") {
      const release = packages[asked.name]!.find(({ version }) => version === asked.version)
      if (release === undefined) return send(404, "{}")
      if (held.includes(asked.version))
        return send(403, JSON.stringify({ error: `${asked.name}@${asked.version} refused` }))
      return send(200, npmTarball(asked.name, release), "application/octet-stream")
    }
    const plan = { ...planOf(document, client, held), base: `http://${request.headers.host}/npm` }
    const { body, contentType, headers } =
      asked.kind === "listing"
        ? npmProtocol.render(document, asked, plan)
        : npmProtocol.renderRelease!(document, asked, document.tags[asked.version] ?? asked.version, plan)
    return send(200, body, contentType, headers)
  })
  const paths = () => server.requests.map(({ method, url }) => `${method} ${url}`)
  return { registry: server.base + new URL(BASE).pathname, answers, paths }
}
