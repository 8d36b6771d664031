// One entry of a bun.lock as a dependency. What an array holds depends on the source that its first item names:
//   registry  ["name@1.0.0", registry or archive ("" is the default), info, integrity]
//   git       ["name@git+...#commit" or "name@github:...", info, tag, integrity?]
//   archive   ["name@https://... or ./x.tgz", info, integrity?]      directory  ["name@file:path" or "name@link:path", info]
import type { PackageSource } from "../../policy/types.ts"
import { purlOf } from "../purl.ts"
import type { Dependency } from "../types.ts"
import { readIntegrity } from "./integrity.ts"
import { isObject, type JsonObject } from "./json.ts"
import type { Notes } from "./notes.ts"
import { assertNamed } from "./npmNames.ts"
import { DEFAULT_REGISTRY, gitSource, registrySource, sourceOfUrl } from "./sources.ts"

const MAX_TEXT = 4096

/** Reads an entry; `info` is what it wants. `installed` is the name of its place in node_modules. */
export function bunDependency(
  key: string,
  installed: string,
  item: readonly unknown[],
  notes: Notes,
  fail: (key: string, message: string) => Error,
): { dependency: Dependency; info: JsonObject } {
  const spec = String(item[0])
  const at = spec.indexOf("@", 1)
  if (at < 0 || spec.length > MAX_TEXT || key.length > MAX_TEXT)
    throw fail(key, "a package does not begin with `name@source`, or is overlong")
  const name = spec.slice(0, at)
  const range = spec.slice(at + 1)
  const isRelease = /^\d+\.\d+\.\d+/.test(range)
  const version = isRelease ? range : versionInArchive(range)
  const info = item.find(isObject) ?? {}
  const hashes = item
    .slice(1)
    .filter((value): value is string => typeof value === "string" && /^(sha\d+|md5)-/.test(value))
  const integrity = hashes.flatMap((hash) => readIntegrity(hash))
  if (integrity.length < hashes.length) notes.malformedHash.push(key)
  const dependency: Dependency = {
    purl: purlOf("npm", name, version),
    ecosystem: "npm",
    name,
    version,
    source: isRelease ? registryOf(item[1], name, version) : sourceOf(range, name, version),
    integrity,
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key,
  }
  if (installed !== name) dependency.alias = installed
  assertNamed(dependency, (message) => fail(key, message))
  if (info["bundled"] === true && hashes.length === 0) dependency.bundled = true
  if (info["hasInstallScript"] === true) dependency.claims = { installScripts: true }
  return { dependency, info }
}

function registryOf(stated: unknown, name: string, version: string): PackageSource {
  if (typeof stated !== "string" || stated === "") return DEFAULT_REGISTRY
  return /\.tgz([?#]|$)/.test(stated) ? sourceOfUrl(stated, name, version) : registrySource(stated)
}

/** bun writes no version for an archive; a registry's archive has it in its name. */
function versionInArchive(range: string): string {
  return /^https?:.*\/-\/.*?-(\d+\.\d+\.\d+[^/?#]*)\.tgz([?#]|$)/s.exec(range)?.[1] ?? ""
}

function sourceOf(range: string, name: string, version: string): PackageSource {
  const path = /^(?:file|link|workspace|root):(.*)$/s.exec(range)?.[1]
  if (path !== undefined) return { kind: "file", path }
  const git = gitSource(range)
  if (git !== undefined) return git
  return /^[a-z][a-z0-9+.-]*:/i.test(range) ? sourceOfUrl(range, name, version) : { kind: "file", path: range }
}
