// RFC 8785 (JSON Canonicalization Scheme) of plain data. The library does it for any value; most objects need no more than
// their members in order, and then the engine's own serialiser does the rest in a third of the time.
import canonicalize from "canonicalize"
import { EXIT, NanoguardError } from "../../errors.ts"

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
  const sorted = sortNames(names)
  // Copied only from the first member on that has to change: most objects are fine as they are.
  let copy: Record<string, unknown> | undefined = sorted && !speaksForItself(object) ? undefined : {}
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const before = object[name]
    const after = before === undefined ? undefined : sortMembers(before, walk, depth + 1)
    const whole = name.isWellFormed()
    if (mayBeUnordered(name) && UNORDERED.test(name)) walk.unordered = true
    if (copy === undefined) {
      if (after !== undefined && after === before && whole) continue
      copy = {}
      for (let done = 0; done < i; done++) setMember(copy, names[done]!, object[names[done]!])
    }
    if (after === undefined) continue
    if (whole) setMember(copy, name, after)
    else {
      walk.unordered = true
      addMember(copy, name.toWellFormed(), after)
    }
  }
  return copy ?? object
}

/** Sorts by UTF-16 code units, in place; whether they were sorted. By insertion where they are few: half the time of `sort`. */
function sortNames(names: string[]): boolean {
  let at = 1
  while (at < names.length && names[at - 1]! < names[at]!) at++
  if (at >= names.length) return true
  if (names.length > 16) names.sort()
  for (; at < names.length; at++) {
    const name = names[at]!
    let free = at
    for (; free > 0 && names[free - 1]! > name; free--) names[free] = names[free - 1]!
    names[free] = name
  }
  return false
}

/** Begins with a digit or an underscore. */
function mayBeUnordered(name: string): boolean {
  const first = name.charCodeAt(0)
  return first === 0x5f || (first >= 0x30 && first <= 0x39)
}

function setMember(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") addMember(object, name, value)
  else object[name] = value
}

/** Adds a member whose name needs care: it may set the prototype, or be another one's after it was changed. */
export function addMember(object: Record<string, unknown>, name: string, value: unknown): void {
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
