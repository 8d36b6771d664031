// Which registry an address in a Python, Cargo or Go lockfile is. npm's own rules are in sources.ts.
import type { Ecosystem, PackageSource } from "../../policy/types.ts"
import { defaultBase } from "../registries/defaults.ts"

/** No registry has longer addresses. */
const MAX_ADDRESS = 4096

const known = new Map<Ecosystem, Promise<URL | undefined>>()

/** The address of an ecosystem's own registry. */
function defaultRegistry(ecosystem: Ecosystem): Promise<URL | undefined> {
  let address = known.get(ecosystem)
  if (address === undefined) {
    address = defaultBase(ecosystem).then((base) => (base === undefined ? undefined : new URL(base)))
    known.set(ecosystem, address)
  }
  return address
}

/**
 * The origin of a Python index: "default" for the ecosystem's own simple index over https, in any spelling of its path's end; else
 * the base URL without credentials. Undefined where the text is no web address (a directory, an environment variable).
 */
export async function pythonOrigin(index: string): Promise<string | undefined> {
  const url = webAddress(index)
  if (url === undefined) return undefined
  const usual = await defaultRegistry("pypi")
  const path = trimSlashes(url.pathname)
  if (
    usual !== undefined &&
    url.protocol === "https:" &&
    url.host === usual.host &&
    (path === "/simple" || path === "/pypi")
  ) {
    return "default"
  }
  return `${url.origin}${path}`
}

/** The origin that a BOM states for a package: "default" for the ecosystem's own registry over https. Undefined where it is no web address. */
export async function registryOrigin(ecosystem: string, address: string): Promise<string | undefined> {
  const url = webAddress(address)
  if (url === undefined) return undefined
  const usual = isEcosystem(ecosystem) ? await defaultRegistry(ecosystem) : undefined
  const path = trimSlashes(url.pathname)
  const paths = ecosystem === "pypi" ? ["", "/simple", "/pypi"] : [""]
  if (usual !== undefined && url.protocol === "https:" && url.host === usual.host && paths.includes(path))
    return "default"
  return `${url.origin}${path}`
}

function isEcosystem(text: string): text is Ecosystem {
  return text === "npm" || text === "pypi" || text === "cargo" || text === "golang"
}

/**
 * The source behind `source` in Cargo.lock (`registry+`, `sparse+`, `git+`; the kinds of Cargo's SourceId). The ecosystem's own registry has
 * two addresses, the sparse index on its own host and a git index whose repository bears its name; both are "default".
 */
export async function cargoSource(text: string): Promise<PackageSource | undefined> {
  const plus = text.indexOf("+")
  const kind = text.slice(0, Math.max(plus, 0))
  const address = text.slice(plus + 1)
  if (kind === "git") return { kind: "git", url: withoutCredentials(address) }
  if (kind === "path" || kind === "directory" || kind === "local-registry") return { kind: "file", path: address }
  if (kind !== "registry" && kind !== "sparse") return undefined
  const url = webAddress(address)
  if (url === undefined) return { kind: "url", url: withoutCredentials(address) }
  const usual = await defaultRegistry("cargo")
  const path = trimSlashes(url.pathname)
  if (usual !== undefined && url.protocol === "https:") {
    if (url.host === `index.${usual.host}` && path === "") return { kind: "registry", origin: "default" }
    // The git index lives in Rust's own organisation on GitHub: <organisation>/<registry host>-index.
    if (kind === "registry" && url.host === "github.com" && path === `/rust-lang/${usual.host}-index`) {
      return { kind: "registry", origin: "default" }
    }
  }
  return { kind: "registry", origin: `${url.origin}${path}` }
}

/** An http(s) address without control characters or blanks; undefined for anything else. */
export function webAddress(text: string): URL | undefined {
  if (text.length > MAX_ADDRESS || /[\s\x00-\x1f\\]/.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined
  url.username = ""
  url.password = ""
  return url
}

/** An address without its user and password: a lockfile's secrets must not end up in a report. */
export function withoutCredentials(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1")
}

function trimSlashes(path: string): string {
  return path.replace(/\/+$/, "")
}
