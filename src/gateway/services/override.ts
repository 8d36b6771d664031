// Requests that ask the server to take them for another method than they have.
import { type Body, bodyOf, formPairs } from "./body.ts"
import { readMultipart } from "./multipart.ts"
import { type Pair, readings, splitPairs } from "./readings.ts"
import type { SeenRequest } from "./types.ts"

const HEADERS = ["x-http-method-override", "x-http-method", "x-method-override"]

/**
 * Rack's, Laravel's and others' `_method`; Google's front end. Rack 2 drops brackets before a name, PHP blanks, and PHP reads a dot as
 * an underscore and nothing behind a NUL.
 */
const NAME = /^[\s[\]]*(?:[_.]method|x-http-method-override|\$httpmethod|\$httpheaders)(?:[[\]\0]|$)/i

/** Any spelling of such a name; most queries and bodies have none of this. */
const MAYBE = /%|method|\$http/i

const names = (pairs: readonly Pair[] | undefined): boolean =>
  !pairs || pairs.some((pair) => readings(pair.name, "either").some((name) => NAME.test(name)))

/**
 * Whether a server may take the request for another method: by a header, the query, or a field of a form, be it urlencoded, multipart,
 * or without a type. `strict`: of a server that does so, where a body that cannot be read may hold such a field, too.
 */
export async function overridesMethod(seen: SeenRequest, strict = false): Promise<boolean> {
  if (HEADERS.some((name) => seen.headers[name] !== undefined)) return true
  if (MAYBE.test(seen.query) && names(splitPairs(seen.query))) return true
  const body = bodyOf(seen)
  if (body.kind === "none") return false
  if (body.unread) return strict || body.kind === "form"
  // Whoever does not undo an encoding reads other bytes.
  if (strict && seen.headers["content-encoding"] !== undefined) return true
  return bodyOverrides(body, strict)
}

async function bodyOverrides(body: Body, strict: boolean): Promise<boolean> {
  if (body.kind === "form") {
    const form = formPairs(body)
    return !("pairs" in form) || names(form.pairs)
  }
  const text = body.bytes.toString("latin1")
  if (body.kind === "multipart") {
    if (!strict && !MAYBE.test(text)) return false
    const form = await readMultipart(body)
    return "parts" in form ? form.parts.some(({ name }) => NAME.test(name)) : strict
  }
  // Rack takes a POST without a type for a form, and looks into other multipart types as well.
  if (body.media.type === "") return (strict && text.startsWith("--")) || (MAYBE.test(text) && names(splitPairs(text)))
  return strict && body.media.type.startsWith("multipart/")
}
