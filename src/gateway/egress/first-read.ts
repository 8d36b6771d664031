// How much of a body is read before its request is decided.
import type { IncomingMessage } from "node:http"
import type { NetworkNeeds } from "../../policy/network.ts"
import { needsBody } from "../services/index.ts"
import type { SeenRequest } from "../services/types.ts"
import { type BodyStart, hasBody, PATIENCE, readStart } from "./body.ts"
import { wantsBody } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { MAX_LOOKED_INTO } from "./seen.ts"

/** Bytes of a body that are read before its request is decided, whether a rule looks into it or not: a refusal is then a clean one. */
const SMALL = 65_536

export const NOT_READ: BodyStart = { bytes: Buffer.alloc(0), whole: false }

/** Reads what a decision needs of a body; a client that waits for leave to send it gets that by `proceed`. Rejects where the client leaves, or `take` has no room. */
export async function readFirst(
  vault: EgressDeps["vault"],
  needs: NetworkNeeds,
  head: SeenRequest,
  request: IncomingMessage,
  proceed: () => void,
  take: (bytes: number) => void,
): Promise<BodyStart> {
  if (!hasBody(request)) return { ...NOT_READ, whole: true }
  const limit = firstLimit(vault, head, needs)
  if (limit === 0) return NOT_READ
  proceed()
  return readStart(request, limit, PATIENCE, take)
}

/** What a rule looks into, and what a key may have to be put into, is read as far as anything is; the rest where it is small. */
function firstLimit(
  vault: EgressDeps["vault"],
  head: SeenRequest,
  { selectors, service, placeholders }: NetworkNeeds,
): number {
  const stated = head.headers["content-length"]
  const length = stated === undefined ? undefined : Number(stated)
  if (placeholders === "redact" || needsBody(head, selectors, service) || wantsBody(vault, head.host))
    return length !== undefined && length > MAX_LOOKED_INTO ? 0 : MAX_LOOKED_INTO
  return length !== undefined && length <= SMALL ? SMALL : 0
}
