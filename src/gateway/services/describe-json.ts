// JSON as rows: pointer and value, in the order of the document.
import { isObject, type JsonValue } from "./json.ts"
import { shown } from "./shown.ts"
import type { ShownPart, ShownValue } from "./types.ts"

const MAX_ROWS = 400

/** The rows of a document. Texts are as they are, the rest as JSON writes it; `skip` leaves out members that are told otherwise. */
export function jsonPart(title: string, value: JsonValue, skip: (pointer: string) => boolean = () => false): ShownPart {
  const values: ShownValue[] = []
  let more = 0
  const visit = (one: JsonValue, pointer: string): void => {
    if (skip(pointer)) return
    if (isObject(one) && Object.keys(one).length > 0) {
      for (const [name, member] of Object.entries(one)) visit(member, `${pointer}/${escapeStep(name)}`)
      return
    }
    if (Array.isArray(one) && one.length > 0) {
      for (const [index, member] of (one as readonly JsonValue[]).entries()) visit(member, `${pointer}/${index}`)
      return
    }
    if (values.length >= MAX_ROWS) more += 1
    else values.push(shown(pointer || "/", typeof one === "string" ? one : JSON.stringify(one)))
  }
  visit(value, "")
  return { title, values, ...(more > 0 && { more }) }
}

const escapeStep = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1")
