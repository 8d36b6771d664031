// Google's APIs (cloud.google.com/apis/docs, developers.google.com): the host or the path names the API, `:verb` a custom method (AIP-136).
import { GOOGLE_ROUTES } from "./google-routes.ts"
import { byRoute, type Found, isRead, type Service, strictest } from "./service.ts"
import type { SeenRequest } from "./types.ts"

/** Custom methods that are sent as POST, and only read. Every other one writes. */
const READS = new Set(
  `batchGet batchGetByDataFilter batchGetDocuments computeTokens countTokens fetchPredictOperation getByDataFilter getIamPolicy getAncestry
  listCollectionIds lookup runAggregationQuery runQuery runReport batchRunReports runRealtimeReport search searchNearby searchText
  searchAllResources testIamPermissions`.split(/\s+/),
)

/** Where models answer: what they are told is out of hand. */
const MODELS = new Set(["generativelanguage", "aiplatform", "cloudcode-pa"])

export interface GooglePath {
  api: string
  /** Without `/upload`, and a custom verb as a segment of its own: `/v4/spreadsheets/{id}/values/{range}/:append`. */
  path: string
  verb?: string
}

/** The API that a request is for; "" where its host does not say. */
export function readGooglePath(host: string, path: string): GooglePath {
  const bare = path.replace(/^(\/resumable)?\/upload(?=\/)/, "")
  const label = host.endsWith(".googleapis.com") ? host.slice(0, -".googleapis.com".length) : ""
  // A region stands before the name, or behind it; mtls behind it.
  const named = label.replace(/(\.mtls|\.[a-z]+-[a-z]+\d*\.rep)$/, "").replace(/^([a-z]+-[a-z]+\d+|us|eu|global)-/, "")
  const api =
    named === "www" || named === "content" || named === "" ? (/^\/([a-z]+)\/v\d/.exec(bare)?.[1] ?? "") : named
  const verb = /\/[^/]*:([a-z][A-Za-z]{2,40})$/.exec(bare)?.[1]
  if (verb === undefined) return { api, path: bare }
  return { api, path: `${bare.slice(0, -verb.length - 1)}/:${verb}`, verb }
}

function classify(seen: SeenRequest): Found {
  const { api, path, verb } = readGooglePath(seen.host, seen.path)
  const model = MODELS.has(api) && { model: true as const }
  if (/^\/batch(\/|$)/.test(seen.path)) return { ...strictest(), operation: "google:batch", ...model }
  // gRPC has a POST for everything: its method is the last segment.
  if (!/^[a-z][a-z0-9-]*$/.test(api)) return { operation: "", access: isRead(seen.method) ? "read" : "write" }
  const route = GOOGLE_ROUTES.get(api)?.find(seen.method, path)
  if (route) return { ...byRoute("google", route, seen), ...model }
  const access =
    isRead(seen.method) || (seen.method === "POST" && verb !== undefined && READS.has(verb)) ? "read" : "write"
  return { operation: `google:${api}.${verb ?? seen.method.toLowerCase()}`, access, ...model }
}

export const googleService: Service = {
  name: "google",
  hosts: ["*.googleapis.com"],
  route: (seen) => {
    const { api, path } = readGooglePath(seen.host, seen.path)
    return GOOGLE_ROUTES.get(api)?.find(seen.method, path)
  },
  classify,
}
