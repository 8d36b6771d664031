// The cargo registry: its sparse index for every version, and the crate itself for what the index leaves out (licence and
// build script). The web API is not asked: its crawler policy admits one request a second.
import type { DocumentNeed, PackageDocument, Registry, ReleaseInfo } from "../types.ts"
import { reduceCrateIndex } from "./cargo-document.ts"
import { crateAddress, indexPath, isCrateName } from "./crate-address.ts"
import { reduceCrate } from "./crate-archive.ts"
import { fetchDetail } from "./fetch-detail.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import { pickJson } from "./json-pick.ts"
import type { Endpoints } from "./npm.ts"
import { reviseReleases } from "./revise.ts"
import { isLearntAddress } from "./upstreams.ts"
import { boundedString, ELSEWHERE, isRecord, NOT_A_NAME } from "./values.ts"

const VERSION = /^[0-9A-Za-z.+-]{1,128}$/

/** Asks the sparse index that each crate belongs to, and no other. */
export function createCargoRegistry(services: Services, { baseUrl, baseOf, authorize }: Endpoints): Registry {
  const templates = new Map<string, Promise<string | undefined>>()

  /** Where the index says that crates lie (doc.rust-lang.org/cargo: registry index, config.json). */
  function downloadTemplate(base: string): Promise<string | undefined> {
    const known = templates.get(base) ?? askConfig(base)
    templates.set(base, known)
    return known
  }

  async function askConfig(base: string): Promise<string | undefined> {
    const answer = await services.http.get({ url: `${base}/config.json`, accept: "application/json", authorize })
    if (!answer.ok || answer.status !== 200) return undefined
    try {
      const config = pickJson(answer.body, { fields: { dl: "value" } })
      return isRecord(config) ? boundedString(config.dl, 2048) : undefined
    } catch {
      return undefined
    }
  }

  async function addDetails(document: PackageDocument, { versions = [] }: DocumentNeed, base: string) {
    if (!services.needs("license") && !services.needs("installScripts")) return document
    const wanted = versions.filter((version) => VERSION.test(version) && document.releases.has(version))
    const template = wanted.length > 0 ? await downloadTemplate(base) : undefined
    if (template === undefined) return document
    return reviseReleases(document, wanted, async (release) => {
      const url = crateAddress(template, document.name, release.version, release.integrity?.[0])
      if (url === undefined || !isLearntAddress(url, base)) return undefined
      const detail = await askCrate(url, document.name, release)
      return detail && { ...release, ...checkedDetail(detail) }
    })
  }

  function askCrate(url: string, name: string, release: ReleaseInfo) {
    const hash = release.integrity?.[0] ?? ""
    const request = { url, accept: "application/octet-stream, */*", authorize }
    return fetchDetail(services, ["crate", hash], request, (body) => reduceCrate(body, name, release.version, hash))
  }

  return {
    ecosystem: "cargo",
    baseUrl,
    document: async (name, need = {}) => {
      if (!isCrateName(name)) return NOT_A_NAME
      const base = baseOf(name, need.origin)
      if (base === undefined) return ELSEWHERE
      const result = await fetchDocument(services, {
        ecosystem: "cargo",
        name,
        url: `${base}/${indexPath(name.toLowerCase())}`,
        accept: "text/plain, */*",
        authorize,
        versions: need.versions,
        variant: need.requires ? "requires" : "",
        reduce: (body, now) => reduceCrateIndex(body, name, now, need.requires === true),
      })
      return result.ok ? { ok: true, document: await addDetails(result.document, need, base) } : result
    },
  }
}

function checkedDetail({ license, installScripts }: Record<string, unknown>): Partial<ReleaseInfo> {
  const text = license === "" ? "" : boundedString(license)
  const scripts =
    Array.isArray(installScripts) && installScripts.every((name) => name === "build.rs") ? installScripts : undefined
  return { ...(text !== undefined && { license: text }), ...(scripts !== undefined && { installScripts: scripts }) }
}
