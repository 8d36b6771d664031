// Reduces what Python indexes say of a project.

import { normalisePythonName } from "../purl.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { canonicalPython } from "../versions/pypi.ts"
import { compareVersions, isPrerelease } from "../versions.ts"
import { type PickedFields, pickJson, type Shape } from "./json-pick.ts"
import { versionOfFile } from "./pypi-filename.ts"
import { boundedString, isRecord, sriOfHex, stringsOf, timeOf } from "./values.ts"

/** One file of a release, whichever API told of it. */
interface IndexFile {
  filename: string
  url?: string
  sha256?: string
  uploaded?: number
  yanked: boolean
  /** Where its attestations lie; null where it has none on an index that has any. */
  provenance?: string | null
  requiresPython?: string
}

const SIMPLE: Shape = {
  fields: {
    name: "value",
    versions: { items: "value", map: (version: unknown) => boundedString(version) },
    "project-status": "value",
    files: {
      map: simpleFileOf,
      items: {
        fields: {
          filename: "value",
          url: "value",
          hashes: "value",
          "upload-time": "value",
          "requires-python": "value",
          yanked: "value",
          provenance: "value",
        },
      },
    },
  },
}
const LEGACY: Shape = {
  fields: {
    info: { fields: { name: "value" } },
    ownership: "value",
    releases: {
      entries: {
        map: legacyFileOf,
        items: {
          fields: {
            filename: "value",
            url: "value",
            digests: "value",
            upload_time_iso_8601: "value",
            requires_python: "value",
            yanked: "value",
          },
        },
      },
    },
  },
}

const NO_CODE: readonly string[] = Object.freeze([])
const RUNS_CODE: readonly string[] = Object.freeze(["setup.py"])

/** PEP 691 with PEP 700, 740 and 792. Undefined where the answer is not about `name`; throws `JsonError` where it is not JSON. */
export function reduceSimpleProject(
  bytes: Buffer,
  name: string,
  now: number,
  attestations = false,
): PackageDocument | undefined {
  const page = pickJson(bytes, SIMPLE) as PickedFields | undefined
  if (page === undefined || !isNameOf(page.name, name) || !Array.isArray(page.files)) return undefined
  const known = Array.isArray(page.versions) ? new Set(page.versions as string[]) : undefined
  const groups = new Map<string, IndexFile[]>()
  for (const file of page.files as IndexFile[]) {
    const version = versionOfFile(file.filename, name, known)
    if (version === undefined) continue
    const group = groups.get(version)
    if (group === undefined) groups.set(version, [file])
    else group.push(file)
  }
  const status = isRecord(page["project-status"]) ? page["project-status"].status : undefined
  const document = documentOf(name, groups, [], now, attestations)
  if (status !== "deprecated" && status !== "archived") return document
  return { ...document, releases: new Map([...document.releases].map(([v, r]) => [v, { ...r, deprecated: true }])) }
}

/** PyPI's JSON API (its documentation: "Get a project"). As `reduceSimpleProject`. */
export function reduceLegacyProject(bytes: Buffer, name: string, now: number): PackageDocument | undefined {
  const project = pickJson(bytes, LEGACY) as PickedFields | undefined
  const info = project?.info as PickedFields | undefined
  if (project === undefined || !(project.releases instanceof Map) || !isNameOf(info?.name, name)) return undefined
  const groups = new Map<string, IndexFile[]>()
  for (const [key, files] of project.releases as Map<string, IndexFile[]>) {
    const version = canonicalPython(key) ?? key
    groups.set(version, [...(groups.get(version) ?? []), ...files])
  }
  const roles = isRecord(project.ownership) && Array.isArray(project.ownership.roles) ? project.ownership.roles : []
  const owners = stringsOf(roles.map((role) => (isRecord(role) ? role.user : undefined)))
  return documentOf(name, groups, [...new Set(owners)], now)
}

function documentOf(
  name: string,
  groups: ReadonlyMap<string, readonly IndexFile[]>,
  maintainers: readonly string[],
  now: number,
  attestations = false,
): PackageDocument {
  const releases = new Map<string, ReleaseInfo>()
  const links: Record<string, string> = Object.create(null)
  const attests = [...groups.values()].some((files) => files.some((file) => file.provenance !== undefined))
  for (const [version, files] of groups) {
    // A version without files cannot be installed: it is as good as not there.
    if (files.length === 0 || boundedString(version) === undefined) continue
    const release = releaseOf(version, files, attests)
    releases.set(version, attestations ? { ...release, attestations: attestationsOf(files) } : release)
    const wheel = files.find((file) => isWheel(file) && file.url !== undefined)
    if (wheel?.url !== undefined) links[version] = wheel.url
  }
  return { ecosystem: "pypi", name, releases, tags: latestTag(releases), maintainers, fetchedAt: now, links }
}

function releaseOf(version: string, files: readonly IndexFile[], attests: boolean): ReleaseInfo {
  const uploads = files.map((file) => file.uploaded).filter((time) => time !== undefined)
  const engine = files.find((file) => file.requiresPython !== undefined)?.requiresPython
  return {
    version,
    installScripts: files.some(isWheel) ? NO_CODE : RUNS_CODE,
    yanked: files.every((file) => file.yanked),
    integrity: files.map((file) => sriOfHex("sha256", file.sha256)).filter((hash) => hash !== undefined),
    // The newest file counts: one that is added to an old version is new code.
    ...(uploads.length > 0 && uploads.length === files.length && { published: Math.max(...uploads) }),
    ...(attests && {
      provenance: files.every((file) => typeof file.provenance === "string")
        ? ("attested" as const)
        : ("none" as const),
    }),
    ...(engine !== undefined && { engine }),
  }
}

function attestationsOf(files: readonly IndexFile[]): { file: string; sha256: string; url: string }[] {
  return files.flatMap(({ filename, sha256, provenance }) =>
    typeof provenance === "string" && sriOfHex("sha256", sha256) !== undefined
      ? [{ file: filename, sha256: sha256!.toLowerCase(), url: provenance }]
      : [],
  )
}

function simpleFileOf(entry: unknown): IndexFile | undefined {
  if (!isRecord(entry)) return undefined
  const { hashes, provenance } = entry
  const file = commonFileOf(
    entry,
    isRecord(hashes) ? hashes.sha256 : undefined,
    entry["upload-time"],
    entry["requires-python"],
  )
  // PEP 740: the key is there, null without attestations, on an index that has any.
  return file && provenance !== undefined ? { ...file, provenance: boundedString(provenance, 2048) ?? null } : file
}

function legacyFileOf(entry: unknown): IndexFile | undefined {
  if (!isRecord(entry)) return undefined
  const sha256 = isRecord(entry.digests) ? entry.digests.sha256 : undefined
  return commonFileOf(entry, sha256, entry.upload_time_iso_8601, entry.requires_python)
}

function commonFileOf(
  entry: Record<string, unknown>,
  sha256: unknown,
  uploadTime: unknown,
  requires: unknown,
): IndexFile | undefined {
  const filename = boundedString(entry.filename)
  if (filename === undefined) return undefined
  const url = boundedString(entry.url, 2048)
  const uploaded = timeOf(uploadTime)
  const requiresPython = boundedString(requires)
  return {
    filename,
    // PEP 592: a reason, or true.
    yanked: entry.yanked === true || (typeof entry.yanked === "string" && entry.yanked !== ""),
    ...(url !== undefined && { url }),
    ...(typeof sha256 === "string" && { sha256 }),
    ...(uploaded !== undefined && { uploaded }),
    ...(requiresPython !== undefined && { requiresPython }),
  }
}

function isNameOf(value: unknown, name: string): boolean {
  return typeof value === "string" && normalisePythonName(value) === name
}

function isWheel({ filename }: IndexFile): boolean {
  return filename.endsWith(".whl")
}

function latestTag(releases: ReadonlyMap<string, ReleaseInfo>): Readonly<Record<string, string>> {
  const tags: Record<string, string> = Object.create(null)
  const usable = [...releases.values()].filter((release) => !release.yanked).map((release) => release.version)
  const stable = usable.filter((version) => !isPrerelease("pypi", version))
  const newest = (stable.length > 0 ? stable : usable).reduce<string | undefined>(
    (best, version) => (best === undefined || compareVersions("pypi", version, best) > 0 ? version : best),
    undefined,
  )
  if (newest !== undefined) tags.latest = newest
  return tags
}
