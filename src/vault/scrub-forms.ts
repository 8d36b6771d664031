// The forms in which a secret may come back, and what is put in the place of each.
import type { Secret } from "./outgoing.ts"

export interface Pattern {
  bytes: Buffer
  /** Goes out in its place. */
  mark: Buffer
  /** Is looked for as it is, and behind no escape. */
  bare?: true
}

/** Fewer bytes are in ordinary texts by chance; the vault takes none as short. */
const MIN_SECRET = 6

/** What of a text's base64 does not depend on what stands before and after it, for each place that it may begin at. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(Math.ceil((8 * shift) / 6), Math.floor((8 * (shift + bytes.length)) / 6)),
  )
}

/** UTF-16, either byte first. What is ASCII is the same in both, but for the zero at one end. */
function wideForms(value: string): { bytes: Buffer; mark: string }[] {
  const little = Buffer.from(value, "utf16le")
  if (!/[^\x00-\x7f]/.test(value)) return [{ bytes: little.subarray(0, -1), mark: "x\0" }]
  return [
    { bytes: little, mark: "x\0" },
    { bytes: Buffer.from(little).swap16(), mark: "\0x" },
  ]
}

const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_")

/**
 * Forms of secrets as bytes: raw, base64 and base64url at each alignment, hex, UTF-16. Escapes (percent, JSON, HTML) are undone before
 * these are looked for, and `+` for a space is a form of its own. Raw, a secret's replacement takes its place; else as many `x`
 * (`0` in hex), so that what is around it still decodes.
 */
export function secretPatterns(secrets: readonly Secret[]): Pattern[] {
  const patterns = new Map<string, Pattern>()
  const add = (text: string | Buffer, mark: string | Buffer, bare = false) => {
    const bytes = Buffer.from(text as string)
    const name = bytes.toString("latin1")
    if (!patterns.has(name)) patterns.set(name, { bytes, mark: Buffer.from(mark as string), ...(bare && { bare }) })
  }
  const used = secrets.filter(({ value }) => Buffer.byteLength(value) >= MIN_SECRET)
  for (const { value, replacement } of used) {
    add(value, replacement)
    if (value.includes(" ")) add(value.replaceAll(" ", "+"), replacement)
    // Headers that Node read are latin1.
    if (/[^\x00-\x7f]/.test(value) && !/[^\x00-\xff]/.test(value)) add(Buffer.from(value, "latin1"), replacement)
  }
  for (const { value } of used) {
    const bytes = Buffer.from(value)
    for (const text of base64Forms(bytes)) for (const form of [text, urlSafe(text)]) add(form, "x".repeat(form.length))
    const hex = bytes.toString("hex")
    for (const form of [hex, hex.toUpperCase()]) add(form, "0".repeat(form.length))
    for (const { bytes, mark } of wideForms(value)) add(bytes, Buffer.alloc(bytes.length, mark), true)
  }
  return [...patterns.values()]
}
