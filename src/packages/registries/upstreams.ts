// Which base address answers for a name: the policy's pin, else the person's own configuration. A pinned name never falls
// through to another registry, and a package of a registry that nobody listed is not looked up elsewhere.
import { EXIT, NanoguardError } from "../../errors.ts"
import { matchesName, parseScope } from "../../policy/purl-pattern.ts"
import type { Ecosystem } from "../../policy/types.ts"
import { parseBase } from "./config-files.ts"

/** An entry of the policy's `packages.registries`: `scope` is "@acme/*" or a purl ending in *; without one it is only listed. */
export interface Pin {
  scope?: string | undefined
  upstream: string
}

/** The base address for a name that a lockfile has from `origin`; undefined where no registry may answer for it. */
export type BaseOf = (name: string, origin?: string) => string | undefined

/** `configured` gives the base by the package manager's own configuration. Throws `NanoguardError` on an unusable pin. */
export function createBaseOf(
  ecosystem: Ecosystem,
  pins: readonly Pin[],
  configured: (name: string) => string | undefined,
): BaseOf {
  // The law's own reading of names: one that it holds for pinned may never be asked of another registry.
  const listed = pins.map(({ scope, upstream }) => ({ pattern: patternOf(scope), base: upstreamOf(upstream) }))
  return (name, origin = "default") => {
    const pin = listed.find(({ pattern }) => pattern !== undefined && matchesName(pattern, ecosystem, name))
    if (pin !== undefined) return pin.base
    const base = configured(name)
    if (origin === "default" || (base !== undefined && isSameBase(origin, base))) return base
    return listed.find((entry) => entry.pattern === undefined && isSameBase(origin, entry.base))?.base
  }
}

function patternOf(scope: string | undefined) {
  if (scope === undefined) return undefined
  const pattern = parseScope(scope)
  if (pattern !== undefined) return pattern
  throw new NanoguardError("a registry's scope in the policy is none", {
    exit: EXIT.configuration,
    hint: 'write it as "@acme/*" or as a purl such as pkg:pypi/acme-*',
  })
}

/** The same registry, whether or not its address ends in a slash or in PyPI's /simple. */
function isSameBase(a: string, b: string): boolean {
  const plain = (address: string) => parseBase(address)?.baseUrl.replace(/\/simple$/, "")
  return plain(a) !== undefined && plain(a) === plain(b)
}

function upstreamOf(upstream: string): string {
  const base = parseBase(upstream)
  if (base !== undefined) return base.baseUrl
  throw new NanoguardError("a registry's upstream in the policy is not an http(s) address", {
    exit: EXIT.configuration,
    hint: "write it as https://host/path",
  })
}

/**
 * Whether an address that an index named may be asked: on the index's own host, or on another public-looking https one.
 * Bare addresses and single-label hosts are not learnt: an answer must not lead into the network that nanoguard runs in.
 */
export function isLearntAddress(address: string, base: string): boolean {
  const url = URL.parse(address)
  if (url === null || url.username !== "" || url.password !== "") return false
  if (url.origin === new URL(base).origin) return true
  return (
    url.protocol === "https:" &&
    /\.[a-z][a-z0-9-]*$/i.test(url.hostname) &&
    !/\.(?:local|internal|localhost)$/i.test(url.hostname)
  )
}
