// Reads what cargo asks of a sparse registry (doc.rust-lang.org/cargo: registry index; registry web API).
import { indexPath, isCrateName } from "../../../packages/registries/crate-address.ts"
import { isValidVersion } from "../../../packages/versions.ts"
import type { FrontRequest, RawRequest } from "../../types.ts"
import { splitSegments } from "../segments.ts"

const MAX_VERSION = 128

/** What a request asks for; undefined for everything that cargo would not ask. Names are in lower case, as in the index. */
export function readCargo({ method, path }: RawRequest): FrontRequest | undefined {
  const segments = splitSegments(path)
  if (segments === undefined) return undefined
  const [area, ...rest] = segments
  if (area === "api") return readApi(method, rest)
  if (method !== "GET" && method !== "HEAD") return undefined
  if (area === "index" || area === "auth") return readIndex(area, rest.join("/"))
  if (area === "crates" && rest.length === 3 && rest[2] === "download") return artifactOf(rest[0], rest[1])
  if (area === "-" && rest.length === 6 && rest[0] === "blocked") {
    const artifact = artifactOf(rest[3], rest[4])
    return artifact?.file === rest[5] ? artifact : undefined
  }
  return undefined
}

/** The same index twice: `auth` is for who has a token, and its config.json has cargo send it. */
function readIndex(area: "index" | "auth", path: string): FrontRequest | undefined {
  if (path === "config.json") return { kind: "service", service: area === "auth" ? "config-auth" : "config" }
  const name = path.slice(path.lastIndexOf("/") + 1)
  if (!isCrateName(name) || name !== name.toLowerCase() || path !== indexPath(name)) return undefined
  return { kind: "listing", name, form: "" }
}

function artifactOf(crate = "", version = ""): (FrontRequest & { kind: "artifact" }) | undefined {
  if (!isCrateName(crate) || version.length > MAX_VERSION || !isValidVersion("cargo", version)) return undefined
  const name = crate.toLowerCase()
  return { kind: "artifact", name, version, file: crateFile(name, version) }
}

/** The name that a version's one file goes by here. */
export function crateFile(name: string, version: string): string {
  return `${name.toLowerCase()}-${version}.crate`
}

/** The web API: our config.json names none, so that cargo itself says so; this is for whoever asks all the same. */
function readApi(method: string, [version, area, ...rest]: string[]): FrontRequest | undefined {
  if (version !== "v1" || area !== "crates") return undefined
  const unsupported = (what: string, hint: string): FrontRequest => ({ kind: "unsupported", what, hint })
  if (rest.length === 0 && (method === "GET" || method === "HEAD")) {
    return unsupported("search", "Look for crates in the registry's own web pages.")
  }
  if (method === "PUT" && rest[0] === "new") {
    return unsupported("publish", "Publish straight to the registry, outside of the gate.")
  }
  if (rest[2] === "yank" || rest[2] === "unyank") {
    return unsupported("yank", "Yank at the registry itself, outside of the gate.")
  }
  if (rest[1] === "owners") return unsupported("owners", "Change owners at the registry itself, outside of the gate.")
  return undefined
}
