// One entry of a berry lockfile as a dependency.
import type { PackageSource } from "../../policy/types.ts"
import { purlOf } from "../purl.ts"
import type { Dependency } from "../types.ts"
import type { JsonObject } from "./json.ts"
import { assertNamed } from "./npmNames.ts"
import { DEFAULT_REGISTRY, gitSource, sourceOfUrl } from "./sources.ts"

const MAX_TEXT = 4096

/** An entry as the file has it. */
export interface BerryEntry {
  key: string
  descriptors: string[]
  resolution: string
  fields: JsonObject
}

/** `name@range` of a descriptor or a locator; undefined where the text is neither. */
export function splitLocator(text: string): { name: string; range: string } | undefined {
  const at = text.indexOf("@", 1)
  return at < 0 ? undefined : { name: text.slice(0, at), range: text.slice(at + 1) }
}

/**
 * Reads an entry. yarn's `checksum` is of the zip that it makes itself, not of the registry's archive: there is no hash here to compare, and
 * `ownHash` says that there is one for yarn.
 */
export function berryDependency(entry: BerryEntry, fail: (key: string, message: string) => Error): Dependency {
  const { key, fields } = entry
  if (entry.resolution.length > MAX_TEXT) throw fail(key, "an entry with an overlong resolution")
  const locator = splitLocator(entry.resolution)
  if (locator === undefined || locator.name === "") throw fail(key, "the resolution is not `name@source`")
  const stated = fields["version"]
  if (typeof stated !== "string") throw fail(key, "an entry without a version: the file is cut off or was edited")
  const { name } = locator
  const pinned = /^npm:([^:]+)/.exec(locator.range)?.[1]
  const version = pinned ?? stated
  const dependency: Dependency = {
    purl: purlOf("npm", name, version),
    ecosystem: "npm",
    name,
    version,
    source: sourceOf(locator.range, name, version, 0),
    integrity: [],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key,
  }
  // A patched package is made from the entry that it patches, which has the checksum. Packages for other platforms have none.
  if (fields["checksum"] !== undefined || locator.range.startsWith("patch:")) dependency.ownHash = true
  const alias = entry.descriptors.map((descriptor) => splitLocator(descriptor)?.name).find((other) => other !== name)
  if (alias !== undefined) dependency.alias = alias
  assertNamed(dependency, (message) => fail(key, message))
  return dependency
}

function sourceOf(range: string, name: string, version: string, depth: number): PackageSource {
  // yarn takes all that follows the first `::` for bindings, a second one included.
  const cut = range.indexOf("::")
  const address = cut < 0 ? range : range.slice(0, cut)
  if (address.startsWith("npm:")) {
    if (cut < 0) return DEFAULT_REGISTRY
    // yarn binds a release to its archive, and to nothing else.
    const archive = /^__archiveUrl=([^&]*)$/.exec(range.slice(cut + 2))?.[1]
    return archive === undefined ? { kind: "url", url: range } : sourceOfUrl(safeDecode(archive), name, version)
  }
  if (address.startsWith("patch:") && depth < 5) {
    // A patch is part of the project or of yarn; what it is put on comes from elsewhere.
    const inner = splitLocator(safeDecode(address.slice(6).replace(/#.*$/s, "")))
    if (inner !== undefined) return sourceOf(inner.range, name, version, depth + 1)
  }
  const path = /^(file|link|portal|exec|workspace):(.*)$/s.exec(address)?.[2]
  if (path !== undefined) return { kind: "file", path: path.replace(/#.*$/s, "") }
  // An archive at an address is fetched from the whole of it.
  return gitSource(range) ?? sourceOfUrl(range, name, version)
}

/** Percent-decodes what can be decoded, and leaves what cannot. */
export function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
