// One table of a lockfile, read field by field: what has another type than the format says is an error with its line.
import { lockfileError, quote } from "./failure.ts"

/** An object out of JSON or TOML with the place that errors about it name. */
export interface Item {
  fields: Readonly<Record<string, unknown>>
  file: string
  line: () => number
}

/** The value as an item; throws where it is no object. `what` names it in the error: "a package". */
export function itemOf(value: unknown, what: string, place: Pick<Item, "file" | "line">): Item {
  if (!isTable(value)) throw wrong(place, `${what} is not a table of keys and values`)
  return { fields: value, file: place.file, line: place.line }
}

/** A plain object: not null, not an array, not a date out of TOML. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** The field's own value; undefined where there is none. What the prototype has does not count. */
export function fieldOf(item: Item, key: string): unknown {
  return Object.hasOwn(item.fields, key) ? (item.fields[key] ?? undefined) : undefined
}

/** A field that must be a text. */
export function textOf(item: Item, key: string): string {
  const text = optionalText(item, key)
  if (text === undefined) throw wrong(item, `an entry without ${quote(key)}`)
  return text
}

/** A field that is a text or not there. */
export function optionalText(item: Item, key: string): string | undefined {
  const value = fieldOf(item, key)
  if (value !== undefined && typeof value !== "string") throw wrong(item, `${quote(key)} is not a text`)
  return value
}

/** A field that is a list or not there (then an empty one). */
export function listOf(item: Item, key: string): readonly unknown[] {
  const value = fieldOf(item, key)
  if (value === undefined) return []
  if (!Array.isArray(value)) throw wrong(item, `${quote(key)} is not a list`)
  return value
}

/** A field that is a list of texts or not there. */
export function textsOf(item: Item, key: string): readonly string[] {
  const list = listOf(item, key)
  if (!list.every((value) => typeof value === "string")) throw wrong(item, `${quote(key)} is not a list of texts`)
  return list as readonly string[]
}

/** A field that is a list of tables or not there. */
export function itemsOf(item: Item, key: string): Item[] {
  return listOf(item, key).map((value) => itemOf(value, `an element of ${quote(key)}`, item))
}

/** A field that is a table; an empty one where it is not there. */
export function tableOf(item: Item, key: string): Item {
  const value = fieldOf(item, key)
  return value === undefined ? { ...item, fields: {} } : itemOf(value, quote(key), item)
}

/** A field that is true, false or not there (then false). */
export function flagOf(item: Item, key: string): boolean {
  const value = fieldOf(item, key)
  if (value !== undefined && typeof value !== "boolean") throw wrong(item, `${quote(key)} is neither true nor false`)
  return value === true
}

/** An error at this item. */
export function wrong(place: Pick<Item, "file" | "line">, message: string, hint?: string): Error {
  return lockfileError(
    message,
    { file: place.file, line: place.line() },
    hint ?? "let the package manager write the file again",
  )
}
