// 32-bit keys of names: names that read alike in some way have one key. Keys may collide, so a hit is always compared in full.

const SEED = 0x811c9dc5
const PRIME = 0x01000193
/** ASCII codes of the characters that are drawn like others. */
const ZERO = 48
const ONE = 49
const L = 108
const M = 109
const N = 110
const O = 111
const R = 114
const V = 118
const W = 119

/** FNV-1a over a part of some bytes, with its high bits mixed into the low ones that choose the slot. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = SEED
  for (let index = from; index < to; index++) hash = Math.imul(hash ^ bytes[index]!, PRIME)
  return hash ^ (hash >>> 15)
}

/** `hashBytes` of a text's Latin-1 bytes, without making them: what other scripts hash to matters to nobody. */
export function hashText(text: string): number {
  let hash = SEED
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ (text.charCodeAt(index) & 255), PRIME)
  return hash ^ (hash >>> 15)
}

/** 1 for the bytes between words: `-` `.` `/` `@` `_`, and the line feed between names. */
const SEPARATORS = new Uint8Array(256)
for (const byte of [10, 45, 46, 47, 64, 95]) SEPARATORS[byte] = 1

/** The same key for names that `foldName(squashName(name))` makes equal (similarity.ts). */
export function squashKey(bytes: Uint8Array, from: number, to: number): number {
  let hash = SEED
  let pending = 0
  for (let index = from; index < to; index++) {
    let byte = bytes[index]!
    if (SEPARATORS[byte] === 1) continue
    if (byte >= 65 && byte <= 90) byte += 32
    // `r` and `v` wait for what follows: `rn` is drawn like `m`, `vv` like `w`.
    if ((pending === R && byte === N) || (pending === V && byte === V)) {
      hash = Math.imul(hash ^ (pending === R ? M : W), PRIME)
      pending = 0
      continue
    }
    if (pending !== 0) hash = Math.imul(hash ^ pending, PRIME)
    pending = byte === R || byte === V ? byte : 0
    if (pending === 0) hash = Math.imul(hash ^ (byte === ZERO ? O : byte === ONE ? L : byte), PRIME)
  }
  if (pending !== 0) hash = Math.imul(hash ^ pending, PRIME)
  return hash ^ (hash >>> 15)
}

/** The words of a name as [from, to, from, to, ...]. */
export function wordRanges(bytes: Uint8Array, from: number, to: number): number[] {
  const ranges: number[] = []
  let start = from
  for (let index = from; index <= to; index++) {
    if (index < to && SEPARATORS[bytes[index]!] === 0) continue
    if (index > start) ranges.push(start, index)
    start = index + 1
  }
  return ranges
}
