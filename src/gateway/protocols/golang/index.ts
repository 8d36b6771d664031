// The module proxy protocol (go.dev/ref/mod: GOPROXY protocol): a list of versions, and three files for each of them.
import { reduceVersionList } from "../../../packages/registries/golang.ts"
import { JsonError, pickJson } from "../../../packages/registries/json-pick.ts"
import { isRecord } from "../../../packages/registries/values.ts"
import { compareVersions, isPrerelease } from "../../../packages/versions.ts"
import { ListingError, type Protocol, type UpstreamFile } from "../../types.ts"
import { escapeCase, isModuleVersion } from "./names.ts"
import { readGolang } from "./read.ts"

/** The tagged versions of a module; none where nobody tagged any. Others exist, and are told by their files alone. */
export interface VersionList {
  name: string
  versions: readonly string[]
  latest: string | undefined
}

/**
 * The protocol of `/go`. A list cannot mark a version, and a pin does not ask for it: whatever is not served is left out. Versions
 * that no list names (pseudo-versions) have files all the same.
 */
export const golangProtocol: Protocol<VersionList> = {
  ecosystem: "golang",
  // With an empty list go goes on to ask for the latest version, and shows that refusal.
  refusesListing: false,
  read: readGolang,
  source: (name, base) => ({ url: `${base}/${escapeCase(name)}/@v/list`, accept: "text/plain, */*" }),
  parse: (body, name) => parseVersionList(body, name),
  versions: ({ versions }) => versions,
  tags: ({ latest }): Record<string, string> => (latest === undefined ? {} : { latest }),
  files: ({ name }, version, base) => (isModuleVersion(name, version) ? filesOf(name, version, base) : []),
  render: ({ versions }, _request, { withheld }) => ({
    contentType: "text/plain; charset=utf-8",
    body: versions.map((version) => (withheld.has(version) ? "" : `${version}\n`)).join(""),
  }),
  resolve: ({ name, form, version }, base) => ({
    url: `${base}/${escapeCase(name)}/${form === "latest" ? "@latest" : `@v/${escapeCase(version)}.info`}`,
    accept: "application/json",
  }),
  resolved: readResolved,
  releaseFile: (version) => `${version}.info`,
}

function parseVersionList(body: Buffer, name: string): VersionList {
  try {
    const { releases } = reduceVersionList(body, name, 0)
    const versions = [...releases.keys()].filter((version) => isModuleVersion(name, version))
    return { name, versions, latest: newestOf(versions) }
  } catch (error) {
    if (error instanceof JsonError) throw new ListingError("the answer is not a list of versions")
    throw error
  }
}

/** Go's own choice: the newest release, else the newest pre-release. */
function newestOf(versions: readonly string[]): string | undefined {
  const releases = versions.filter((version) => !isPrerelease("golang", version))
  const [first, ...others] = releases.length > 0 ? releases : versions
  return others.reduce((a, b) => (compareVersions("golang", b, a!) > 0 ? b : a), first)
}

/** Go's database of checksums, or the client's go.sum, holds what the proxy promises no hash of. */
function filesOf(name: string, version: string, base: string): UpstreamFile[] {
  const file = (extension: string, contentType: string): UpstreamFile => ({
    file: `${version}.${extension}`,
    url: `${base}/${escapeCase(name)}/@v/${escapeCase(version)}.${extension}`,
    integrity: [],
    contentType,
    // Neither holds code. Go reads the go.mod of versions that it does not take, and a way out of a refusal leads past them.
    ...(extension !== "zip" && { metadata: true }),
  })
  return [file("info", "application/json"), file("mod", "text/plain; charset=utf-8"), file("zip", "application/zip")]
}

function readResolved(body: Buffer, name: string): string {
  try {
    const info = pickJson(body, { fields: { Version: "value" } })
    if (isRecord(info) && typeof info.Version === "string" && isModuleVersion(name, info.Version)) return info.Version
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
  }
  throw new ListingError("the answer names no version of the module")
}
