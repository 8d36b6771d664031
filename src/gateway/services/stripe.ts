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
  let onItem = false
  for (const segment of segments) {
    if (onItem || names.length === 0 || ids.length === 0) {
      const isId = !onItem && ids.length === 0 && names.length > 0 && !NAMESPACES.has(names.at(-1) as string)
      if (isId && !VERBS.has(segment)) {
        ids.push(segment)
        onItem = true
        continue
      }
      if (!NAME.test(segment)) return undefined
      names.push(segment)
      onItem = false
    } else {
      ids.push(segment)
      onItem = true
    }
  }
  const last = names.at(-1)
  if (last === undefined) return undefined
  return { names, ids, onItem, isVerb: !onItem && (VERBS.has(last) || (ids.length > 0 && !LISTS.has(last))) }
}

function classify(seen: SeenRequest): Found {
  const access = isRead(seen.method) ? "read" : "write"
  const read = readStripePath(seen.path)
  if (!read || !["GET", "HEAD", "POST", "DELETE"].includes(seen.method)) return byMethod(seen)
  const { names, onItem, isVerb } = read
  const verb = isVerb ? "" : verbOf(seen.method, onItem)
  return { operation: `stripe:${names.join(".")}${verb && `.${verb}`}`, access }
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
