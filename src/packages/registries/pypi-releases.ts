// What a Python project's files say of its releases.

import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { compareVersions, isPrerelease } from "../versions.ts"
import { boundedString, sriOfHex } from "./values.ts"

/** One file of a release, whichever API told of it. */
export interface IndexFile {
  filename: string
  url?: string
  sha256?: string
  uploaded?: number
  yanked: boolean
  /** Where its attestations lie; null where it has none on an index that has any. */
  provenance?: string | null
  requiresPython?: string
}

const NO_CODE: readonly string[] = Object.freeze([])
const RUNS_CODE: readonly string[] = Object.freeze(["setup.py"])

/** The document of a project with these files; one without a version is left out. */
export function documentOfFiles(
  name: string,
  files: readonly (IndexFile & { version: string | undefined })[],
  outOfUse: boolean,
  now: number,
  attestations = false,
): PackageDocument {
  const groups = new Map<string, IndexFile[]>()
  for (const { version, ...file } of files) {
    if (version === undefined) continue
    const group = groups.get(version)
    if (group === undefined) groups.set(version, [file])
    else group.push(file)
  }
  const document = documentOf(name, groups, [], now, attestations)
  if (!outOfUse) return document
  return { ...document, releases: new Map([...document.releases].map(([v, r]) => [v, { ...r, deprecated: true }])) }
}

/** The document of a project, of its files by version. */
export function documentOf(
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
