// What is known about services: what a request is to them, what rules can look at, what people are shown, what an answer has used.
import { asksBody } from "./fields.ts"
import { findService } from "./known.ts"
import { overridesMethod } from "./override.ts"
import { byMethod } from "./service.ts"
import type { Classified, SeenRequest } from "./types.ts"

export { describeRequest } from "./describe.ts"
export { BEGINNING, estimateTokens, isUpload } from "./estimate.ts"
export { readFields } from "./fields.ts"
export { createUsageMeter } from "./usage.ts"

/** Whether the body, if there is one, has to be read before the request can be decided: for a selector, or for what the request is. */
export function needsBody(head: SeenRequest, selectors: readonly string[], service?: string): boolean {
  return selectors.some(asksBody) || findService(head.host, service)?.needsBody?.(head) === true
}

/**
 * What a request is to its service; by its method where no service is known. What is not known to a known service, and cannot be told
 * by the method, is a write; what could be read in two ways is one, too, and `unread`.
 */
export async function classify(seen: SeenRequest, service?: string): Promise<Classified> {
  const known = findService(seen.host, service)
  const found = known ? await known.classify(seen) : byMethod(seen)
  const name = found.service ?? known?.name ?? ""
  if (await overridesMethod(seen, known?.mayOverride?.(seen)))
    return { ...found, service: name, access: "write", unread: found.unread ?? "ambiguous" }
  if (seen.scheme.startsWith("ws")) return { ...found, service: name, access: "write" }
  return { ...found, service: name }
}
