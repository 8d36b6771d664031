// Reduces what Python indexes say of a project.

import { normalisePythonName } from "../purl.ts"
import type { PackageDocument } from "../types.ts"
import { canonicalPython } from "../versions/pypi.ts"
import { type PickedFields, pickJson, type Shape } from "./json-pick.ts"
import { versionOfFile } from "./pypi-filename.ts"
import { readHtmlFiles } from "./pypi-html.ts"
import { documentOf, documentOfFiles, type IndexFile } from "./pypi-releases.ts"
import { boundedString, isRecord, stringsOf, timeOf } from "./values.ts"

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
  const files = (page.files as IndexFile[]).map((file) => ({
    ...file,
    version: versionOfFile(file.filename, name, known),
  }))
  const status = isRecord(page["project-status"]) ? page["project-status"].status : undefined
  return documentOfFiles(name, files, isOutOfUse(status), now, attestations)
}

/**
 * A page in HTML (PEP 503) that was read from `url`: it says no times. Undefined where it is none, and where it names no file of the
 * project, or more than any has.
 */
export function reduceHtmlProject(bytes: Buffer, name: string, url: string, now: number): PackageDocument | undefined {
  if (!/^\s*</.test(bytes.toString("latin1", 0, 1024))) return undefined
  const files = (readHtmlFiles(bytes, url, MAX_FILES) ?? []).flatMap((entry) => {
    const { filename, url: address, hashes, requiresPython, yanked } = entry
    const raw = { filename, url: address, yanked }
    const file = commonFileOf(raw, isRecord(hashes) ? hashes.sha256 : undefined, undefined, requiresPython)
    return file === undefined ? [] : [{ ...file, version: versionOfFile(file.filename, name) }]
  })
  return files.some(({ version }) => version !== undefined) ? documentOfFiles(name, files, false, now) : undefined
}

const MAX_FILES = 100_000

/** A project's status (PEP 792) under which its releases count as deprecated. */
export function isOutOfUse(status: unknown): boolean {
  return status === "deprecated" || status === "archived"
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
