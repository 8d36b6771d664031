// Bills of materials as input: what CycloneDX and SPDX components have in common.
import type { PackageSource } from "../../policy/types.ts"
import { type ParsedPurl, parsePurl, purlOf } from "../purl.ts"
import type { Dependency } from "../types.ts"
import { isValidVersion } from "../versions.ts"
import { countOf, uniqueKey } from "./entries.ts"
import { registryOrigin, withoutCredentials } from "./origins.ts"
import { isPythonName } from "./pep508.ts"

/**
 * A component's purl as an entry; undefined where it has none that can be read. A version that is none in its ecosystem (a range, "latest") becomes
 * "", which never reads as vetted.
 */
export async function createComponent(
  text: string,
  integrity: string[],
  taken: Set<string>,
): Promise<Dependency | undefined> {
  const purl = parsePurl(text)
  // Percent-encoding may hide control and bidi characters, which no package name has.
  if (purl === undefined || /[^\x21-\x7e]/.test(purl.name) || (purl.ecosystem === "pypi" && !isPythonName(purl.name))) {
    return undefined
  }
  const { ecosystem, name } = purl
  const version = versionOf(purl)
  return {
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source: await sourceOf(purl),
    integrity,
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key: uniqueKey(`${ecosystem}:${version === "" ? name : `${name}@${version}`}`, taken),
  }
}

/** What a BOM holds back: components that cannot be looked up, and those without an exact version. */
export function componentWarnings(nameless: number, dependencies: readonly Dependency[]): string[] {
  const unversioned = dependencies.filter((entry) => entry.version === "").length
  return [
    ...(nameless > 0 ? [`${countOf(nameless, "component")} without a readable purl: not vetted`] : []),
    ...(unversioned > 0 ? [`${countOf(unversioned, "component")} without an exact version`] : []),
  ]
}

function versionOf({ ecosystem, version }: ParsedPurl): string {
  const known = ["npm", "pypi", "cargo", "golang"].includes(ecosystem)
  if (known ? !isValidVersion(ecosystem, version) : !/^[\x21-\x7e]{0,256}$/.test(version)) return ""
  // Go's own spelling has the v, which some tools drop.
  return ecosystem === "golang" && !version.startsWith("v") ? `v${version}` : version
}

/** The qualifiers that say where a package comes from (purl specification, "Known qualifiers"). */
async function sourceOf({ ecosystem, qualifiers }: ParsedPurl): Promise<PackageSource> {
  const vcs = qualifiers.get("vcs_url")
  if (vcs !== undefined) return { kind: "git", url: withoutCredentials(vcs) }
  const download = qualifiers.get("download_url")
  if (download !== undefined) return { kind: "url", url: withoutCredentials(download) }
  const repository = qualifiers.get("repository_url")
  if (repository === undefined) return { kind: "registry", origin: "default" }
  // Often written without a scheme.
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(repository) ? repository : `https://${repository}`
  return { kind: "registry", origin: (await registryOrigin(ecosystem, address)) ?? withoutCredentials(address) }
}
