// Reads what go asks of a module proxy (go.dev/ref/mod: GOPROXY protocol).
import type { FrontRequest, RawRequest } from "../../types.ts"
import { splitSegments } from "../segments.ts"
import { isModulePath, isModuleVersion, isRevision, unescapeCase } from "./names.ts"
import { readSumdbPath } from "./sumdb.ts"

/** What a request asks for; undefined for everything that go would not ask. */
export function readGolang({ method, path }: RawRequest): FrontRequest | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined
  const segments = splitSegments(path)
  if (segments === undefined) return undefined
  // A module path begins with an element that has a dot in it.
  if (segments[0] === "sumdb") {
    const rest = segments.slice(1).join("/")
    return readSumdbPath(rest) && { kind: "service", service: "sumdb", rest }
  }
  const last = segments.pop()
  if (last === "@latest") {
    const name = readModule(segments)
    return name === undefined ? undefined : { kind: "release", name, version: "latest", form: "latest" }
  }
  const name = segments.pop() === "@v" ? readModule(segments) : undefined
  if (name === undefined || last === undefined) return undefined
  return last === "list" ? { kind: "listing", name, form: "" } : readFile(name, last)
}

function readModule(segments: readonly string[]): string | undefined {
  const name = unescapeCase(segments.join("/"))
  return name !== undefined && isModulePath(name) ? name : undefined
}

function readFile(name: string, file: string): FrontRequest | undefined {
  const [, escaped = "", extension] = /^(.+)\.(info|mod|zip)$/.exec(file) ?? []
  const version = unescapeCase(escaped)
  if (version === undefined) return undefined
  if (isModuleVersion(name, version)) return { kind: "artifact", name, version, file: `${version}.${extension}` }
  return extension === "info" && isRevision(version) ? { kind: "release", name, version, form: "revision" } : undefined
}
