// Values for people: cut where they are long, and never more than fits on a card, with what is left out named.
import { createHash } from "node:crypto"
import type { ShownPart, ShownValue } from "./types.ts"

/** Of a whole description, in bytes of its JSON. */
export const MAX_BYTES = 32 * 1024
const MAX_NAME = 200
const MAX_VALUE = 2000
/** Kept for what comes last: a body that is listed whole must not push out the fact that there are files. */
const SHARE = 0.75

/** For the part that says how much was left out. */
const LEFT_OUT = 80

export const hashOf = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex")

/** A named text; a long one is cut, with the length and hash of the whole. A long name says so itself. */
export function shown(name: string, value: string, limit = MAX_VALUE): ShownValue {
  const short = name.length > MAX_NAME ? `${cutAt(name, MAX_NAME)}... (${name.length}, sha256 ${hashOf(name)})` : name
  if (value.length <= limit) return { name: short, value }
  return { name: short, value: cutAt(value, limit), cut: { length: value.length, sha256: hashOf(value) } }
}

/** Bytes that are no text for people. */
export const shownBytes = (name: string, bytes: Uint8Array, what = ""): ShownValue =>
  shown(name, `${what}${what && ", "}${bytes.length} bytes, sha256 ${hashOf(bytes)}`)

/** Never between the halves of a surrogate pair. */
function cutAt(text: string, limit: number): string {
  const high = /[\ud800-\udbff]/.test(text[limit - 1] ?? "")
  return text.slice(0, high ? limit - 1 : limit)
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value)) + 1

/**
 * As many values as fit, in their order; no part takes more than three quarters of what is left, so that those behind it have their
 * beginning, too. What does not fit is counted, in its part or in one that is called "left out".
 */
export function fitParts(parts: readonly ShownPart[], budget: number): ShownPart[] {
  let left = budget - LEFT_OUT
  const fitted: ShownPart[] = []
  for (const [index, part] of parts.entries()) {
    const share = index === parts.length - 1 ? left : Math.floor(left * SHARE)
    const empty = { title: part.title, values: [], more: part.values.length + (part.more ?? 0) }
    let used = sizeOf(empty)
    if (used > left) {
      const lost = parts.slice(index).reduce((sum, { values, more = 0 }) => sum + values.length + more, 0)
      fitted.push({ title: "left out", values: [], more: lost })
      break
    }
    const values: ShownValue[] = []
    for (const value of part.values) {
      const size = sizeOf(value)
      if (used + size > share) break
      used += size
      values.push(value)
    }
    const more = empty.more - values.length
    fitted.push({ title: part.title, values, ...(more > 0 && { more }) })
    left -= used
  }
  return fitted
}
