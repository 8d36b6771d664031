// The slots in a request's head. Each replaces a whole value, or adds one where there is none; whatever else stands there stays.
import type { Change, OutgoingRequest } from "./outgoing.ts"

/** Places of a header's values in a flat list. */
function placesOf(headers: readonly string[], name: string): number[] {
  return headers.flatMap((text, at) => (at % 2 === 0 && text.toLowerCase() === name ? [at + 1] : []))
}

/** Changes the one value of a header: `change` gives its new value, or undefined to leave it alone. */
function changeHeader(
  { headers }: OutgoingRequest,
  name: string,
  added: string,
  change: (value: string) => string | undefined,
): Change {
  const places = placesOf(headers, name.toLowerCase())
  if (places.length > 1) return { refused: "slot.repeated" }
  const at = places[0]
  if (at === undefined || headers[at]!.trim() === "") {
    const without = headers.filter((_, index) => at === undefined || (index !== at && index !== at - 1))
    return { slot: "empty", headers: [...without, name, added] }
  }
  const value = change(headers[at]!)
  return value === undefined ? { slot: "own" } : { slot: "placeholder", headers: headers.with(at, value) }
}

/** RFC 6750, section 2.1; and `token`, as GitHub has it. */
export function injectBearer(request: OutgoingRequest, value: string, placeholder: string): Change {
  return changeHeader(request, "authorization", `Bearer ${value}`, (text) => {
    const [, scheme, token] = /^(Bearer|token) +(\S+) *$/i.exec(text) ?? []
    return token === placeholder ? `${scheme} ${value}` : undefined
  })
}

/** Any header; the prefix is added where the slot is empty, and may be missing where the placeholder stands. */
export function injectHeader(
  request: OutgoingRequest,
  name: string,
  prefix: string,
  value: string,
  placeholder: string,
): Change {
  return changeHeader(request, name.toLowerCase(), `${prefix}${value}`, (text) => {
    const given = text.trim()
    if (given === placeholder) return value
    return given.toLowerCase() === `${prefix}${placeholder}`.toLowerCase() && given.endsWith(placeholder)
      ? `${given.slice(0, -placeholder.length)}${value}`
      : undefined
  })
}

/** RFC 7617. Where no user is named the placeholder may be the user, too, as Stripe and GitHub have it. */
export function injectBasic(
  request: OutgoingRequest,
  user: string | undefined,
  value: string,
  placeholder: string,
): Change {
  const encode = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`
  return changeHeader(request, "authorization", encode(`${user ?? ""}:${value}`), (text) => {
    const [, given] = /^Basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(text) ?? []
    if (given === undefined) return undefined
    const pair = Buffer.from(given, "base64").toString()
    const colon = pair.indexOf(":")
    const [name, password] = colon < 0 ? [pair, undefined] : [pair.slice(0, colon), pair.slice(colon + 1)]
    if (password === placeholder && (user === undefined || name === user)) return encode(`${name}:${value}`)
    if (user === undefined && name === placeholder && !value.includes(":")) return encode(`${value}:${password ?? ""}`)
    return undefined
  })
}

/** RFC 3986, section 2.1: a text that does not decode is none that matters here. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Replaces, or adds, one of several `name=value` parts. Names and values are compared decoded. */
export function changePair(
  parts: readonly string[],
  name: string,
  [value, placeholder]: readonly [string, string],
  [encodeText, decodeText]: readonly [(text: string) => string, (text: string) => string],
): { slot: "placeholder" | "empty"; parts: string[] } | { slot: "own" } | { refused: "slot.repeated" } {
  const nameOf = (part: string) => decodeText(part.includes("=") ? part.slice(0, part.indexOf("=")) : part)
  const givenIn = (part: string) => decodeText(part.includes("=") ? part.slice(part.indexOf("=") + 1) : "")
  const places = parts.flatMap((part, index) => (nameOf(part) === name ? [index] : []))
  if (places.length > 1) return { refused: "slot.repeated" }
  const at = places[0]
  const made = `${encodeText(name)}=${encodeText(value)}`
  if (at === undefined) return { slot: "empty", parts: [...parts.filter((part) => part !== ""), made] }
  const given = givenIn(parts[at]!)
  if (given !== "" && given !== placeholder) return { slot: "own" }
  return { slot: given === "" ? "empty" : "placeholder", parts: parts.with(at, made) }
}

/** A parameter of the query. */
export function injectQuery(request: OutgoingRequest, name: string, value: string, placeholder: string): Change {
  const mark = request.path.indexOf("?")
  const [path, query] = mark < 0 ? [request.path, ""] : [request.path.slice(0, mark), request.path.slice(mark + 1)]
  const plus = (text: string) => decode(text.replaceAll("+", " "))
  const changed = changePair(query.split("&"), name, [value, placeholder], [encodeURIComponent, plus])
  return "parts" in changed ? { slot: changed.slot, path: `${path}?${changed.parts.join("&")}` } : changed
}

/** Every segment of the path that is the placeholder. A value that would change the path's form is none. */
export function injectPath(request: OutgoingRequest, value: string, placeholder: string): Change {
  if (value === "." || value === "..") return { refused: "value.unfit" }
  const mark = request.path.indexOf("?")
  const [path, query] = mark < 0 ? [request.path, ""] : [request.path.slice(0, mark), request.path.slice(mark)]
  const segments = path.split("/")
  if (!segments.some((segment) => decode(segment) === placeholder)) return { slot: "absent" }
  // RFC 3986, section 3.3: what a segment may have as it is.
  const encoded = encodeURIComponent(value).replace(/%(3A|40|24|2B|2C|3B|3D|26)/g, (text) => decodeURIComponent(text))
  const changed = segments.map((segment) => (decode(segment) === placeholder ? encoded : segment))
  return { slot: "placeholder", path: `${changed.join("/")}${query}` }
}

/** RFC 6265, section 4.2. Several headers are one (RFC 9113, section 8.2.3). */
export function injectCookie(request: OutgoingRequest, name: string, value: string, placeholder: string): Change {
  if (/[\s",;\\]/.test(value)) return { refused: "value.unfit" }
  const places = placesOf(request.headers, "cookie")
  const pairs = places.flatMap((at) => request.headers[at]!.split(";")).map((pair) => pair.trim())
  const asIs = (text: string) => text
  const changed = changePair(pairs, name, [value, placeholder], [asIs, (text) => text.trim().replace(/^"(.*)"$/, "$1")])
  if (!("parts" in changed)) return changed
  const without = request.headers.filter((_, index) => !places.includes(index) && !places.includes(index + 1))
  return { slot: changed.slot, headers: [...without, "cookie", changed.parts.join("; ")] }
}
