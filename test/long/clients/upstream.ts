// An upstream on loopback for all four ecosystems, laid out as the gate's own mounts are: a client is pointed at either with the
// same settings.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import {
  crate,
  goMod,
  goModule,
  goZip,
  npmManifest,
  npmTarball,
  type Packages,
  type Release,
  sha1,
  sha256,
  sri,
  wheel,
  wheelMetadata,
} from "./packages.ts"

export interface ClientUpstream {
  /** Scheme, host and port. */
  base: string
  /** What the code of a release says besides what its metadata promises; by "name@version". */
  notes: Map<string, string>
  /** The bytes that were served for those. */
  tampered: Buffer[]
  close: () => Promise<void>
}

/** All releases are as old as this. */
const TIME = "2020-01-01T00:00:00.000Z"

interface Page {
  type: string
  body: string | Buffer
}
const json = (value: unknown, type = "application/json"): Page => ({ type, body: JSON.stringify(value) })
const bytes = (body: Buffer): Page => ({ type: "application/octet-stream", body })
const text = (body: string): Page => ({ type: "text/plain", body })

/** Starts it; packages may be added to `packages` at any time. */
export async function startUpstream(packages: Packages): Promise<ClientUpstream> {
  const notes: ClientUpstream["notes"] = new Map()
  const tampered: Buffer[] = []
  const find = (name: string | undefined, version?: string) => {
    const releases = Object.hasOwn(packages, name ?? "") ? packages[name!]! : []
    return version === undefined ? releases : releases.filter((release) => release.version === version)
  }
  const artifact = (name: string, release: Release, make: (name: string, release: Release) => Buffer): Page => {
    const note = notes.get(`${name}@${release.version}`)
    if (note === undefined) return bytes(make(name, release))
    tampered.push(make(name, { ...release, note }))
    return bytes(tampered.at(-1)!)
  }

  const npm = (base: string, [name = "", dash, file = ""]: string[]): Page | undefined => {
    if (dash === undefined) return packument(base, name, find(name))
    const [release] = find(name, file.slice(name.length + 1, -".tgz".length))
    return release && artifact(name, release, npmTarball)
  }
  const pypi = (base: string, [area, name = "", file = ""]: string[]): Page | undefined => {
    if (area === "simple") return simplePage(base, name, find(name))
    const [release] = find(name, file.split("-")[1])
    if (release === undefined) return undefined
    return file.endsWith(".metadata") ? text(wheelMetadata(name, release)) : artifact(name, release, wheel)
  }
  const cargo = (base: string, path: string[]): Page | undefined => {
    if (path[1] === "config.json") return json({ dl: `${base}/cargo/crates/{crate}/{version}/{crate}-{version}.crate` })
    if (path[0] === "index") return indexFile(path.at(-1)!, find(path.at(-1)))
    const [release] = find(path[1], path[2])
    return release && artifact(path[1]!, release, crate)
  }
  const go = (_base: string, path: string[]): Page | undefined => {
    const name = path[2] ?? ""
    if (path.slice(0, 3).join("/") !== goModule(name)) return undefined
    const file = path.at(-1)!
    if (file === "list" && find(name).length > 0)
      return text(
        find(name)
          .map(({ version }) => `v${version}\n`)
          .join(""),
      )
    const [, version, extension] = /^v(.+)\.(info|mod|zip)$/.exec(file) ?? []
    const release = find(name, version ?? "").at(-1)
    if (release === undefined) return undefined
    if (extension === "info") return json({ Version: `v${release.version}`, Time: TIME })
    return extension === "mod" ? text(goMod(name, release)) : artifact(name, release, goZip)
  }
  const mounts: Record<string, typeof npm> = { npm, pypi, cargo, go }

  const server = createServer((request, response) => {
    const base = `http://${request.headers.host}`
    const [mount = "", ...path] = decodeURIComponent(request.url!).split("/").slice(1)
    const page = mounts[mount]?.(base, path.at(-1) === "" ? path.slice(0, -1) : path)
    if (page === undefined) response.writeHead(404, { "content-type": "text/plain" }).end("not found\n")
    else
      response
        .writeHead(200, { "content-type": page.type, "content-length": Buffer.byteLength(page.body) })
        .end(page.body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notes,
    tampered,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function packument(base: string, name: string, releases: readonly Release[]): Page | undefined {
  if (releases.length === 0) return undefined
  const time: Record<string, string> = { created: TIME, modified: TIME }
  const versions: Record<string, unknown> = {}
  for (const release of releases) {
    const tarball = npmTarball(name, release)
    time[release.version] = TIME
    versions[release.version] = {
      ...npmManifest(name, release),
      _id: `${name}@${release.version}`,
      dist: {
        tarball: `${base}/npm/${name}/-/${name}-${release.version}.tgz`,
        integrity: sri(tarball),
        shasum: sha1(tarball),
      },
    }
  }
  return json({ _id: name, name, "dist-tags": { latest: releases.at(-1)!.version }, versions, time })
}

function simplePage(base: string, name: string, releases: readonly Release[]): Page | undefined {
  if (releases.length === 0) return undefined
  const files = releases.map((release) => {
    const filename = `${name.replaceAll("-", "_")}-${release.version}-py3-none-any.whl`
    const content = wheel(name, release)
    return {
      filename,
      url: `${base}/pypi/files/${name}/${filename}`,
      hashes: { sha256: sha256(content) },
      "core-metadata": { sha256: sha256(wheelMetadata(name, release)) },
      "upload-time": TIME,
      size: content.length,
    }
  })
  const versions = releases.map(({ version }) => version)
  return json({ meta: { "api-version": "1.1" }, name, versions, files }, "application/vnd.pypi.simple.v1+json")
}

function indexFile(name: string, releases: readonly Release[]): Page | undefined {
  if (releases.length === 0) return undefined
  const lines = releases.map((release) => ({
    name,
    vers: release.version,
    deps: Object.entries(release.dependencies ?? {}).map(([key, req]) => ({
      ...{ name: key, req, features: [], optional: false, default_features: true, target: null, kind: "normal" },
    })),
    cksum: sha256(crate(name, release)),
    features: {},
    yanked: false,
  }))
  return text(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
}
