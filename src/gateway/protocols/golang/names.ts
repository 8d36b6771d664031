// Module paths and versions as module proxies spell them (go.dev/ref/mod: module paths and versions; GOPROXY protocol).
import { isValidVersion } from "../../../packages/versions.ts"

const MAX_PATH = 512
const MAX_VERSION = 128
const FIRST = /^[a-z0-9][a-z0-9.-]*$/
const ELEMENT = /^[A-Za-z0-9~_-](?:[A-Za-z0-9._~-]*[A-Za-z0-9~_-])?$/
/** Names that Windows keeps for devices, and its short forms of long names: go refuses both everywhere. */
const WINDOWS = /^(?:(?:con|prn|aux|nul|com[1-9]|lpt[1-9])|[^.]*~[0-9]+)(?:\.|$)/i
const MAJOR_ELEMENT = /^v[0-9.]+$/
const MAJOR = /^v(?:[2-9]|[1-9][0-9]+)$/
const QUERY = /^[A-Za-z0-9_][A-Za-z0-9._+~-]*$/

/** A path that a module can be downloaded by. */
export function isModulePath(path: string): boolean {
  if (path.length > MAX_PATH) return false
  const elements = path.split("/")
  const [first = "", ...others] = elements
  const last = others.at(-1)
  if (!FIRST.test(first) || !first.includes(".")) return false
  if (last !== undefined && MAJOR_ELEMENT.test(last) && !MAJOR.test(last)) return false
  return elements.every((element) => ELEMENT.test(element) && !WINDOWS.test(element))
}

/** A canonical version that the module may have by its path: v0 and v1 without a suffix, else the suffix's, or `+incompatible`. */
export function isModuleVersion(path: string, version: string): boolean {
  if (version.length > MAX_VERSION || !version.startsWith("v") || !isValidVersion("golang", version)) return false
  const [, build] = version.split("+")
  if (build !== undefined && build !== "incompatible") return false
  const major = version.slice(0, version.indexOf("."))
  const suffix = /\/(v[0-9]+)$/.exec(path)?.[1]
  if (suffix !== undefined) return build === undefined && major === suffix
  // Some hosts write the major version after a dot, by rules of their own.
  if (/\.v[0-9]+(?:-unstable)?$/.test(path)) return true
  return build === undefined ? major === "v0" || major === "v1" : major !== "v0" && major !== "v1"
}

/** A branch, a tag or a commit that go asks a proxy to make a version of. */
export function isRevision(text: string): boolean {
  return text.length <= MAX_VERSION && QUERY.test(text) && !text.endsWith(".")
}

/** Upper case as "!" and lower case: what file systems cannot tell apart has one spelling. */
export function escapeCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}

/** The text of what `escapeCase` gives; undefined for everything else, so that nothing has two spellings. */
export function unescapeCase(text: string): string | undefined {
  if (/[A-Z]|!(?![a-z])/.test(text)) return undefined
  return text.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
