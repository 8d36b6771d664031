// Which request of the npm registry's protocol a client sends (npm's documentation: registry API; npm-registry-fetch).
import type { FrontRequest, RawRequest } from "../../types.ts"
import { archiveName, readArchive, readVersion, splitPath, takeName } from "./names.ts"
import { readService } from "./read-service.ts"

/** Forms of a listing: the whole document, the one that installs need, and its tags alone. */
export type Form = "full" | "abbreviated" | "dist-tags"

export const ABBREVIATED = "application/vnd.npm.install-v1+json"

const TAG = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/

/**
 * Reads a request below the mount. Undefined for what the protocol does not know and for every trick with a path. A
 * `release` holds a version or, where it is no version, a tag such as `latest`.
 */
export function readRequest({ method, path, accept }: RawRequest): FrontRequest | undefined {
  const segments = splitPath(path)
  if (segments === undefined) return undefined
  if (segments[0] === "-") return readService(method, segments.slice(1))
  const taken = takeName(segments)
  if (taken === undefined) return undefined
  const { name, rest } = taken
  // npm 10 puts the path of an attestation's address behind the registry's own, so that our mount is there twice.
  if (name === "npm" && rest[0] === "-" && rest[1] === "npm") return readService(method, rest.slice(1))
  if (method === "PUT" || method === "DELETE") return publishing(rest)
  if (method !== "GET" && method !== "HEAD") return undefined
  const [first, second, third] = rest
  if (rest.length === 0) return { kind: "listing", name, form: formOf(accept) }
  if (rest.length === 1) return release(name, first!, accept)
  if (first !== "-") return undefined
  if (rest.length === 2) return artifact(name, second!)
  // Artifactory and others repeat the scope in front of the file.
  return rest.length === 3 && name.startsWith(`${second}/`) ? artifact(name, third!) : undefined
}

/** Installs ask for the abbreviated form first; whoever does not name it gets the full one. */
export function formOf(accept: string): Form {
  return accept.includes(ABBREVIATED) ? "abbreviated" : "full"
}

function release(name: string, segment: string, accept: string): FrontRequest | undefined {
  const version = readVersion(segment) ?? (TAG.test(segment) ? segment : undefined)
  return version === undefined ? undefined : { kind: "release", name, version, form: formOf(accept) }
}

function artifact(name: string, file: string): FrontRequest | undefined {
  const version = readArchive(name, file)
  return version === undefined ? undefined : { kind: "artifact", name, version, file: archiveName(name, version) }
}

function publishing(rest: readonly string[]): FrontRequest | undefined {
  const known = rest.length === 0 || rest[0] === "-rev" || rest[0] === "-"
  const hint = "This registry is for reading: publish to the registry itself, outside of the gate."
  return known ? { kind: "unsupported", what: "publish", hint } : undefined
}
