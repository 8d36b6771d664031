// Takes a few values out of a large JSON document without building the rest. A registry's document of one package can be
// tens of megabytes, nearly all of it of no use to a decision; parsing it whole costs ten times its size in memory, which
// a hostile one can multiply. What is skipped is only scanned for where it ends; what is taken goes through JSON.parse.
import { parseForeignJson } from "../../foreign-json.ts"

/**
 * What to take: "value" the whole value (bounded), `fields` the named members of an object (as an object without a
 * prototype), `entries` every member (as a Map), `items` every element of an array. A value of another type than its
 * shape is left out. `map` turns each member or element into what is kept of it as soon as it was read; those that it
 * gives undefined for are left out too.
 */
export type Shape =
  | "value"
  | { fields: Readonly<Record<string, Shape>> }
  | { entries: Shape; map?: (value: unknown, key: string) => unknown }
  | { items: Shape; map?: (value: unknown) => unknown }

type Picked = unknown
export type PickedFields = Record<string, unknown>

/** Not JSON, or beyond a bound; the message is safe to show. */
export class JsonError extends Error {}

const MAX_DEPTH = 64
const MAX_VALUE = 1024 * 1024
const MAX_ENTRIES = 200_000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** Takes `shape` out of a UTF-8 JSON document. Throws `JsonError`. Duplicate members: the last one counts, as in JSON.parse. */
export function pickJson(bytes: Buffer, shape: Shape): Picked {
  const scanner = { bytes, at: bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0 }
  const value = pick(scanner, shape, 0)
  skipSpace(scanner)
  if (scanner.at !== bytes.length) throw new JsonError("the registry's answer is not JSON")
  return value
}

interface Scanner {
  bytes: Buffer
  at: number
}

function pick(scanner: Scanner, shape: Shape, depth: number): Picked {
  skipSpace(scanner)
  if (shape === "value") return parseValue(scanner, depth)
  if (scanner.bytes[scanner.at] !== ("items" in shape ? OPEN_ARRAY : OPEN_OBJECT)) {
    skipValue(scanner, depth)
    return undefined
  }
  if ("items" in shape) return pickItems(scanner, shape.items, shape.map ?? same, depth)
  if ("fields" in shape) return pickFields(scanner, shape.fields, depth)
  return pickEntries(scanner, shape.entries, shape.map ?? same, depth)
}

const same = (value: unknown) => value

function pickFields(scanner: Scanner, fields: Readonly<Record<string, Shape>>, depth: number): PickedFields {
  const result: PickedFields = Object.create(null)
  eachMember(scanner, (key) => {
    const shape = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (shape === undefined) skipValue(scanner, depth + 1)
    else result[key] = pick(scanner, shape, depth + 1)
  })
  return result
}

function pickEntries(
  scanner: Scanner,
  shape: Shape,
  map: (value: unknown, key: string) => unknown,
  depth: number,
): Map<string, unknown> {
  const result = new Map<string, unknown>()
  eachMember(scanner, (key) => {
    checkCount(result.size)
    const value = map(pick(scanner, shape, depth + 1), key)
    if (value === undefined) result.delete(key)
    else result.set(key, value)
  })
  return result
}

function pickItems(scanner: Scanner, shape: Shape, map: (value: unknown) => unknown, depth: number): unknown[] {
  const { bytes } = scanner
  const result: unknown[] = []
  scanner.at++
  skipSpace(scanner)
  if (bytes[scanner.at] === CLOSE_ARRAY) {
    scanner.at++
    return result
  }
  for (;;) {
    checkCount(result.length)
    const value = map(pick(scanner, shape, depth + 1))
    if (value !== undefined) result.push(value)
    skipSpace(scanner)
    const next = bytes[scanner.at++]
    if (next === CLOSE_ARRAY) return result
    if (next !== COMMA) throw new JsonError("the registry's answer is not JSON")
  }
}

function checkCount(count: number): void {
  if (count >= MAX_ENTRIES) throw new JsonError(`the registry's answer lists more than ${MAX_ENTRIES} entries`)
}

function eachMember(scanner: Scanner, take: (key: string) => void): void {
  const { bytes } = scanner
  scanner.at++
  skipSpace(scanner)
  if (bytes[scanner.at] === CLOSE_OBJECT) {
    scanner.at++
    return
  }
  for (;;) {
    skipSpace(scanner)
    const key = readKey(scanner)
    skipSpace(scanner)
    if (bytes[scanner.at] !== COLON) throw new JsonError("the registry's answer is not JSON")
    scanner.at++
    take(key)
    skipSpace(scanner)
    const next = bytes[scanner.at++]
    if (next === CLOSE_OBJECT) return
    if (next !== COMMA) throw new JsonError("the registry's answer is not JSON")
  }
}

function readKey(scanner: Scanner): string {
  const start = scanner.at
  if (scanner.bytes[start] !== QUOTE) throw new JsonError("the registry's answer is not JSON")
  skipString(scanner)
  const raw = scanner.bytes.toString("latin1", start + 1, scanner.at - 1)
  // Anything but plain ASCII takes the exact way.
  return /^[\x20-\x5b\x5d-\x7e]*$/.test(raw) ? raw : (parseSlice(scanner, start) as string)
}

function parseValue(scanner: Scanner, depth: number): unknown {
  const start = scanner.at
  skipValue(scanner, depth)
  return parseSlice(scanner, start)
}

function parseSlice({ bytes, at }: Scanner, start: number): unknown {
  if (at - start > MAX_VALUE) throw new JsonError(`a value in the registry's answer is larger than ${MAX_VALUE} bytes`)
  try {
    return parseForeignJson(bytes.toString("utf8", start, at))
  } catch {
    throw new JsonError("the registry's answer is not JSON")
  }
}

/** Moves to just after the value that starts here. Checks nesting and quotes, not every detail of what it leaves behind. */
function skipValue(scanner: Scanner, depth: number): void {
  const { bytes } = scanner
  skipSpace(scanner)
  let nesting = 0
  for (;;) {
    const byte = bytes[scanner.at]
    if (byte === undefined) throw new JsonError("the registry's answer ends too early")
    if (byte === QUOTE) skipString(scanner)
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++nesting + depth > MAX_DEPTH) throw new JsonError(`the registry's answer nests deeper than ${MAX_DEPTH}`)
      scanner.at++
      continue
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (nesting === 0) throw new JsonError("the registry's answer is not JSON")
      nesting--
      scanner.at++
    } else if (nesting > 0 && (byte === COMMA || byte === COLON || byte <= 0x20)) {
      scanner.at++
      continue
    } else skipScalar(scanner)
    if (nesting === 0) return
  }
}

/** A number, true, false or null: up to the next byte that cannot be part of one. */
function skipScalar(scanner: Scanner): void {
  const { bytes } = scanner
  const start = scanner.at
  for (let at = start; ; at++) {
    const byte = bytes[at]
    const inside =
      byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || isNumberSign(byte))
    if (inside) continue
    if (at === start) throw new JsonError("the registry's answer is not JSON")
    scanner.at = at
    return
  }
}

function isNumberSign(byte: number): boolean {
  return byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45
}

function skipString(scanner: Scanner): void {
  const { bytes } = scanner
  let at = scanner.at + 1
  // Most strings are short: a loop beats a call. Long ones (descriptions, readmes) are left to the native search.
  for (const stop = at + 48; at < stop; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      scanner.at = at + 1
      return
    }
    if (byte === BACKSLASH) at++
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote === -1) throw new JsonError("the registry's answer ends too early")
    let slashes = 0
    while (quote - 1 - slashes >= at && bytes[quote - 1 - slashes] === BACKSLASH) slashes++
    at = quote + 1
    if (slashes % 2 === 1) continue
    scanner.at = at
    return
  }
}

function skipSpace(scanner: Scanner): void {
  const { bytes } = scanner
  let byte = bytes[scanner.at]
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++scanner.at]
}
