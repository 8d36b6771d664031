// Where pnpm's "resolution" says that a package comes from.
import type { PackageSource } from "../../policy/types.ts"
import { readIntegrity } from "./integrity.ts"
import { isObject, type JsonObject } from "./json.ts"
import { DEFAULT_REGISTRY, gitSource, isRegistryPath, registrySource, sourceOfUrl } from "./sources.ts"

interface Named {
  name: string
  version: string
  /** Host and path of a registry in the key of versions 5 and 6. */
  registry?: string | undefined
}

/** The source of a package; undefined where the resolution is none that pnpm writes. */
export function pnpmSource(resolution: JsonObject, { name, version, registry }: Named): PackageSource | undefined {
  const { type, tarball, directory, repo, commit, integrity, url } = resolution as Record<string, string | undefined>
  if (type === "git" && typeof repo === "string") {
    const address = typeof commit === "string" ? `${repo}#${commit}` : repo
    return gitSource(address) ?? { kind: "git", url: address }
  }
  if (type === "directory" && typeof directory === "string") return { kind: "file", path: directory }
  if (type === "binary" && typeof url === "string") return { kind: "url", url }
  if (type === "variations") {
    // Each platform takes one of them: the worst speaks for all.
    const sources = variantsOf(resolution).map((variant) => pnpmSource(variant, { name, version }))
    if (sources.includes(undefined)) return undefined
    const worst = sources.sort((a, b) => badness(b!) - badness(a!))[0]
    const registries = sources.flatMap((one) =>
      one?.kind === "registry" && one.origin !== "default" ? one.origin : [],
    )
    // A policy may know one registry and not the other: of several, none can speak for all.
    const other = registries.find((origin) => origin !== registries[0])
    return worst?.kind === "registry" && other !== undefined ? { kind: "url", url: other } : worst
  }
  if (type !== undefined) return undefined
  if (typeof tarball === "string") {
    if (tarball.startsWith("file:")) return { kind: "file", path: tarball.slice(5) }
    // Written relative to the configured registry by old versions.
    if (!/^[a-z][a-z0-9+.-]*:/i.test(tarball)) {
      return isRegistryPath(tarball, name, version) ? DEFAULT_REGISTRY : { kind: "url", url: tarball }
    }
    return gitSource(tarball) ?? sourceOfUrl(tarball, name, version)
  }
  if (typeof integrity !== "string") return undefined
  if (typeof resolution["registry"] === "string") return registrySource(resolution["registry"])
  return registry === undefined ? DEFAULT_REGISTRY : registrySource(`https://${registry}/`)
}

/** How far a source is from the registry that pnpm is configured for. */
function badness(source: PackageSource): number {
  if (source.kind === "registry") return source.origin === "default" ? 0 : 1
  return ["file", "git", "url"].indexOf(source.kind) + 2
}

/** Hashes of a resolution, of every variant where it has several (one per platform); none where a variant has none. */
export function pnpmIntegrity(resolution: JsonObject): readonly string[] {
  if (resolution["type"] !== "variations") return readIntegrity(resolution["integrity"])
  const hashes = variantsOf(resolution).map(pnpmIntegrity)
  return hashes.some((own) => own.length === 0) ? [] : [...new Set(hashes.flat())]
}

/** The resolutions of all variants; one that is missing or no mapping is an empty one, which says nothing. */
function variantsOf(resolution: JsonObject): JsonObject[] {
  const variants = resolution["variants"]
  if (!Array.isArray(variants)) return []
  return variants.map((variant: unknown) => {
    const own = isObject(variant) ? variant["resolution"] : undefined
    return isObject(own) ? own : {}
  })
}
