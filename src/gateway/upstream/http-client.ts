// The registries' own client over the gate's metadata: what facts are read from is what listings are made of.
import type { HttpClient, HttpResult } from "../../packages/registries/http.ts"
import type { MissingReason } from "../../policy/types.ts"
import type { MetadataCache } from "./metadata.ts"
import type { UpstreamFailure } from "./types.ts"

/** A client that answers as the upstream would have; closing it closes nothing, as others use what it stands on. */
export function createCachedClient(metadata: MetadataCache, now: () => number): HttpClient {
  return {
    get: async ({ etag, ...request }): Promise<HttpResult> => {
      const answer = await metadata.ask(request)
      if (!answer.ok) return { ok: false, reason: reasonOf(answer), detail: answer.detail }
      const maxAge = answer.stale ? 0 : Math.max(0, Math.floor((answer.freshUntil - now()) / 1000))
      if (etag !== undefined && etag === answer.etag) return { ok: true, status: 304, maxAge }
      const given = answer.etag === undefined ? {} : { etag: answer.etag }
      return { ok: true, status: 200, body: answer.body, maxAge, ...given }
    },
    close: async () => {},
  }
}

function reasonOf({ kind }: UpstreamFailure): MissingReason | "not-found" {
  if (kind === "not-found" || kind === "offline" || kind === "unreachable") return kind
  return kind === "refused" ? "unreachable" : "invalid"
}
