// An upstream's page of a project in either of its forms: JSON (PEP 691, 700) or HTML (PEP 503, 592, 658).
import { normalisePythonName } from "../../../packages/purl.ts"
import { isRecord } from "../../../packages/registries/values.ts"
import { ListingError } from "../../types.ts"
import { fileOf, type RawFile } from "./file.ts"
import { type Attributes, readLinks } from "./html.ts"
import type { Project, ProjectFile } from "./types.ts"

/** Several times the largest projects there are. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_FILES = 100_000

/**
 * Reads the page of the project `name`, told by its first character rather than by a header. Files of which no version can be told, that have
 * no usable address, or a name that was there before, are left out. Throws `ListingError`.
 */
export function parseProject(body: Buffer, name: string, url: string): Project {
  if (body.length > MAX_BYTES) throw new ListingError(`the page of a project is larger than ${MAX_BYTES} bytes`)
  const start = body.subarray(0, 1024).toString("latin1").trimStart()
  const raw = start.startsWith("{") ? jsonFiles(body, name) : start.startsWith("<") ? htmlFiles(body, url) : undefined
  if (raw === undefined) throw new ListingError("the index answered with neither JSON (PEP 691) nor HTML (PEP 503)")
  if (raw.length > MAX_FILES) throw new ListingError(TOO_MANY)
  const files = new Map<string, ProjectFile>()
  const byVersion = new Map<string, ProjectFile[]>()
  for (const entry of raw) {
    const file = fileOf(entry, name, url)
    if (file === undefined || files.has(file.filename)) continue
    files.set(file.filename, file)
    const group = byVersion.get(file.version)
    if (group === undefined) byVersion.set(file.version, [file])
    else group.push(file)
  }
  return { name, files: [...files.values()], byVersion }
}

const TOO_MANY = `the index lists more than ${MAX_FILES} files of one project`

function jsonFiles(body: Buffer, name: string): RawFile[] {
  let page: unknown
  try {
    page = JSON.parse(body.toString("utf8"))
  } catch {
    throw new ListingError("the page of a project is not JSON, though it begins like it")
  }
  if (!isRecord(page) || typeof page.name !== "string" || normalisePythonName(page.name.slice(0, 500)) !== name)
    throw new ListingError("the index answered with the page of another project")
  const version = isRecord(page.meta) ? page.meta["api-version"] : undefined
  if (version !== undefined && !(typeof version === "string" && version.startsWith("1.")))
    throw new ListingError("the index speaks a version of the simple repository API that is not 1")
  if (!Array.isArray(page.files)) throw new ListingError("the page of a project lists no files")
  return page.files.map((entry: unknown): RawFile => {
    if (!isRecord(entry)) return {}
    const { filename, url, hashes, size, yanked } = entry
    return {
      ...{ filename, url, hashes, size },
      yanked: yanked === true || (typeof yanked === "string" && yanked !== ""),
      // PEP 714: the newer key counts where both are there.
      metadata: entry["core-metadata"] ?? entry["dist-info-metadata"],
      requiresPython: entry["requires-python"],
      uploaded: entry["upload-time"],
    }
  })
}

function htmlFiles(body: Buffer, url: string): RawFile[] {
  const links = readLinks(body.toString("utf8"), MAX_FILES)
  if (links === undefined) throw new ListingError(TOO_MANY)
  const base = links.base === undefined ? url : (URL.parse(links.base, url)?.href ?? url)
  return links.anchors.map((anchor) => anchorFile(anchor, base))
}

function anchorFile(anchor: Attributes, base: string): RawFile {
  const url = URL.parse(anchor.get("href")!, base)
  if (url === null) return {}
  const metadata = anchor.get("data-core-metadata") ?? anchor.get("data-dist-info-metadata")
  return {
    filename: lastSegment(url.pathname),
    url: url.href,
    hashes: fragmentHashes(url.hash.slice(1)),
    // PEP 592: the attribute's being there says it, with or without a reason.
    yanked: anchor.has("data-yanked"),
    metadata: metadata === undefined || metadata === "true" ? metadata === "true" : fragmentHashes(metadata),
    requiresPython: anchor.get("data-requires-python"),
  }
}

/** Installers take a file's name from its address. */
function lastSegment(path: string): string | undefined {
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1))
  } catch {
    return undefined
  }
}

/** `sha256=...`, alone or among others (`egg=...&sha256=...`). */
function fragmentHashes(fragment: string): Record<string, string> {
  const pairs = fragment.slice(0, 1000).split("&", 10)
  return Object.fromEntries(pairs.map((pair) => [pair.split("=", 1)[0]!, pair.slice(pair.indexOf("=") + 1)]))
}
