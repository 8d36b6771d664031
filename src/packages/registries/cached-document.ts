// Documents as they lie in the cache. Whoever can write there can write anything: each field is checked when it is read.
import type { Provenance } from "../../policy/types.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { isRecord } from "./values.ts"

type Payload = Omit<PackageDocument, "releases" | "stale"> & { releases: ReleaseInfo[] }

/** A document as plain JSON. */
export function freezeDocument(document: PackageDocument): Payload {
  const { ecosystem, name, releases, tags, maintainers, fetchedAt, links } = document
  return { ecosystem, name, tags, maintainers, fetchedAt, releases: [...releases.values()], ...(links && { links }) }
}

/** The document of exactly this package, or undefined where the payload is not one. */
export function thawDocument(payload: unknown, ecosystem: string, name: string): PackageDocument | undefined {
  if (!isRecord(payload) || payload.ecosystem !== ecosystem || payload.name !== name) return undefined
  const { releases, tags, maintainers, fetchedAt, links } = payload
  if (!Array.isArray(releases) || !Array.isArray(maintainers) || !isTextRecord(tags) || !isTime(fetchedAt))
    return undefined
  if (!maintainers.every(isText) || !releases.every(isRelease)) return undefined
  if (links !== undefined && !isTextRecord(links)) return undefined
  return {
    ecosystem: payload.ecosystem as PackageDocument["ecosystem"],
    name,
    releases: new Map(releases.map((release) => [release.version, release])),
    tags: Object.assign(Object.create(null), tags),
    maintainers,
    fetchedAt,
    ...(links !== undefined && { links }),
  }
}

/** What still holds of a document whose registry cannot be asked again: nothing that may have changed since. */
export function staleDocument(document: PackageDocument): PackageDocument {
  const releases = [...document.releases].map(([version, release]) => {
    const { deprecated: _deprecated, yanked: _yanked, ...lasting } = release
    return [version, lasting] as const
  })
  return { ...document, releases: new Map(releases), tags: Object.create(null), stale: "unreachable" }
}

const PROVENANCES: ReadonlySet<unknown> = new Set<Provenance>(["none", "signed", "attested"])

/** "verified" is never believed from a file. */
const CHECKS: { [K in keyof Required<ReleaseInfo>]: (value: unknown) => boolean } = {
  version: isText,
  published: isTime,
  license: isText,
  installScripts: isTexts,
  deprecated: (value) => typeof value === "boolean",
  yanked: (value) => typeof value === "boolean",
  integrity: isTexts,
  provenance: (value) => PROVENANCES.has(value),
  provenanceOf: () => false,
  provenanceInvalid: () => false,
  signatures: (value) =>
    Array.isArray(value) && value.every((one) => isRecord(one) && isText(one.key) && isText(one.signature)),
  attestations: (value) => Array.isArray(value) && value.every(isTextRecord),
  publisher: isText,
  requires: isTextRecord,
  engine: isText,
}

function isRelease(value: unknown): value is ReleaseInfo {
  if (!isRecord(value) || typeof value.version !== "string") return false
  for (const key in value) {
    if (!Object.hasOwn(CHECKS, key) || !CHECKS[key as keyof ReleaseInfo](value[key])) return false
  }
  return true
}

function isText(value: unknown): value is string {
  return typeof value === "string"
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every(isText)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 8.64e15
}
