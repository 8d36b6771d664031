// Names, versions and files in addresses of the npm registry: one strict reading and one spelling.
import { isNpmName } from "../../../packages/registries/npm.ts"
import { isValidVersion } from "../../../packages/versions.ts"

/** Only a slash, an @ and a + are ever escaped by clients; every other escape is a trick. `//` and an empty segment are none. */
const PATH = /^(?:\/(?:[A-Za-z0-9@._~!'()*+:,-]|%2[FfBb]|%40)+)+$/
const MAX_PATH = 1024

const SCOPED = /^(@[^@/%]+)%2[Ff]([^@/%]+)$/

/** Segments of a path, without their leading slash; undefined for a path that no client has a reason to send. */
export function splitPath(path: string): string[] | undefined {
  if (path.length > MAX_PATH || !PATH.test(path)) return undefined
  const segments = path.slice(1).split("/")
  return segments.some((segment) => /^\.+$/.test(segment)) ? undefined : segments
}

/** A package's name at the beginning of segments, in one of its three spellings, and what follows it. */
export function takeName(segments: readonly string[]): { name: string; rest: readonly string[] } | undefined {
  const [first, second] = segments
  if (first === undefined) return undefined
  const start = first.startsWith("%40") ? `@${first.slice(3)}` : first
  const escaped = SCOPED.exec(start)
  if (escaped !== null) return named(`${escaped[1]}/${escaped[2]}`, segments.slice(1))
  if (!start.startsWith("@")) return named(start, segments.slice(1))
  return second === undefined ? undefined : named(`${start}/${second}`, segments.slice(2))
}

function named(name: string, rest: readonly string[]) {
  return isNpmName(name) ? { name, rest } : undefined
}

/** The version that a segment spells; undefined where it is none by SemVer. */
export function readVersion(segment: string): string | undefined {
  const version = segment.replace(/%2b/gi, "+")
  return isValidVersion("npm", version) ? version : undefined
}

/** The registry's own name for a version's archive: the package's name without its scope, and the version. */
export function archiveName(name: string, version: string): string {
  return `${name.slice(name.indexOf("/") + 1)}-${version}.tgz`
}

/** The version of an archive of that package; undefined where the file is not spelled as one. */
export function readArchive(name: string, file: string): string | undefined {
  const start = `${name.slice(name.indexOf("/") + 1)}-`
  return file.startsWith(start) && file.endsWith(".tgz") ? readVersion(file.slice(start.length, -4)) : undefined
}

/** A valid version as a part of an address. */
export function escapeVersion(version: string): string {
  return version.replaceAll("+", "%2B")
}
