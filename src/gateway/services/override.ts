// Requests that ask the server to take them for another method than they have.
import { bodyOf, formPairs } from "./body.ts"
import { splitPairs, valuesOf } from "./readings.ts"
import type { SeenRequest } from "./types.ts"

const HEADERS = ["x-http-method-override", "x-http-method", "x-method-override"]
/** Rack, Laravel and others; Google's front end. */
const NAMES = ["_method", "x-http-method-override", "$httpMethod", "$httpHeaders"]

/** Any spelling of such a name; most queries have none of this. */
const MAYBE = /%|method|override|\$http/i

/** Whether a server may take the request for another method: by a header, the query, or a field of an urlencoded form. */
export function overridesMethod(seen: SeenRequest): boolean {
  if (HEADERS.some((name) => seen.headers[name] !== undefined)) return true
  if (MAYBE.test(seen.query)) {
    const pairs = splitPairs(seen.query)
    if (!pairs || NAMES.some((name) => valuesOf(pairs, name, "either").length > 0)) return true
  }
  if (!seen.body) return false
  const body = bodyOf(seen)
  if (body.kind !== "form") return false
  const form = formPairs(body)
  return !("pairs" in form) || valuesOf(form.pairs, "_method", "blank").length > 0
}
