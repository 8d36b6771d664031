// PyPI and indexes like it. The simple repository API in its JSON form (PEP 691, 700, 740) says most; an index that does not
// speak it is asked in PyPI's older JSON form. A version's licence comes from its own core metadata (PEP 658).
import type { DocumentNeed, DocumentResult, PackageDocument, Registry, ReleaseInfo } from "../types.ts"
import { fetchDetail } from "./fetch-detail.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import type { Endpoints } from "./npm.ts"
import { reduceLegacyProject, reduceSimpleProject } from "./pypi-document.ts"
import { reduceCoreMetadata } from "./pypi-metadata.ts"
import { reviseReleases } from "./revise.ts"
import { isLearntAddress } from "./upstreams.ts"
import { boundedString, ELSEWHERE, isRecord, NOT_A_NAME } from "./values.ts"

/** PEP 508 names, normalised by PEP 503. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,212}[a-z0-9])?$/

/** Asks the index that each project belongs to, and no other. */
export function createPypiRegistry(services: Services, { baseUrl, baseOf, authorize }: Endpoints): Registry {
  /** Indexes that do not speak PEP 691: asked once, not once a project. */
  const older = new Set<string>()

  async function askIndex(
    index: string,
    name: string,
    { verify = false, versions }: DocumentNeed,
  ): Promise<DocumentResult> {
    const shared = { ecosystem: "pypi" as const, name, authorize, versions }
    let unread: DocumentResult | undefined
    if (!older.has(index)) {
      const result = await fetchDocument(services, {
        ...shared,
        url: `${index}/${name}/`,
        accept: "application/vnd.pypi.simple.v1+json",
        variant: verify ? "attestations" : "",
        reduce: (body, now) => reduceSimpleProject(body, name, now, verify),
      })
      if (result.ok || result.reason !== "invalid") return result
      unread = result
    }
    const result = await fetchDocument(services, {
      ...shared,
      url: `${index.replace(/\/simple$/, "")}/pypi/${name}/json`,
      accept: "application/json",
      reduce: (body, now) => reduceLegacyProject(body, name, now),
    })
    if (result.ok) older.add(index)
    // There was a page: that the older form has none says nothing about the project.
    return result.ok ? result : (unread ?? result)
  }

  return {
    ecosystem: "pypi",
    baseUrl,
    document: async (name, need = {}) => {
      if (!NAME.test(name)) return NOT_A_NAME
      const base = baseOf(name, need.origin)
      if (base === undefined) return ELSEWHERE
      // The person's index is asked where it lies; the policy's upstreams may leave /simple out.
      const index = base === baseUrl || base.endsWith("/simple") ? base : `${base}/simple`
      const result = await askIndex(index, name, need)
      if (!result.ok) return result
      const document = await addDetails(services, result.document, need, base)
      if (!need.verify) return { ok: true, document }
      const { verifyFiles } = await import("./pypi-provenance.ts")
      return { ok: true, document: await verifyFiles(services, document, need.versions ?? [], { base, authorize }) }
    },
  }
}

/** The document with licence and requirements of the wanted versions filled in where their metadata states them. */
async function addDetails(
  services: Services,
  document: PackageDocument,
  { versions = [], requires = false }: DocumentNeed,
  base: string,
): Promise<PackageDocument> {
  if (!requires && !services.needs("license")) return document
  return reviseReleases(document, versions, async (release) => {
    const url = document.links?.[release.version]
    if (url === undefined || !isLearntAddress(url, base)) return undefined
    const detail = await fetchDetail(services, ["core-metadata"], { url: `${url}.metadata`, accept: "*/*" }, (body) =>
      reduceCoreMetadata(body, document.name),
    )
    return detail && { ...release, ...checkedDetail(detail) }
  })
}

function checkedDetail({ license, requires }: Record<string, unknown>): Partial<ReleaseInfo> {
  const text = license === "" ? "" : boundedString(license)
  const ranges = isRecord(requires)
    ? Object.entries(requires).filter(([, range]) => typeof range === "string")
    : undefined
  return {
    ...(text !== undefined && { license: text }),
    ...(ranges !== undefined && { requires: Object.fromEntries(ranges) as Record<string, string> }),
  }
}
