// A package registry on loopback: npm and PyPI documents from what a test says of the releases, and every request kept.
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { onTestFinished } from "vitest"
import { DAY, NOW } from "./context.ts"

/** What a registry says of one npm version. Defaults: MIT, 100 days old, no scripts, hash `hashOf(name, version)`. */
export interface NpmRelease {
  license?: string | null
  /** Days before `NOW`. */
  age?: number
  scripts?: Record<string, string>
  deprecated?: string
  publisher?: string
  attested?: boolean
  integrity?: string
  dependencies?: Record<string, string>
}

/** One version on a Python index. Defaults: a wheel, 100 days old. */
export interface PypiRelease {
  age?: number
  yanked?: boolean
  sdist?: boolean
  /** Stated in the wheel's own metadata, which is served beside it. */
  license?: string
}

/** What goes wrong with an answer. `endless` sends bytes until the client has enough, after a length of 2 GB. */
export type Fault = "error" | "silent" | "endless" | "huge-length" | "html" | "lies" | "empty" | "redirect"

export interface TestRegistry {
  /** Base address, without a slash at its end. */
  base: string
  /** Variables that make npm and Python clients use it. */
  env: Record<string, string>
  /** Paths that were asked for, in order. */
  requests: string[]
  /** Names of the packages whose advisories were asked for. */
  audited: string[]
  /** The status with which npm's bulk endpoint answers: that it knows nothing, at 200. */
  answers: { bulk: number }
  npm: (name: string, releases: Record<string, NpmRelease>) => void
  pypi: (name: string, releases: Record<string, PypiRelease>) => void
  /** Answers every request for a name, or all of them for "*", wrongly. */
  fail: (name: string, fault: Fault) => void
}

/** A hash in the form of a lockfile's, the same for the same package. */
export function hashOf(name: string, version: string): string {
  return `sha512-${Buffer.alloc(64, `${name}@${version} `).toString("base64")}`
}

/** Starts a registry that ends with the test. */
export async function startRegistry(): Promise<TestRegistry> {
  const documents = new Map<string, unknown>()
  const faults = new Map<string, Fault>()
  const requests: string[] = []
  const audited: string[] = []
  const answers = { bulk: 404 }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "")
    requests.push(path)
    response.on("error", () => {})
    if (request.method === "POST") {
      const parts: Buffer[] = []
      request.on("data", (part) => parts.push(part))
      request.on("end", () => {
        audited.push(...Object.keys(JSON.parse(gunzipSync(Buffer.concat(parts)).toString())))
        response.writeHead(answers.bulk).end("{}")
      })
      return
    }
    const name = path.replace(/^\/(simple\/|pypi\/)?/, "").replace(/(\/json|\/)$/, "")
    const fault = faults.get(name) ?? faults.get("*")
    if (fault !== undefined) answerWrongly(response, fault)
    else if (documents.has(path)) response.end(textOf(documents.get(path)))
    else response.writeHead(404).end("{}")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    base,
    env: { npm_config_registry: base, UV_DEFAULT_INDEX: `${base}/simple`, PIP_INDEX_URL: `${base}/simple` },
    requests,
    audited,
    answers,
    npm: (name, releases) => documents.set(`/${name}`, packument(name, releases, base)),
    pypi: (name, releases) => {
      documents.set(`/simple/${name}/`, project(name, releases, base))
      for (const [version, { license }] of Object.entries(releases)) {
        const metadata = `Metadata-Version: 2.4\nName: ${name}\nVersion: ${version}\n`
        if (license !== undefined)
          documents.set(`/files/${fileOf(name, version)}.metadata`, `${metadata}License-Expression: ${license}\n`)
      }
    },
    fail: (name, fault) => faults.set(name, fault),
  }
}

const textOf = (document: unknown) => (typeof document === "string" ? document : JSON.stringify(document))

const fileOf = (name: string, version: string) => `${name.replaceAll("-", "_")}-${version}-py3-none-any.whl`

function answerWrongly(response: ServerResponse, fault: Fault): void {
  if (fault === "silent") return
  if (fault === "error") response.writeHead(500).end("{}")
  else if (fault === "html") response.end("<html>sign in</html>")
  else if (fault === "lies")
    response.end(JSON.stringify(packument("some-other-package", { "1.0.0": {} }, "http://127.0.0.1")))
  else if (fault === "empty") response.end("{}")
  else if (fault === "redirect") response.writeHead(302, { location: "http://127.0.0.2:9/" }).end()
  else if (fault === "huge-length") response.writeHead(200, { "content-length": 2 * 1024 ** 3 }).write("{")
  else {
    const chunk = Buffer.alloc(1024 * 1024, " ")
    const pump = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on("drain", pump)
    pump()
  }
}

const isoTime = (age = 100) => new Date(NOW - age * DAY).toISOString()

function packument(name: string, releases: Record<string, NpmRelease>, base: string): unknown {
  const versions = Object.entries(releases).map(([version, release]) => {
    const { license = "MIT", scripts, deprecated, publisher = "ana", attested, integrity, dependencies } = release
    return [
      version,
      {
        ...{ name, version, dependencies },
        ...(license !== null && { license }),
        ...(scripts && { scripts, hasInstallScript: true }),
        ...(deprecated && { deprecated }),
        _npmUser: { name: publisher },
        dist: {
          integrity: integrity ?? hashOf(name, version),
          tarball: `${base}/${name}/-/${name.split("/").at(-1)}-${version}.tgz`,
          signatures: [{ keyid: "SHA256:key", sig: "c2ln" }],
          ...(attested && { attestations: { url: "x", provenance: { predicateType: "x" } } }),
        },
      },
    ] as const
  })
  return {
    name,
    "dist-tags": { latest: versions.at(-1)?.[0] },
    maintainers: [{ name: "ana" }, { name: "ben" }],
    time: Object.fromEntries(Object.entries(releases).map(([version, { age }]) => [version, isoTime(age)])),
    versions: Object.fromEntries(versions),
  }
}

function project(name: string, releases: Record<string, PypiRelease>, base: string): unknown {
  const files = Object.entries(releases).map(([version, { age, yanked = false, sdist = false }]) => {
    const filename = sdist ? `${name.replaceAll("-", "_")}-${version}.tar.gz` : fileOf(name, version)
    return {
      filename,
      url: `${base}/files/${filename}`,
      hashes: { sha256: Buffer.alloc(32, `${name}@${version} `).toString("hex") },
      "core-metadata": !sdist,
      "upload-time": isoTime(age),
      yanked,
    }
  })
  return { meta: { "api-version": "1.1" }, name, versions: Object.keys(releases), files }
}
