// A crate's file in the index: one JSON object a line, one line a version (doc.rust-lang.org/cargo: registry index).
import { parseForeignJson } from "../../../foreign-json.ts"
import { JsonError, type PickedFields, pickJson } from "../../../packages/registries/json-pick.ts"
import { boundedString, sriOfHex } from "../../../packages/registries/values.ts"
import { isValidVersion } from "../../../packages/versions.ts"
import { ListingError } from "../../types.ts"
import { plainLine } from "../plain-json.ts"

/** One version: the registry's own line, and what we go by. */
export interface CrateRelease {
  /** Without its newline, and without what a terminal would obey. */
  line: Buffer
  /** SRI. */
  integrity: string
  yanked: boolean
  /** The Rust that it wants at least, as it says so: resolvers may prefer an older version that wants less. */
  rust: string | undefined
}

export interface CrateIndex {
  /** As the registry spells it. */
  name: string
  releases: ReadonlyMap<string, CrateRelease>
}

const MAX_VERSIONS = 50_000
const SHAPE = {
  fields: { name: "value", vers: "value", cksum: "value", yanked: "value", rust_version: "value" },
} as const

/**
 * Reads the lines that cargo could install from: those without a version or a hash it passes over, and so do we. Of two lines
 * for one version the last counts, as in the facts. Throws `ListingError` where a line is not JSON or about another crate.
 */
export function parseCrateIndex(body: Buffer, name: string): CrateIndex {
  const releases = new Map<string, CrateRelease>()
  let spelled: string | undefined
  for (const line of linesOf(body)) {
    const entry = readLine(line)
    const version = boundedString(entry?.vers)
    const integrity = sriOfHex("sha256", entry?.cksum)
    if (entry === undefined || version === undefined) continue
    const stated = boundedString(entry.name)
    if (stated?.toLowerCase() !== name.toLowerCase() || (spelled !== undefined && stated !== spelled)) {
      throw new ListingError("the index file is about another crate")
    }
    spelled = stated
    if (integrity === undefined || !isValidVersion("cargo", version)) continue
    if (releases.size >= MAX_VERSIONS && !releases.has(version)) {
      throw new ListingError(`the index file lists more than ${MAX_VERSIONS} versions`)
    }
    const shown = plainLine(line)
    if (shown === undefined) continue
    releases.set(version, {
      line: shown,
      integrity,
      yanked: entry.yanked === true,
      rust: boundedString(entry.rust_version),
    })
  }
  if (spelled === undefined) throw new ListingError("the index file has no version in it")
  return { name: spelled, releases }
}

function* linesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(0x0a, start)
    const end = newline === -1 ? body.length : newline
    if (end > start) yield body.subarray(start, end)
    start = end + 1
  }
}

function readLine(line: Buffer): PickedFields | undefined {
  try {
    return pickJson(line, SHAPE) as PickedFields | undefined
  } catch (error) {
    if (error instanceof JsonError) throw new ListingError("a line of the index file is not JSON")
    throw error
  }
}

/**
 * The line of a version that cargo shall pass over unless a lockfile names it. Undefined where the line is JSON for our reader
 * only: it checks no more than it takes.
 */
export function markYanked(line: Buffer): string | undefined {
  try {
    return JSON.stringify({ ...(parseForeignJson(line.toString("utf8")) as object), yanked: true })
  } catch {
    return undefined
  }
}
