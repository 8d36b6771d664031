// PyPI and indexes like it. The simple repository API in its JSON form (PEP 691, 700, 740) says most; an index that does not
// speak it is asked in PyPI's older JSON form. A version's licence comes from its own core metadata (PEP 658).
import type { DocumentNeed, DocumentResult, PackageDocument, Registry, ReleaseInfo } from "../types.ts"
import { fetchDetail } from "./fetch-detail.ts"
import { fetchDocument, type Services } from "./fetch-document.ts"
import type { Endpoints } from "./npm.ts"
import { reduceHtmlProject, reduceLegacyProject, reduceSimpleProject } from "./pypi-document.ts"
import { reduceCoreMetadata } from "./pypi-metadata.ts"
import { reviseReleases } from "./revise.ts"
import { isLearntAddress } from "./upstreams.ts"
import { boundedString, ELSEWHERE, isRecord, NOT_A_NAME } from "./values.ts"

/** PEP 508 names, normalised by PEP 503. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,212}[a-z0-9])?$/

/** JSON wherever an index has it: HTML has neither times nor sizes. The gate's listings are asked for by the same words, to be the same answers. */
export const SIMPLE_ACCEPT =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

/** Where an index lies: the person's own (`own`) as they say it; the policy's upstreams may leave `/simple` out. */
export function indexOf(base: string, own?: string): string {
  return base === own || /[/+]simple$/.test(base) ? base : `${base}/simple`
}

/** Asks the index that each project belongs to, and no other. */
export function createPypiRegistry(services: Services, { baseUrl, baseOf, authorize }: Endpoints): Registry {
  /** What indexes that do not speak PEP 691 speak instead: found out once, not once a project. */
  const older = new Map<string, "legacy" | "html">()

  async function askIndex(
    index: string,
    name: string,
    { verify = false, versions }: DocumentNeed,
  ): Promise<DocumentResult> {
    const shared = { ecosystem: "pypi" as const, name, authorize, versions }
    const page = { ...shared, url: `${index}/${name}/`, accept: SIMPLE_ACCEPT }
    const spoken = older.get(index)
    let unread: DocumentResult | undefined
    if (spoken === undefined) {
      const result = await fetchDocument(services, {
        ...page,
        variant: verify ? "attestations" : "",
        reduce: (body, now) => reduceSimpleProject(body, name, now, verify),
      })
      if (result.ok || result.reason !== "invalid") return result
      unread = result
    }
    // It says more than HTML does.
    if (spoken !== "html") {
      const result = await fetchDocument(services, {
        ...shared,
        url: `${index.replace(/\/simple$/, "")}/pypi/${name}/json`,
        accept: "application/json",
        reduce: (body, now) => reduceLegacyProject(body, name, now),
      })
      if (result.ok) older.set(index, "legacy")
      if (result.ok || spoken === "legacy") return result
    }
    const reduce = (body: Buffer, now: number) => reduceHtmlProject(body, name, page.url, now)
    const result = await fetchDocument(services, { ...page, variant: "html", reduce })
    if (result.ok) older.set(index, "html")
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
      const index = indexOf(base, baseUrl)
      const result = await askIndex(index, name, need)
      if (!result.ok) return result
      const document = await addDetails(services, result.document, need, `${index}/${name}/`)
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
  page: string,
): Promise<PackageDocument> {
  if (!requires && !services.needs("license")) return document
  return reviseReleases(document, versions, async (release) => {
    const link = document.links?.[release.version]
    // Addresses in a page may be relative to it.
    const url = link === undefined ? undefined : URL.parse(link, page)?.href.replace(/#.*$/, "")
    if (url === undefined || !isLearntAddress(url, page)) return undefined
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
