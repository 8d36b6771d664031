// An upstream's page of a project in either of its forms: JSON (PEP 691, 700) or HTML (PEP 503, 592, 658).
import { parseForeignJson } from "../../../foreign-json.ts"
import { normalisePythonName } from "../../../packages/purl.ts"
import { isOutOfUse } from "../../../packages/registries/pypi-document.ts"
import { type RawFile, readHtmlFiles } from "../../../packages/registries/pypi-html.ts"
import { isRecord } from "../../../packages/registries/values.ts"
import { ListingError } from "../../types.ts"
import { fileOf } from "./file.ts"
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
  const page = start.startsWith("{") ? readJson(body, name) : start.startsWith("<") ? readHtml(body, url) : undefined
  if (page === undefined) throw new ListingError("the index answered with neither JSON (PEP 691) nor HTML (PEP 503)")
  if (page.files.length > MAX_FILES) throw new ListingError(TOO_MANY)
  const files = new Map<string, ProjectFile>()
  const byVersion = new Map<string, ProjectFile[]>()
  for (const entry of page.files) {
    const file = fileOf(entry, name, url)
    if (file === undefined || files.has(file.filename)) continue
    files.set(file.filename, file)
    const group = byVersion.get(file.version)
    if (group === undefined) byVersion.set(file.version, [file])
    else group.push(file)
  }
  return { name, outOfUse: page.outOfUse, files: [...files.values()], byVersion }
}

const TOO_MANY = `the index lists more than ${MAX_FILES} files of one project`

interface Page {
  files: RawFile[]
  outOfUse: boolean
}

function readJson(body: Buffer, name: string): Page {
  let page: unknown
  try {
    page = parseForeignJson(body.toString("utf8"))
  } catch {
    throw new ListingError("the page of a project is not JSON, though it begins like it")
  }
  if (!isRecord(page) || typeof page.name !== "string" || normalisePythonName(page.name.slice(0, 500)) !== name)
    throw new ListingError("the index answered with the page of another project")
  const version = isRecord(page.meta) ? page.meta["api-version"] : undefined
  if (version !== undefined && !(typeof version === "string" && version.startsWith("1.")))
    throw new ListingError("the index speaks a version of the simple repository API that is not 1")
  if (!Array.isArray(page.files)) throw new ListingError("the page of a project lists no files")
  const status = isRecord(page["project-status"]) ? page["project-status"].status : undefined
  return { files: page.files.map(rawFile), outOfUse: isOutOfUse(status) }
}

function rawFile(entry: unknown): RawFile {
  if (!isRecord(entry)) return {}
  const { filename, url, hashes, size, yanked, provenance } = entry
  return {
    ...{ filename, url, hashes, size, provenance },
    yanked: yanked === true || (typeof yanked === "string" && yanked !== ""),
    // PEP 714: the newer key counts where both are there.
    metadata: entry["core-metadata"] ?? entry["dist-info-metadata"],
    requiresPython: entry["requires-python"],
    uploaded: entry["upload-time"],
  }
}

function readHtml(body: Buffer, url: string): Page {
  const files = readHtmlFiles(body, url, MAX_FILES)
  if (files === undefined) throw new ListingError(TOO_MANY)
  return { files, outOfUse: false }
}
