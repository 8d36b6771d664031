// RFC 6962 section 2.1 as it is written there: recursive, slow and with another hash call than the code under test.
import { createHash } from "node:crypto"

export const sha256 = (...parts: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest()

const split = (n: number): number => 2 ** (Math.ceil(Math.log2(n)) - 1)

/** MTH(D[n]) over leaf hashes. */
export function mth(d: readonly Uint8Array[]): Uint8Array {
  if (d.length === 0) return sha256()
  if (d.length === 1) return d[0]!
  const k = split(d.length)
  return sha256(Buffer.of(1), mth(d.slice(0, k)), mth(d.slice(k)))
}

/** PATH(m, D[n]). */
export function path(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  if (d.length === 1) return []
  const k = split(d.length)
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))]
}

/** PROOF(m, D[n]), for 0 < m < n. */
export function proof(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  return subproof(m, d, true)
}

function subproof(m: number, d: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === d.length) return whole ? [] : [mth(d)]
  const k = split(d.length)
  if (m <= k) return [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
  return [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

/** `count` leaf hashes that differ. */
export function leafHashes(count: number, seed = ""): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => sha256(Buffer.from(`${seed}${i}`)))
}
