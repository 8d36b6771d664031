// Stripe's API v1 (docs.stripe.com/api): its paths are regular, so that operations are read off them: `stripe:payment_intents.confirm`.
import { byMethod, type Found, isRead, type Service } from "./service.ts"
import type { SeenRequest } from "./types.ts"

/** First segments that hold resources, and are none. */
const NAMESPACES = new Set(
  `apple_pay apps billing billing_portal checkout climate entitlements financial_connections forwarding identity issuing
  product_catalog radar reporting tax terminal test_helpers three_d_secure treasury`.split(/\s+/),
)
/** In the place of an id, and yet a verb. */
const VERBS = new Set(
  `create_force_capture create_from_calculation create_preview create_reversal create_unlinked_refund delete report_payment search`.split(
    /\s+/,
  ),
)
/** Below a resource what is a list of its own; what else is there is a verb. */
const LISTS = new Set(
  `balance_transactions external_accounts features login_links persons refunds reversals sources tax_ids`.split(/\s+/),
)
const NAME = /^[a-z][a-z0-9_]*$/

export interface StripePath {
  /** `["customers", "sources"]`, `["payment_intents", "confirm"]`. */
  names: readonly string[]
  ids: readonly string[]
  /** It ends in an id. */
  onItem: boolean
  /** It ends in a verb. */
  isVerb: boolean
}

/** What a path of v1 names, and the ids on the way; undefined where it is not of that form. */
export function readStripePath(path: string): StripePath | undefined {
  const segments = path.replace(/\/$/, "").split("/").slice(1)
  if (segments.shift() !== "v1") return undefined
  const names: string[] = []
  const ids: string[] = []
  while (segments.length > 1 && NAMESPACES.has(segments[0] as string)) names.push(segments.shift() as string)
  // A resource, an id, what is below it, an id, a verb: names and ids take turns.
  let onItem = false
  for (const [index, segment] of segments.entries()) {
    onItem = index % 2 === 1 && !VERBS.has(segment)
    if (onItem) ids.push(segment)
    else if (NAME.test(segment)) names.push(segment)
    else return undefined
  }
  const last = names.at(-1)
  if (last === undefined) return undefined
  return { names, ids, onItem, isVerb: !onItem && (VERBS.has(last) || (ids.length > 0 && !LISTS.has(last))) }
}

function classify(seen: SeenRequest): Found {
  const read = readStripePath(seen.path)
  if (!["GET", "HEAD", "POST", "DELETE"].includes(seen.method)) return byMethod(seen)
  if (read) return { operation: operationOf(seen.method, read), access: isRead(seen.method) ? "read" : "write" }
  // In other letters it may be that resource, or none.
  const other = readStripePath(seen.path.toLowerCase())
  return other ? { operation: operationOf(seen.method, other), access: "write", unread: "ambiguous" } : byMethod(seen)
}

function operationOf(method: string, { names, onItem, isVerb }: StripePath): string {
  return `stripe:${names.join(".")}${isVerb && method !== "DELETE" ? "" : `.${verbOf(method, onItem)}`}`
}

function verbOf(method: string, onItem: boolean): string {
  if (method === "DELETE") return "delete"
  if (method === "POST") return onItem ? "update" : "create"
  return onItem ? "retrieve" : "list"
}

export const stripeService: Service = {
  name: "stripe",
  hosts: ["api.stripe.com", "files.stripe.com"],
  classify,
}
