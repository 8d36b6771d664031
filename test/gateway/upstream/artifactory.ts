// A stand-in for JFrog Artifactory with Curation: remote repositories of all four ecosystems, as its documentation describes
// their paths, behind one token; versions that are blocked are answered in the documented form.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { noise } from "./open.ts"

const KEY = "download was blocked by JFrog Packages Curation service due to the following policies violated"
const GROUP =
  "{block-critical-cve, CVE with CVSS score of 9 or above (with or without a fix version available), Package version contains the following vulnerability(s): CVE-2026-4800: 9.8, CVE-2026-4801: 9.1, Upgrade to the following version(s): CVE-2026-4800: 2.0.0, CVE-2026-4801: 2.0.1}"

export const ARCHIVE = noise(30_000, 3)

/** By ecosystem: the base below the server's address, a listing, an archive that is there and one that is blocked. */
export const PATHS = {
  npm: {
    base: "/artifactory/api/npm/npm-remote",
    listing: "/@acme%2ftool",
    good: "/@acme/tool/-/@acme/tool-2.0.1.tgz",
    blocked: "/@acme/tool/-/@acme/tool-1.0.0.tgz",
    name: "@acme/tool",
    version: "1.0.0",
  },
  pypi: {
    base: "/artifactory/api/pypi/pypi-remote/simple",
    listing: "/tool/",
    good: "/../packages/packages/ab/cd/tool-2.0.1.tar.gz",
    blocked: "/../packages/packages/ab/cd/tool-1.0.0.tar.gz",
    name: "tool",
    version: "1.0.0",
  },
  cargo: {
    base: "/artifactory/api/cargo/crates-remote/index",
    listing: "/to/ol/tool",
    good: "/../v1/crates/tool/2.0.1/download",
    blocked: "/../v1/crates/tool/1.0.0/download",
    name: "tool",
    version: "1.0.0",
  },
  golang: {
    base: "/artifactory/api/go/go-remote",
    listing: "/github.com/acme/tool/@v/list",
    good: "/github.com/acme/tool/@v/v2.0.1.zip",
    blocked: "/github.com/acme/tool/@v/v1.0.0.zip",
    name: "github.com/acme/tool",
    version: "v1.0.0",
  },
} as const

/** Waivers that were asked for: path and reason. */
export interface Artifactory {
  listener: RequestListener
  waivers: { path: string; reason: string }[]
}

/** `state` is what it answers to requests for a waiver. */
export function createArtifactory(credentials: readonly string[], state = "pending"): Artifactory {
  const waivers: Artifactory["waivers"] = []
  const blocked = new Map(
    Object.values(PATHS).map(({ base, blocked, name, version }) => [
      new URL(base + blocked, "http://a").pathname,
      `Package ${name}:${version} ${KEY} ${GROUP}.`,
    ]),
  )
  const refuse = (response: ServerResponse, status: number, message: string, notice?: string) =>
    response
      .writeHead(status, { "content-type": "application/json", ...(notice && { "npm-notice": notice }) })
      .end(JSON.stringify({ errors: [{ status, message }] }))
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (!credentials.includes(request.headers.authorization ?? "")) return refuse(response, 401, "Bad Credentials")
    const path = request.url!
    const message = blocked.get(path)
    if (message === undefined) {
      if (Object.values(PATHS).some(({ base, listing }) => path === base + listing))
        return response.end(`listing at ${path}`)
      return path.includes("2.0.1") ? response.end(ARCHIVE) : refuse(response, 404, "Could not find resource")
    }
    const asked = request.headers["x-artifactory-curation-request-waiver"]
    if (asked === undefined) return refuse(response, 403, message, message)
    if (asked === "syn") return refuse(response, 403, `${message} [waivers allowed]`)
    waivers.push({ path, reason: String(asked) })
    return refuse(response, 403, `wv-${waivers.length}|${state}`)
  }
  return { listener, waivers }
}
