// The Go module proxy (go.dev/ref/mod#goproxy-protocol): versions, their times, and what the newest go.mod says of them.
import type { DocumentResult, PackageDocument, Registry, ReleaseInfo } from "../types.ts"
import { compareVersions, isPrerelease } from "../versions.ts"
import { fetchDetail } from "./fetch-detail.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import { isRetracted, readGoMod } from "./go-mod.ts"
import { JsonError, pickJson } from "./json-pick.ts"
import type { Endpoints } from "./npm.ts"
import { ELSEWHERE, isRecord, NOT_A_NAME, timeOf } from "./values.ts"

/** go.dev/ref/mod#go-mod-file-ident: path elements of ASCII letters, digits and -._~, none empty, none starting with a dot. */
const MODULE = /^[A-Za-z0-9~_-][A-Za-z0-9._~-]*(?:\/[A-Za-z0-9~_-][A-Za-z0-9._~-]*)*$/
const VERSION = /^v[0-9A-Za-z.+-]{1,128}$/

/** Asks the module proxies in turn, as GOPROXY lists them: the next one only where one does not have the module. */
export function createGoRegistry(
  services: Services,
  { baseUrl, baseOf, authorize, fallbacks }: Endpoints & { fallbacks: readonly string[] },
): Registry {
  async function ask(
    base: string,
    name: string,
    wanted: readonly string[],
    requires: boolean,
  ): Promise<DocumentResult> {
    const root = `${base}/${escapePath(name)}`
    const listed = await fetchDocument(services, {
      ecosystem: "golang",
      name,
      url: `${root}/@v/list`,
      accept: "text/plain, */*",
      authorize,
      reduce: (body, now) => reduceVersionList(body, name, now),
    })
    if (!listed.ok) return listed
    const latest = listed.document.tags.latest
    const releases = new Map(listed.document.releases)
    for (const version of new Set([...wanted, ...(latest === undefined ? [] : [latest])])) {
      if (!VERSION.test(version)) continue
      const published = await askTime(root, version)
      // Pseudo-versions are not listed: that the proxy has one is told by its time.
      if (published !== undefined) releases.set(version, { ...releases.get(version), version, published })
    }
    const document = { ...listed.document, releases }
    if (document.stale !== undefined || releases.size === 0) return { ok: true, document }
    return {
      ok: true,
      document: await addGoMods(document, root, latest ?? [...releases.keys()].at(-1)!, wanted, requires),
    }
  }

  async function askTime(root: string, version: string): Promise<number | undefined> {
    const request = { url: `${root}/@v/${escapePath(version)}.info`, accept: "application/json", authorize }
    const detail = await fetchDetail(services, ["info"], request, (body) => {
      const info = pickJson(body, { fields: { Version: "value", Time: "value" } })
      return isRecord(info) && info.Version === version ? { time: info.Time } : undefined
    })
    return timeOf(detail?.time)
  }

  async function addGoMods(
    document: PackageDocument,
    root: string,
    latest: string,
    wanted: readonly string[],
    requires: boolean,
  ): Promise<PackageDocument> {
    const askMod = async (version: string) => {
      const request = { url: `${root}/@v/${escapePath(version)}.mod`, accept: "text/plain, */*", authorize }
      const detail = await fetchDetail(services, ["mod"], request, (body) => ({
        text: body.toString("utf8", 0, MAX_MOD),
      }))
      return typeof detail?.text === "string" ? readGoMod(detail.text) : undefined
    }
    const newest = await askMod(latest)
    const releases = new Map<string, ReleaseInfo>()
    for (const [version, release] of document.releases) {
      const needed = requires && wanted.includes(version) ? (await askMod(version))?.requires : undefined
      releases.set(version, {
        ...release,
        ...(newest && { deprecated: newest.deprecated, yanked: isRetracted(newest, version) }),
        ...(needed && { requires: needed }),
      })
    }
    return { ...document, releases }
  }

  return {
    ecosystem: "golang",
    baseUrl,
    document: async (name, { versions = [], requires = false, origin } = {}) => {
      if (name.length > 512 || !MODULE.test(name)) return NOT_A_NAME
      const base = baseOf(name, origin)
      if (base === undefined) return ELSEWHERE
      let result = await ask(base, name, versions, requires)
      for (const next of base === baseUrl ? fallbacks : []) {
        if (result.ok || result.reason !== "not-found") break
        result = await ask(next, name, versions, requires)
      }
      return result
    },
  }
}

const MAX_MOD = 1024 * 1024
const MAX_VERSIONS = 50_000

/** One version a line, in no order; no line where nothing is tagged. Throws `JsonError` on anything else. */
export function reduceVersionList(bytes: Buffer, name: string, now: number): PackageDocument {
  const lines = bytes.toString("utf8").split("\n")
  const releases = new Map<string, ReleaseInfo>()
  if (lines.length > MAX_VERSIONS) throw new JsonError(`the registry's answer lists more than ${MAX_VERSIONS} entries`)
  for (const line of lines) {
    // A proxy may add a time after the version.
    const version = line.trim().split(/\s/, 1)[0]!
    if (version === "") continue
    if (!VERSION.test(version)) throw new JsonError("the registry's answer is not a list of versions")
    releases.set(version, { version })
  }
  const versions = [...releases.keys()].sort((a, b) => compareVersions("golang", a, b))
  const latest = versions.findLast((version) => !isPrerelease("golang", version)) ?? versions.at(-1)
  const tags: Record<string, string> = Object.create(null)
  if (latest !== undefined) tags.latest = latest
  return { ecosystem: "golang", name, releases, tags, maintainers: [], fetchedAt: now }
}

/** Upper case as "!" and lower case, for file systems that do not tell them apart (go.dev/ref/mod#goproxy-protocol). */
function escapePath(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}
