// RFC 8785 (JSON Canonicalization Scheme) of plain data. The library does it for any value; most objects need no more than
// their members in order, and then the engine's own serialiser does the rest in a third of the time.
import canonicalize from "canonicalize"
import { EXIT, NanoguardError } from "../errors.ts"

/** Deepest nesting of a record's objects and arrays. */
const MAX_DEPTH = 32

/** Most values (scalars, objects, arrays) in one record. */
const MAX_VALUES = 65_536

/** Member names that an object does not keep in the order of their insertion: array indexes, and the prototype's setter. */
const UNORDERED = /^(?:0|[1-9][0-9]{0,9})$|^__proto__$/

interface Walk {
  values: number
  /** A member name was found that only the library can order. */
  unordered: boolean
}

/**
 * The canonical JSON text of plain data: members sorted by UTF-16 code units, numbers as ECMAScript writes them. Members that
 * are undefined are left out; a surrogate without a partner becomes U+FFFD. Throws `NanoguardError` for what JSON cannot say
 * (NaN, functions, instances of classes, holes), for cycles and for more than 32 levels or 65,536 values.
 */
export function canonicalText(value: unknown): string {
  const walk: Walk = { values: 0, unordered: false }
  const sorted = sortMembers(value, walk, 0)
  const text = walk.unordered ? canonicalize(sorted) : JSON.stringify(sorted)
  if (text === undefined) throw refuse("there is no value")
  return text
}

/** The same data with every object's members in order, well-formed and without undefined ones; itself where it already is. */
function sortMembers(value: unknown, walk: Walk, depth: number): unknown {
  if (++walk.values > MAX_VALUES) throw refuse(`it holds more than ${MAX_VALUES} values`)
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? value : value.toWellFormed()
    case "number":
      if (!Number.isFinite(value)) throw refuse(`${value} is no JSON number`)
      return value
    case "boolean":
      return value
    case "object":
      if (value === null) return value
      // A cycle ends here as well.
      if (depth >= MAX_DEPTH) throw refuse(`it is nested more than ${MAX_DEPTH} levels deep`)
      return Array.isArray(value)
        ? sortElements(value, walk, depth)
        : sortObject(value as Record<string, unknown>, walk, depth)
    default:
      throw refuse(`a value of type ${typeof value} is no JSON`)
  }
}

function sortElements(list: unknown[], walk: Walk, depth: number): unknown[] {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const element = sortMembers(list[i], walk, depth + 1)
    if (copy === undefined && element !== list[i]) copy = Array.from(list.slice(0, i))
    copy?.push(element)
  }
  return copy ?? (speaksForItself(list) ? Array.from(list) : list)
}

/** Whether a serialiser would ask the object what to write instead: hidden members and prototypes may. */
function speaksForItself(object: object): boolean {
  return typeof (object as { toJSON?: unknown }).toJSON === "function"
}

function sortObject(object: Record<string, unknown>, walk: Walk, depth: number): Record<string, unknown> {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) throw refuse("an instance of a class is no JSON")
  const names = Object.keys(object)
  let same = !speaksForItself(object)
  for (let i = 1; i < names.length && same; i++) same = names[i - 1]! < names[i]!
  if (!same) names.sort()
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    const before = object[name]
    if (before === undefined) {
      same = false
      continue
    }
    const after = sortMembers(before, walk, depth + 1)
    const whole = name.isWellFormed()
    if (after !== before || !whole) same = false
    if (UNORDERED.test(name)) walk.unordered = true
    if (whole && name !== "__proto__") copy[name] = after
    else addMember(copy, name.toWellFormed(), after, walk)
  }
  return same ? object : copy
}

/** Adds a member whose name needs care: it may set the prototype, or be another one's once its surrogates are replaced. */
export function addMember(object: Record<string, unknown>, name: string, value: unknown, walk?: Walk): void {
  if (walk) walk.unordered = true
  let free = name
  for (let n = 2; Object.hasOwn(object, free); n++) free = `${name}~${n}`
  Object.defineProperty(object, free, { value, enumerable: true, configurable: true, writable: true })
}

function refuse(what: string): NanoguardError {
  return new NanoguardError(`the record cannot be written as canonical JSON: ${what}`, {
    exit: EXIT.usage,
    hint: "an event holds plain data: strings, finite numbers, booleans, arrays and objects of them",
  })
}
