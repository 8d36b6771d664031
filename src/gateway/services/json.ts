// JSON as every reader takes it: what two servers could read differently is not read at all.
import type { Unread } from "../../policy/types.ts"

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** Without a prototype, so that `__proto__` is a member like any other. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}
export type JsonRead = { value: JsonValue; unread?: never } | { unread: Unread }

const MAX_DEPTH = 64
const CONTROL = /[\x00-\x1f]/
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERALS: readonly (readonly [string, JsonValue])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
]
/** Valid for a lone half of a surrogate pair, which UTF-8 cannot say: servers drop, replace or keep it. */
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Ends the reading; never leaves this module. */
class NotRead extends Error {
  unread: Unread
  constructor(unread: Unread) {
    super(unread)
    this.unread = unread
  }
}

/**
 * One JSON document (RFC 8259). `ambiguous`: a member twice, a byte order mark, something after the document, half a surrogate
 * pair, or nested deeper than 64. `malformed`: no JSON (comments, NaN, trailing commas), or no UTF-8.
 * Numbers that a double does not hold exactly are texts of their digits.
 */
export function readJson(bytes: Uint8Array): JsonRead {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { unread: "ambiguous" }
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { unread: "malformed" }
  }
  return readJsonText(text)
}

/**
 * Whether bytes that are no JSON here may be an object or a list to a reader that takes comments, NaN, a byte order mark or UTF-16.
 */
export const opensJson = (bytes: Uint8Array): boolean => {
  const at = bytes.findIndex((byte) => !PADDING.has(byte))
  return bytes[at] === 0x7b || bytes[at] === 0x5b
}

/** Spaces, byte order marks, and the half of a character in UTF-16. */
const PADDING = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xfe, 0xff, 0])

/** The same of a text, as the values of forms and queries have it. */
export function readJsonText(text: string): JsonRead {
  try {
    return { value: parse(text) }
  } catch (error) {
    if (error instanceof NotRead) return { unread: error.unread }
    // An escape that JSON.parse does not know.
    return { unread: "malformed" }
  }
}

function parse(text: string): JsonValue {
  let at = 0
  /** The next character that is no space; "" at the end. */
  const next = (): string => {
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return text[at] ?? ""
      at += 1
    }
  }
  const readString = (): string => {
    const start = at
    let end = text.indexOf('"', at + 1)
    const plain = end < 0 ? "" : text.slice(start + 1, end)
    if (!plain.includes("\\")) {
      if (end < 0 || CONTROL.test(plain)) throw new NotRead("malformed")
      at = end + 1
      return plain
    }
    for (end = start + 1; text[end] !== '"'; end += 1) {
      if (end >= text.length) throw new NotRead("malformed")
      if (text[end] === "\\") end += 1
    }
    at = end + 1
    const value = JSON.parse(text.slice(start, at)) as string
    if (LONE.test(value)) throw new NotRead("ambiguous")
    return value
  }
  /** The members of an array or object, up to and with what closes it. */
  const readList = (close: string, member: () => void): void => {
    at += 1
    if (next() === close) {
      at += 1
      return
    }
    for (;;) {
      member()
      const mark = next()
      at += 1
      if (mark === close) return
      if (mark !== ",") throw new NotRead("malformed")
    }
  }
  const readValue = (depth: number): JsonValue => {
    const first = next()
    if (first === '"') return readString()
    if (first === "{" || first === "[") {
      if (depth >= MAX_DEPTH) throw new NotRead("ambiguous")
      if (first === "[") {
        const list: JsonValue[] = []
        readList("]", () => list.push(readValue(depth + 1)))
        return list
      }
      const object: Record<string, JsonValue> = Object.create(null)
      readList("}", () => {
        if (next() !== '"') throw new NotRead("malformed")
        const name = readString()
        if (name in object) throw new NotRead("ambiguous")
        if (next() !== ":") throw new NotRead("malformed")
        at += 1
        object[name] = readValue(depth + 1)
      })
      return object
    }
    NUMBER.lastIndex = at
    if (NUMBER.test(text)) {
      const digits = text.slice(at, NUMBER.lastIndex)
      at = NUMBER.lastIndex
      return readNumber(digits)
    }
    for (const [word, value] of LITERALS) {
      if (!text.startsWith(word, at)) continue
      at += word.length
      return value
    }
    throw new NotRead("malformed")
  }
  const value = readValue(0)
  if (next() !== "") throw new NotRead("ambiguous")
  return value
}

/** A number where a double says the same; else the text: integers beyond 2^53, more than 17 digits, what over- or underflows. */
export function readNumber(digits: string): number | string {
  const value = Number(digits)
  // Most numbers are small and whole.
  if (digits.length <= 15 && Number.isInteger(value) && value !== 0) return value
  const significant = digits.replace(/[eE].*$/, "").replace(/^-?[0.]*|\./g, "")
  if (!Number.isFinite(value) || significant.length > 17) return digits
  if (value === 0) return significant === "" ? 0 : digits
  return Math.abs(value) > Number.MAX_SAFE_INTEGER ? digits : value
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The steps of a pointer (RFC 6901); undefined where it is none. */
export function readPointer(pointer: string): string[] | undefined {
  if (pointer === "") return []
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
}

/**
 * A member by its name. `ambiguous` where another one differs from it in case only: some readers (Go's encoding/json) take either.
 */
export function memberOf(object: JsonObject, name: string): { value: JsonValue | undefined } | { unread: Unread } {
  const wanted = name.toLowerCase()
  for (const key of Object.keys(object)) {
    if (key !== name && key.length === name.length && key.toLowerCase() === wanted) return { unread: "ambiguous" }
  }
  return { value: object[name] }
}
