// The slot in a body: a member of a JSON document, or a field of a form. Bytes outside of the value stay as they are.

import { changePair } from "./inject-head.ts"
import { findJsonPlace } from "./json-place.ts"
import { type Change, headerOf, type OutgoingRequest } from "./outgoing.ts"

/** Puts a value into a body that is whole and not compressed; whether it is JSON or a form its content type says. */
export function injectBody(
  request: OutgoingRequest,
  { pointer, field }: { pointer?: string; field?: string },
  value: string,
  placeholder: string,
): Change {
  const { headers, body } = request
  if (body === undefined) return hasBody(headers) ? { refused: "body.unread" } : { slot: "absent" }
  const encoding = (headerOf(headers, "content-encoding") ?? "").trim().toLowerCase()
  if (encoding !== "" && encoding !== "identity") return { refused: "body.encoded" }
  const text = body.toString("utf8")
  // What does not survive being read as text is none.
  if (!Buffer.from(text).equals(body)) return { refused: "body.ambiguous" }
  if (pointer !== undefined) return injectJson(text, pointer, value, placeholder)
  return field === undefined ? { slot: "absent" } : injectForm(headers, text, field, value, placeholder)
}

function hasBody(headers: readonly string[]): boolean {
  return headerOf(headers, "transfer-encoding") !== undefined || (headerOf(headers, "content-length") ?? "0") !== "0"
}

function injectJson(text: string, pointer: string, value: string, placeholder: string): Change {
  const place = findJsonPlace(text, pointer)
  if (place === "ambiguous") return { refused: "body.ambiguous" }
  if (place === undefined) return { slot: "absent" }
  const [start, end] = place
  const given: unknown = JSON.parse(text.slice(start, end))
  const isEmpty = given === null || given === ""
  if (!isEmpty && given !== placeholder) return { slot: "own" }
  const body = Buffer.from(`${text.slice(0, start)}${JSON.stringify(value)}${text.slice(end)}`)
  return { slot: isEmpty ? "empty" : "placeholder", body }
}

function injectForm(
  headers: readonly string[],
  text: string,
  field: string,
  value: string,
  placeholder: string,
): Change {
  const type = (headerOf(headers, "content-type") ?? "").split(";")[0]!.trim().toLowerCase()
  if (type !== "application/x-www-form-urlencoded") return { slot: "absent" }
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part.replaceAll("+", " "))
    } catch {
      return part
    }
  }
  const changed = changePair(text.split("&"), field, [value, placeholder], [encodeURIComponent, decode])
  return "parts" in changed ? { slot: changed.slot, body: Buffer.from(changed.parts.join("&")) } : changed
}
