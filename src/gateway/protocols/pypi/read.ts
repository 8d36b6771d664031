// What a request below the PyPI mount asks for. A path is a few plain segments; whatever else it holds is unknown here.
import { normalisePythonName } from "../../../packages/purl.ts"
import { versionOfFile } from "../../../packages/registries/pypi-filename.ts"
import type { FrontRequest, RawRequest } from "../../types.ts"
import { formOf } from "./accept.ts"

/** PEP 508, at most as long as PyPI takes names. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,212}[A-Za-z0-9])?$/
/** What remains of a segment once the two characters that clients encode are decoded. No dot begins one. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+!-]*$/
const MAX_PATH = 1024
export const METADATA = ".metadata"

/**
 * Reads a request; undefined for what the protocol does not know. Any spelling of a name is answered under its normal form (PEP 503), with
 * or without the slash at the end, and never by a redirect: installers normalise before they ask, our addresses are absolute, and a redirect would have to
 * repeat what came before the mount, tokens included.
 */
export function readRequest({ method, path, accept }: RawRequest): FrontRequest | undefined {
  if (path.length > MAX_PATH || !path.startsWith("/")) return undefined
  const slash = path.length > 1 && path.endsWith("/")
  const segments = path
    .slice(1, slash ? -1 : undefined)
    .split("/")
    .map(readSegment)
  if (method === "POST" || method === "PUT") return UPLOAD
  if (method !== "GET" && method !== "HEAD") return undefined
  const [first, ...rest] = segments
  if (first === "-" && !slash) return readBlocked(rest)
  if (segments.includes(undefined)) return undefined
  if (first === "files" && !slash) return rest.length === 2 ? artifactOf(rest[0], rest[1]) : undefined
  if (first === "simple") return readSimple(rest, accept)
  if (first === "pypi") return readLegacy(rest)
  return first === "search" && rest.length === 0 ? SEARCH : undefined
}

const UPLOAD: FrontRequest = {
  kind: "unsupported",
  what: "uploading, and XML-RPC",
  hint: "publish to the registry itself, not through the gate",
}
const SEARCH: FrontRequest = {
  kind: "unsupported",
  what: "searching",
  hint: "ask for a package by its name",
}

function readSimple(rest: readonly (string | undefined)[], accept: string): FrontRequest | undefined {
  const [name, ...more] = rest
  if (name === undefined)
    return { kind: "unsupported", what: "the list of all projects", hint: "ask for one project: /simple/<name>/" }
  if (more.length > 0 || !NAME.test(name)) return undefined
  return { kind: "listing", name: normalisePythonName(name), form: formOf(accept) }
}

/** `/pypi/<name>/json` and `/pypi/<name>/<version>/json`: addresses in them would lead round the gate. */
function readLegacy(rest: readonly (string | undefined)[]): FrontRequest | undefined {
  if (rest.length < 2 || rest.length > 3 || rest.at(-1) !== "json" || !NAME.test(rest[0]!)) return undefined
  return {
    kind: "unsupported",
    what: "PyPI's older JSON interface",
    hint: "use the simple repository API (PEP 691): /simple/<name>/",
  }
}

/** `/-/blocked/<code>/<use-...>/<name>/<version>/<file>`: the words are for people, the rest says which file. */
function readBlocked(rest: readonly (string | undefined)[]): FrontRequest | undefined {
  if (rest.length !== 6 || rest[0] !== "blocked" || rest.includes(undefined)) return undefined
  const request = artifactOf(rest[3], rest[5])
  return request?.kind === "artifact" && request.version === rest[4] ? request : undefined
}

/** A file under the normal form of its project's name, which is how our addresses spell it. */
function artifactOf(name: string | undefined, file: string | undefined): FrontRequest | undefined {
  if (name === undefined || file === undefined || !NAME.test(name) || normalisePythonName(name) !== name)
    return undefined
  const archive = file.endsWith(METADATA) ? file.slice(0, -METADATA.length) : file
  const version = versionOfFile(archive, name)
  return version === undefined ? undefined : { kind: "artifact", name, version, file }
}

/** Clients encode two of the characters in our file names, `+` and `!`. Any other encoding is a trick. */
function readSegment(segment: string): string | undefined {
  const text = segment.replace(/%2b/gi, "+").replaceAll("%21", "!")
  return SEGMENT.test(text) || text === "-" ? text : undefined
}
