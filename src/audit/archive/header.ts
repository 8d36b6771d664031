// The first line of a segment: read without believing anything in it.
import { parseForeignJson } from "../../foreign-json.ts"
import { decodeBase64 } from "../checkpoints/note.ts"
import { HASH_SIZE } from "../tree/merkle.ts"
import { type ArchiveHeader, isWhole } from "./format.ts"

/** Complete subtrees of a tree, hashes of a proof: at most one for each bit of a size, two for a proof. */
const MAX_HASHES = 128

/** The header in a segment's first line; undefined where the line is none. */
export function parseHeader(line: string): ArchiveHeader | undefined {
  let header: Partial<ArchiveHeader> | null
  try {
    header = parseForeignJson(line) as Partial<ArchiveHeader> | null
  } catch {
    return undefined
  }
  if (header?.format !== "nanoguard.archive/1" || !isWhole(header.from, 1) || !isWhole(header.to, header.from))
    return undefined
  if (typeof header.origin !== "string" || typeof header.checkpoint !== "string") return undefined
  const { before, proof, root } = header
  if (!isHashes(before) || !isHashes(proof) || !isHashes([root])) return undefined
  return before.length === onesIn(header.from - 1) ? (header as ArchiveHeader) : undefined
}

/** base64 of a header as bytes. */
export function hashesOf(hashes: readonly string[]): Uint8Array[] {
  return hashes.map((text) => Uint8Array.from(Buffer.from(text, "base64")))
}

function isHashes(list: unknown): list is string[] {
  if (!Array.isArray(list) || list.length > MAX_HASHES) return false
  return list.every((text) => typeof text === "string" && decodeBase64(text)?.length === HASH_SIZE)
}

/** How many complete subtrees a tree of this size has. */
function onesIn(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}
