// One file of a project's page, from whichever form: each value is checked against its own grammar, or not there.

import { versionOfFile } from "../../../packages/registries/pypi-filename.ts"
import type { RawFile } from "../../../packages/registries/pypi-html.ts"
import { boundedString, isRecord, timeOf } from "../../../packages/registries/values.ts"
import type { Hash, ProjectFile } from "./types.ts"

const MAX_URL = 2048
const STRONG = ["sha512", "sha384", "sha256"] as const
/** Better than nothing, on indexes that have no other. */
const WEAK = ["sha1", "md5"] as const
const DIGITS = { sha512: 128, sha384: 96, sha256: 64, sha1: 40, md5: 32 }
const SPECIFIERS = /^(?:(?:===|[=~!<>]=|[<>]) ?[A-Za-z0-9.*+!_-]{1,60},? ?){1,30}$/
const UTC = /^\d{4}-(?:0[1-9]|1[0-2])-(?:[0-2]\d|3[01])T[0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,9})?Z$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/

/** The file, if its name tells its version and its address can be asked. Addresses may be relative to the page's `url`. */
export function fileOf(raw: RawFile, name: string, url: string): ProjectFile | undefined {
  const { filename, requiresPython, size, uploaded } = raw
  if (typeof filename !== "string") return undefined
  const version = versionOfFile(filename, name)
  const address = version === undefined ? undefined : addressOf(raw.url, url)
  if (version === undefined || address === undefined) return undefined
  const metadata = metadataOf(raw.metadata)
  const time = uploadOf(uploaded)
  return {
    ...{ filename, version, url: address, hashes: hashesOf(raw.hashes), yanked: raw.yanked === true },
    ...(metadata !== undefined && { metadata }),
    ...(typeof requiresPython === "string" && SPECIFIERS.test(requiresPython) && { requiresPython }),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size >= 0 && { size }),
    ...(time !== undefined && { uploaded: time }),
    ...(raw.provenance !== undefined && { provenance: boundedString(raw.provenance, MAX_URL) ?? null }),
  }
}

/** As PEP 700 wants it, in UTC. */
function uploadOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined
  if (UTC.test(value)) return value
  const time = TIME.test(value) ? timeOf(value) : undefined
  return time === undefined ? undefined : new Date(time).toISOString()
}

/** An address that comes out of the parser as it went in. Most do, and there may be tens of thousands. */
const PLAIN = /^https:\/\/[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+(?:\/[A-Za-z0-9_-][A-Za-z0-9._+-]*)+$/

function addressOf(value: unknown, base: string): string | undefined {
  if (typeof value !== "string" || value.length > MAX_URL) return undefined
  if (PLAIN.test(value)) return value
  const url = URL.parse(value, base)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return undefined
  url.hash = ""
  return url.href
}

/** Weak hashes only where there is no strong one: a client that read them would believe less than it could. */
function hashesOf(value: unknown): Hash[] {
  if (!isRecord(value)) return []
  const pick = (algorithms: readonly Hash["algorithm"][]) =>
    algorithms.flatMap((algorithm) => hashOf(algorithm, value[algorithm]))
  const strong = pick(STRONG)
  return strong.length > 0 ? strong : pick(WEAK)
}

function hashOf(algorithm: Hash["algorithm"], hex: unknown): Hash[] {
  const fits = typeof hex === "string" && hex.length === DIGITS[algorithm] && /^[0-9a-fA-F]+$/.test(hex)
  return fits ? [{ algorithm, hex: hex.toLowerCase() }] : []
}

/** PEP 658 and 714: a hash, or that there is one. */
function metadataOf(value: unknown): Hash | true | undefined {
  if (value === true) return true
  return isRecord(value) ? (hashesOf(value)[0] ?? true) : undefined
}
