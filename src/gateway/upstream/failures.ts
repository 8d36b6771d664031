// Failures of upstreams as values, from the same texts as those of the registries' client.
import { TooLargeError } from "../../packages/registries/body.ts"
import { errorFailure, type HttpLimits, statusFailure } from "../../packages/registries/http.ts"
import type { MissingReason } from "../../policy/types.ts"
import { isPrivateTarget } from "./targets.ts"
import type { UpstreamFailure } from "./types.ts"

/** `fault`: the host is unwell, which counts against it; `retry`: trying again may help, `after` milliseconds where it says so. */
export type Failed = UpstreamFailure & { fault?: true; retry?: true; after?: number | undefined }

/** A failure of our own making: `detail` is a template. */
export function failed(kind: UpstreamFailure["kind"], detail: string): Failed {
  return { ok: false, kind, detail }
}

/** What a status that is none of those hoped for means. */
export function failedStatus(status: number, retryAfter: string | string[] | undefined): Failed {
  const { reason, ...failure } = statusFailure(status, retryAfter)
  return { ...failure, kind: status === 401 || status === 403 ? "refused" : kindOf(reason), status }
}

/** What an error of the socket, of a time limit or of a body means. */
export function failedError(error: unknown, limits: HttpLimits): Failed {
  if (isPrivateTarget(error)) return failed("invalid", "the registry leads to an address in a private network")
  const { reason, ...failure } = errorFailure(error, limits)
  return { ...failure, kind: error instanceof TooLargeError ? "too-large" : kindOf(reason) }
}

/** Without what only the retries need. */
export function publicFailure({ kind, status, detail, curation }: Failed): UpstreamFailure {
  return {
    ok: false,
    kind,
    detail,
    ...(status !== undefined && { status }),
    ...(curation !== undefined && { curation }),
  }
}

function kindOf(reason: MissingReason | "not-found"): UpstreamFailure["kind"] {
  return reason === "not-found" || reason === "invalid" ? reason : "unreachable"
}
