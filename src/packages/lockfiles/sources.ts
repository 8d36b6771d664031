// Where an npm-family package comes from, told from what a lockfile wrote down.
import type { PackageSource } from "../../policy/types.ts"
import { defaultBase } from "../registries/defaults.ts"

/** No address in the lockfile: whatever registry the package manager is configured for. */
export const DEFAULT_REGISTRY: PackageSource = { kind: "registry", origin: "default" }

/** Longer texts are taken for URLs as they are. */
const MAX_ADDRESS = 4096

const sources = new Map<string, PackageSource | undefined>()

/**
 * The source behind the address of an archive. It is a registry only where the rest of the address is that registry's
 * archive of this very name and version; an address that leads anywhere else (another package's archive under this name is
 * how lockfiles are poisoned) is a plain URL. Query and fragment (yarn 1's `#sha1`) do not count.
 */
export function sourceOfUrl(url: string, name: string, version: string): PackageSource {
  const prefix = url.length <= MAX_ADDRESS ? registryPrefix(url, name, version) : undefined
  if (prefix !== undefined) {
    let source = sources.get(prefix)
    if (source === undefined && !sources.has(prefix)) {
      const origin = registryOrigin(prefix)
      source = origin === undefined ? undefined : { kind: "registry", origin }
      if (sources.size < 1000) sources.set(prefix, source)
    }
    if (source !== undefined) return source
  }
  return { kind: "url", url: withoutCredentials(url) }
}

/** True where a path relative to a registry is that of the package's own archive. */
export function isRegistryPath(path: string, name: string, version: string): boolean {
  const prefix = registryPrefix(path, name, version)
  return prefix === "" || prefix === "/"
}

/** A registry by its base URL; a plain URL where that is no proper one. */
export function registrySource(base: string): PackageSource {
  const origin = registryOrigin(base.endsWith("/") ? base : `${base}/`)
  return origin === undefined ? { kind: "url", url: withoutCredentials(base) } : { kind: "registry", origin }
}

/** What precedes the package's own path in the address of its archive, undefined where the address is not that archive's. */
function registryPrefix(url: string, name: string, version: string): string | undefined {
  const base = name.charCodeAt(0) === 0x40 ? name.slice(name.indexOf("/") + 1) : name
  const usual = `${name}/-/${base}-${version}.tgz`
  if (url.endsWith(usual)) return url.slice(0, -usual.length)
  const end = url.search(/[?#]/)
  const address = end < 0 ? url : url.slice(0, end)
  const plain = version.replace(/\+.*$/, "") // registries drop build metadata from file names
  const encoded = name.replace("/", "%2f")
  for (const path of [usual, `${name}/-/${base}-${plain}.tgz`, `${name}/-/${name}-${plain}.tgz`]) {
    if (address.endsWith(path)) return address.slice(0, -path.length)
  }
  const lower = address.replace("%2F", "%2f")
  for (const path of [`${encoded}/-/${base}-${plain}.tgz`, `${encoded}/-/${encoded}-${plain}.tgz`]) {
    if (lower.endsWith(path)) return address.slice(0, -path.length)
  }
  // GitHub Packages: <origin>/download/<name>/<version>/<digest>
  const digest = /\/[0-9a-f]{40,64}$/.exec(address)
  const download = `download/${name}/${version}`
  if (digest && address.slice(0, digest.index).endsWith(download))
    return address.slice(0, digest.index - download.length)
  return undefined
}

/** A prefix as a registry's base URL with a slash at its end; undefined where it is none, or hides a detour (`..`, a query). */
function registryOrigin(prefix: string): string | undefined {
  if (!prefix.endsWith("/") || !URL.canParse(prefix)) return undefined
  const url = new URL(prefix)
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "" || /[\\%\s]|\/\.\.?\//.test(prefix))
    return undefined
  return `${url.protocol}//${url.host}${url.pathname}`
}

function withoutCredentials(address: string): string {
  if (!address.includes("@") || !URL.canParse(address)) return address
  const url = new URL(address)
  if (url.username === "" && url.password === "") return address
  // `git+ssh://git@host` keeps its user, which is no secret and part of the address; `https://token@host` does not.
  if (/^(git\+)?https?:$/.test(url.protocol)) url.username = ""
  url.password = ""
  return url.href
}

/** Archives that a git host packs of one commit: what pnpm and yarn 1 fetch for a git dependency. */
const GIT_ARCHIVE =
  /^https:\/\/(codeload\.github\.com\/[^/?#]+\/[^/?#]+\/tar\.gz\/|bitbucket\.org\/[^/?#]+\/[^/?#]+\/get\/|gitlab\.com\/[^?#]+\/repository\/(archive|.*\/archive)\.tar\.gz)/

/** A git address in any of npm's, pnpm's and yarn's spellings; undefined where the text is none. */
export function gitSource(text: string): PackageSource | undefined {
  if (text.length > MAX_ADDRESS) return undefined
  if (
    GIT_ARCHIVE.test(text) ||
    /^(git(\+[a-z]+)?:|ssh:|git@|(github|gitlab|bitbucket|gist):)/i.test(text) ||
    /^https?:\/\/[^?#]+\.git([?#]|$)/i.test(text)
  ) {
    return { kind: "git", url: withoutCredentials(text) }
  }
  return undefined
}

/**
 * "default" where an origin is the registry that npm and yarn take for their own, or one of `defaults` (base URLs that the caller
 * has from the user's configuration); else the origin itself. As with npm's `replace-registry-host`, the public registry
 * counts wherever the project itself is installed from; a plain-text or otherwise rooted spelling of it does not.
 */
export async function normaliseOrigin(origin: string, defaults: readonly string[] = []): Promise<string> {
  if (origin === "default") return origin
  const wanted = withSlash(origin)
  if (defaults.some((base) => withSlash(base) === wanted)) return "default"
  publicOrigins ??= readPublicOrigins()
  return (await publicOrigins).includes(wanted) ? "default" : origin
}

let publicOrigins: Promise<string[]> | undefined

/**
 * The public npm registry's base URL, asked of the purl library, which knows it, when first needed; and the same registry under
 * the name that yarn 1 gives it, a host of that kind in yarn's own domain.
 */
async function readPublicOrigins(): Promise<string[]> {
  const base = await defaultBase("npm")
  if (base === undefined) return []
  const { protocol, hostname } = new URL(base)
  return [`${protocol}//${hostname}/`, `${protocol}//${hostname.split(".")[0]}.yarnpkg.com/`]
}

function withSlash(base: string): string {
  const href = URL.canParse(base) ? new URL(base).href : base
  return href.endsWith("/") ? href : `${href}/`
}
