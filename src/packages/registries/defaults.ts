// The ecosystems' own registries, as the purl library knows them: no host is spelled out in nanoguard.
import type { Ecosystem } from "../../policy/types.ts"

/** A package that exists everywhere: only the address around its name is of interest. */
const PROBE: Record<Ecosystem, { namespace?: string; name: string; version: string; path: string }> = {
  npm: { name: "axios", version: "1.6.0", path: "/axios/" },
  pypi: { name: "requests", version: "2.31.0", path: "/simple/requests/" },
  cargo: { name: "serde", version: "1.0.0", path: "/api/v1/crates/serde/" },
  golang: { namespace: "golang.org/x", name: "text", version: "v0.3.0", path: "/golang.org/x/text/" },
}

/** What `askLibrary` answers, written in by the build, so that a run need not load the library for four constants. */
declare const DEFAULT_BASES: Partial<Record<Ecosystem, string>> | undefined

/** The base address of an ecosystem's default registry, without a trailing slash. */
export async function defaultBase(ecosystem: Ecosystem): Promise<string | undefined> {
  return typeof DEFAULT_BASES === "undefined" ? askLibrary(ecosystem) : DEFAULT_BASES[ecosystem]
}

/** The same, always asked of the purl library. */
export async function askLibrary(ecosystem: Ecosystem): Promise<string | undefined> {
  const { PackageURL, UrlConverter } = await import("@socketregistry/packageurl-js")
  const { namespace, name, version, path } = PROBE[ecosystem]
  const purl = new PackageURL(ecosystem, namespace, name, version, undefined, undefined)
  const url = UrlConverter.toDownloadUrl(purl)?.url
  const end = url?.indexOf(path) ?? -1
  return url === undefined || end === -1 ? undefined : url.slice(0, end)
}
