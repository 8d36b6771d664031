// JSON as lockfiles need it: JSON.parse for speed, and errors for what that lets through (duplicate keys, of which
// each reader takes another one; nesting that overflows whoever walks it).
import { parseForeignJson } from "../../foreign-json.ts"
import { lockfileError, positionOf, quote } from "./failure.ts"

export type JsonObject = { [key: string]: unknown }

/** npm nests a tree at most some dozens of levels deep; what is deeper is no lockfile. */
const MAX_DEPTH = 400

/** Parses JSON strictly. Throws with line and column where it is broken, truncated, nested too deeply, or has a key twice. */
export async function parseJson(text: string, file: string): Promise<unknown> {
  let value: unknown
  try {
    value = parseForeignJson(text)
  } catch (error) {
    throw await syntaxError(text, file, error)
  }
  if (!keysAreUnique(text, value)) refuseFaults(text, file)
  return value
}

/** A plain object, not an array and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * True where no object can have had a key twice and nothing is nested too deeply. Every key puts one `":` into the text, its
 * quote not escaped, and a string that begins with a colon may add more: as many of them as there are keys in the parsed
 * tree leaves no room for a key that JSON.parse dropped.
 */
function keysAreUnique(text: string, value: unknown): boolean {
  return countKeys(value, 0) === countColonsAfterQuotes(text)
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0
  if (depth > MAX_DEPTH) return Number.NaN
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, depth + 1)
    return count
  }
  const object = value as JsonObject
  for (const key in object) {
    count++
    const item = object[key]
    if (typeof item === "object") count += countKeys(item, depth + 1)
  }
  return count
}

function countColonsAfterQuotes(text: string): number {
  let count = 0
  for (let colon = text.indexOf(":"); colon >= 0; colon = text.indexOf(":", colon + 1)) {
    let at = colon - 1
    while (isSpace(text.charCodeAt(at))) at--
    if (text.charCodeAt(at) === 0x22 && !isEscaped(text, at)) count++
  }
  return count
}

/** Whether the character at `at` of a string follows an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** The exact check, run only where the count leaves a doubt. */
function refuseFaults(text: string, file: string): void {
  const seen = new Map<number, Set<string>>()
  visitKeys(text, {
    key: (key, offset, _trail, object) => {
      let keys = seen.get(object)
      if (keys === undefined) {
        keys = new Set()
        seen.set(object, keys)
      }
      if (keys.has(key)) {
        throw lockfileError(
          `the key ${quote(key)} stands twice in one object`,
          { file, ...positionOf(text, offset) },
          "readers differ in which of the two they take: delete one, or let the package manager write the file again",
        )
      }
      keys.add(key)
    },
    leave: (object) => seen.delete(object),
    tooDeep: (offset) => {
      throw lockfileError(
        `nested more than ${MAX_DEPTH} levels deep`,
        { file, ...positionOf(text, offset) },
        "no package manager writes such a file: let yours write it again",
      )
    },
  })
}

interface KeyVisitor {
  /** `trail` is the keys above, "" for an array; `object` tells objects apart. */
  key: (key: string, offset: number, trail: readonly string[], object: number) => void
  leave?: (object: number) => void
  tooDeep?: (offset: number) => void
}

/** Visits each key of a text that JSON.parse has accepted, in order, with the offset of its opening quote. */
export function visitKeys(text: string, visitor: KeyVisitor): void {
  const objects: number[] = [] // serial of the object at each depth; -1 for an array
  const trail: string[] = []
  let serial = 0
  let key = ""
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const end = endOfString(text, at)
      let next = end + 1
      while (isSpace(text.charCodeAt(next))) next++
      if (text.charCodeAt(next) === 0x3a) {
        const raw = text.slice(at + 1, end)
        key = raw.includes("\\") ? (JSON.parse(text.slice(at, end + 1)) as string) : raw
        visitor.key(key, at, trail, objects[objects.length - 1] ?? -1)
        at = next
      } else at = end
    } else if (code === 0x7b || code === 0x5b) {
      if (objects.length > 0) trail.push(key)
      objects.push(code === 0x7b ? serial++ : -1)
      key = ""
      if (objects.length > MAX_DEPTH) visitor.tooDeep?.(at)
    } else if (code === 0x7d || code === 0x5d) {
      const left = objects.pop() // not inside the call below, which is skipped where there is no `leave`
      visitor.leave?.(left ?? -1)
      trail.pop()
    }
  }
}

/** Offset of the quote that closes the string whose opening quote is at `open`; the length of the text where none does. */
export function endOfString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!isEscaped(text, at)) return at
  }
  return text.length
}

async function syntaxError(text: string, file: string, cause: unknown): Promise<Error> {
  if (text.trim() === "")
    return lockfileError("the file is empty", { file, line: 1 }, "let the package manager write it again")
  const offset = /position (\d+)/.exec(String(cause))?.[1] ?? (await firstErrorOffset(text))
  const truncated = Number(offset) >= text.trimEnd().length || /end of JSON|Unterminated string/.test(String(cause))
  const where = { file, ...positionOf(text, truncated ? text.trimEnd().length : Number(offset)) }
  if (truncated)
    return lockfileError(
      "the JSON ends in the middle: the file is cut off",
      where,
      "fetch the whole file, or let the package manager write it again",
    )
  const conflict = /^(<{7}|={7}|>{7})/m.exec(text)
  if (conflict) {
    return lockfileError(
      "an unresolved merge conflict",
      { file, line: positionOf(text, conflict.index).line },
      "resolve it, for npm with `npm install --package-lock-only`",
    )
  }
  return lockfileError("not valid JSON", where, "repair this place, or let the package manager write the file again")
}

async function firstErrorOffset(text: string): Promise<number> {
  const { visit } = await import("jsonc-parser")
  let first = text.length
  try {
    visit(
      text,
      {
        onError: (_error, offset) => {
          first = Math.min(first, offset)
        },
      },
      { disallowComments: true },
    )
  } catch {
    return 0 // nested too deeply for the parser that looks for the place
  }
  return first
}
