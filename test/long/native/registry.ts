// A registry on loopback that says when each version was published, so that settings with different units can be told apart.
import { createHash } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync, strToU8, zipSync } from "fflate"

const DAY = 86_400_000

export interface Release {
  version: string
  /** Days before now. */
  days: number
  /** Shell command of a postinstall script. */
  postinstall?: string
  /** Published with a build attestation, as far as the packument says. */
  provenance?: boolean
  /** `{url}` stands for the address of this registry. */
  dependencies?: Record<string, string>
}

export interface StubRegistry {
  url: string
  close: () => Promise<void>
}

/** Serves npm packuments and tarballs, and a PEP 691 index with wheels, for the packages that are given by name. */
export async function startRegistry(packages: Record<string, Release[]>): Promise<StubRegistry> {
  const server: Server = createServer((request, response) => {
    const url = `http://${request.headers.host}`
    const [, area, name = "", file = ""] = decodeURIComponent(request.url ?? "/").split("/")
    const releases = packages[area === "simple" || area === "files" ? name : (area ?? "")]
    const send = (body: string | Uint8Array, type = "application/json") => {
      response.writeHead(200, { "content-type": type })
      response.end(body)
    }
    if (!releases) {
      response.writeHead(404).end("{}")
    } else if (area === "simple")
      send(JSON.stringify(simpleIndex(url, name, releases)), "application/vnd.pypi.simple.v1+json")
    else if (area === "files") {
      const release = releases.find(({ version }) => file.startsWith(`${name}-${version}`))!
      send(file.endsWith(".tgz") ? tarball(name, release) : wheel(name, release), "application/octet-stream")
    } else send(JSON.stringify(packument(url, area!, releases)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function packument(url: string, name: string, releases: Release[]) {
  const time: Record<string, string> = { created: dateOf(1000), modified: dateOf(0) }
  const versions: Record<string, unknown> = {}
  for (const release of releases) {
    time[release.version] = dateOf(release.days)
    versions[release.version] = {
      ...manifest(name, release),
      ...(release.dependencies && {
        dependencies: JSON.parse(JSON.stringify(release.dependencies).replaceAll("{url}", url)),
      }),
      ...(release.postinstall !== undefined && { hasInstallScript: true }),
      dist: {
        tarball: `${url}/files/${name}/${name}-${release.version}.tgz`,
        integrity: `sha512-${createHash("sha512").update(tarball(name, release)).digest("base64")}`,
        ...(release.provenance && {
          attestations: {
            url: `${url}/attestations`,
            provenance: { predicateType: "https://slsa.dev/provenance/v1" },
          },
        }),
        shasum: createHash("sha1").update(tarball(name, release)).digest("hex"),
      },
    }
  }
  return { name, "dist-tags": { latest: releases.at(-1)!.version }, versions, time }
}

function manifest(name: string, { version, postinstall }: Release) {
  return { name, version, ...(postinstall !== undefined && { scripts: { postinstall } }) }
}

function simpleIndex(url: string, name: string, releases: Release[]) {
  return {
    meta: { "api-version": "1.1" },
    name,
    versions: releases.map(({ version }) => version),
    files: releases.map((release) => ({
      filename: `${name}-${release.version}-py3-none-any.whl`,
      url: `${url}/files/${name}/${name}-${release.version}-py3-none-any.whl`,
      hashes: { sha256: createHash("sha256").update(wheel(name, release)).digest("hex") },
      "upload-time": dateOf(release.days),
      size: wheel(name, release).length,
    })),
  }
}

function dateOf(days: number): string {
  return new Date(Date.now() - days * DAY).toISOString()
}

function tarball(name: string, release: Release): Uint8Array {
  const body = strToU8(JSON.stringify(manifest(name, release)))
  const header = new Uint8Array(512)
  const put = (at: number, text: string) => header.set(strToU8(text), at)
  put(0, "package/package.json")
  put(100, "0000644\0")
  put(108, "0000000\0")
  put(116, "0000000\0")
  put(124, `${body.length.toString(8).padStart(11, "0")}\0`)
  put(136, "00000000000\0")
  put(148, "        0")
  put(257, "ustar\x0000")
  put(
    148,
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
  )
  const padded = new Uint8Array(512 + Math.ceil(body.length / 512) * 512 + 1024)
  padded.set(header, 0)
  padded.set(body, 512)
  return gzipSync(padded, { mtime: 0 })
}

function wheel(name: string, { version }: Release): Uint8Array {
  const info = `${name}-${version}.dist-info`
  const files = {
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: "",
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)])), {
    mtime: new Date(Date.UTC(2020, 0, 1)),
  })
}
