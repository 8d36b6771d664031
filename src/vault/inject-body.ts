// The slot in a body: a member of a JSON document, or a field of a form of either kind. Bytes outside of the value stay as they are.
import { parseForeignJson } from "../foreign-json.ts"
import { changePair } from "./inject-head.ts"
import { findJsonPlace } from "./json-place.ts"
import { boundaryOf, findMultipartPlace } from "./multipart-place.ts"
import { type Change, headerOf, type OutgoingRequest } from "./outgoing.ts"

/** Puts a value into a body that is whole and not compressed; whether it is JSON or a form its content type says. */
export function injectBody(
  request: OutgoingRequest,
  { pointer, field, part }: { pointer?: string; field?: string; part?: string },
  value: string,
  placeholder: string,
): Change {
  const { headers, body } = request
  if (body === undefined) return hasBody(headers) ? { refused: "body.unread" } : { slot: "absent" }
  const encoding = (headerOf(headers, "content-encoding") ?? "").trim().toLowerCase()
  if (encoding !== "" && encoding !== "identity") return { refused: "body.encoded" }
  // Files are in it, which are no text.
  if (part !== undefined) return injectPart(headers, body, part, value, placeholder)
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
  const given: unknown = parseForeignJson(text.slice(start, end))
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

/** A field of a multipart form (RFC 7578). A body that has no such part gets none: where it would belong, nobody said. */
function injectPart(
  headers: readonly string[],
  body: Buffer,
  part: string,
  value: string,
  placeholder: string,
): Change {
  const types = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]!.toLowerCase() === "content-type")
  if (!/^ *multipart\//i.test(types.join())) return { slot: "absent" }
  const boundary = types.length === 1 ? boundaryOf(types[0]!) : undefined
  const place = boundary === undefined ? "ambiguous" : findMultipartPlace(body, boundary, part)
  if (place === "ambiguous") return { refused: "body.ambiguous" }
  if (place === undefined) return { slot: "absent" }
  const given = body.subarray(...place)
  if (given.length > 0 && !given.equals(Buffer.from(placeholder))) return { slot: "own" }
  // A line end may begin a delimiter, to one reader or another.
  if (/[\r\n]/.test(value) || value.includes(`--${boundary}`)) return { refused: "value.unfit" }
  const changed = Buffer.concat([body.subarray(0, place[0]), Buffer.from(value), body.subarray(place[1])])
  return { slot: given.length === 0 ? "empty" : "placeholder", body: changed }
}
