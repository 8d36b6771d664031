// Cargo's sparse registry protocol: the index below /index/, crates below /crates/.
import { parseForeignJson } from "../../../foreign-json.ts"
import { crateAddress, indexPath } from "../../../packages/registries/crate-address.ts"
import { boundedString, isRecord } from "../../../packages/registries/values.ts"
import { compareVersions, isPrerelease } from "../../../packages/versions.ts"
import { ListingError, type Plan, type Protocol, type Rendered, type UpstreamFile } from "../../types.ts"
import { type CrateIndex, markYanked, parseCrateIndex } from "./crate-index.ts"
import { crateFile, readCargo } from "./read.ts"

/** The protocol of `/cargo`. The upstream's config.json comes in by `prepare`: it alone knows where crates lie. */
export const cargoProtocol: Protocol<CrateIndex> = {
  ecosystem: "cargo",
  // Cargo reads the index of crates that it will not build (other platforms, optional ones): only their bytes are refused.
  refusesListing: false,
  read: readCargo,
  source: (name, base) => ({ url: `${base}/${indexPath(name.toLowerCase())}`, accept: "text/plain, */*" }),
  prepare: (base) => ({ url: `${base}/config.json`, accept: "application/json" }),
  parse: (body, name) => parseCrateIndex(body, name),
  nameOf: ({ name }) => name,
  versions: ({ releases }) => [...releases.keys()],
  tags: () => ({}),
  files: filesOf,
  render: ({ releases }, _request, plan) => renderIndex(releases, plan),
  answerService: ({ service }, base) =>
    /^config(-auth)?$/.test(service) ? renderConfig(base, service === "config-auth") : undefined,
}

function filesOf(
  { name, releases }: CrateIndex,
  version: string,
  _base: string,
  prepared: Buffer = Buffer.alloc(0),
): readonly UpstreamFile[] {
  const release = releases.get(version)
  if (release === undefined) return []
  const url = crateAddress(readDownloadTemplate(prepared), name, version, release.integrity)
  if (url === undefined) throw new ListingError(NO_TEMPLATE)
  const file = crateFile(name, version)
  return [{ file, url, integrity: [release.integrity], contentType: "application/octet-stream" }]
}

const NO_TEMPLATE = "the upstream's config.json does not say where crates lie"
const MAX_CONFIG = 64 * 1024
const MAX_TEMPLATE = 2048

/** The `dl` of a registry's config.json. Throws `ListingError`. */
export function readDownloadTemplate(config: Buffer): string {
  let read: unknown
  try {
    read = config.length > MAX_CONFIG ? undefined : parseForeignJson(config.toString("utf8"))
  } catch {}
  const template = isRecord(read) ? boundedString(read.dl, MAX_TEMPLATE) : undefined
  if (template === undefined) throw new ListingError(NO_TEMPLATE)
  return template
}

/**
 * Served versions as the registry wrote them, byte by byte. A listed one looks yanked, so that no range takes it; but a pin is then
 * refused by cargo itself, without a reason. So it stays as it is where every usual range that has it has a newer one that is served,
 * and where there is nothing to take instead.
 */
function renderIndex(releases: CrateIndex["releases"], { withheld }: Plan): Rendered {
  const newest = newestOfLines(releases, withheld)
  const lines: Buffer[] = []
  for (const [version, release] of releases) {
    const presentation = withheld.get(version)?.presentation ?? "served"
    if (presentation === "withheld") continue
    const top = newest.get(lineOf(version))
    const hidden = top !== undefined && compareVersions("cargo", top.version, version) > 0 && top.rust === release.rust
    if (presentation === "served" || hidden || newest.size === 0) lines.push(release.line, NEWLINE)
    else {
      const marked = markYanked(release.line)
      if (marked !== undefined) lines.push(Buffer.from(marked), NEWLINE)
    }
  }
  return { contentType: "text/plain; charset=utf-8", body: Buffer.concat(lines) }
}

const NEWLINE = Buffer.from("\n")

/** The newest served release of each minor line (`1.2`), which is what carets, tildes and wildcards end on. */
function newestOfLines(releases: CrateIndex["releases"], withheld: Plan["withheld"]) {
  const newest = new Map<string, { version: string; rust: string | undefined }>()
  for (const [version, { yanked, rust }] of releases) {
    if (yanked || withheld.has(version) || isPrerelease("cargo", version)) continue
    const line = lineOf(version)
    const known = newest.get(line)
    if (known === undefined || compareVersions("cargo", version, known.version) > 0) newest.set(line, { version, rust })
  }
  return newest
}

function lineOf(version: string): string {
  return version.slice(0, version.indexOf(".", version.indexOf(".") + 1))
}

/** Our own config.json: crates come from the gate; no `api`, so that cargo sends neither searches nor tokens here. */
function renderConfig(base: string, auth: boolean): Rendered {
  const dl = `${base}/crates/{crate}/{version}/download`
  return { contentType: "application/json", body: JSON.stringify(auth ? { dl, "auth-required": true } : { dl }) }
}
