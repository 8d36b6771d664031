// Asks a JFrog Artifactory to let a blocked artifact through: the way its own command line does it.
import { type Exchanger, isFailed } from "./exchange.ts"
import { failed } from "./failures.ts"
import { readText } from "./refusal.ts"
import type { UpstreamFailure, UpstreamLimits, UpstreamRequest } from "./types.ts"
import { isWaiverReason, readWaiver, WAIVER_HEADER, type Waiver } from "./waiver.ts"

/** One request, not repeated: a waiver that was asked for twice is two. */
export async function askWaiver(
  exchanger: Exchanger,
  limits: UpstreamLimits,
  request: UpstreamRequest,
  reason: string,
  offline: boolean,
): Promise<Waiver | UpstreamFailure> {
  if (!isWaiverReason(reason)) return failed("invalid", "the reason must be 5 to 300 printable ASCII characters")
  if (offline) return failed("offline", "the gateway is offline, and can ask for no waiver")
  const answer = await exchanger.ask(
    {
      request,
      headers: { [WAIVER_HEADER]: reason },
      statuses: [200, 403],
      isArtifact: true,
      total: limits.total,
      retries: 0,
    },
    async ({ statusCode, body }) => {
      if (statusCode === 403) return readText(body)
      body.destroy()
      return undefined
    },
  )
  if (isFailed(answer)) return answer
  if (answer === undefined)
    return failed("invalid", "the registry does not block this artifact: there is nothing to waive")
  const waiver = readWaiver(answer)
  return (
    waiver ?? {
      ...failed("refused", "the registry answered 403 without saying what became of the request"),
      status: 403,
    }
  )
}

/**
 * A refusal of Curation, with whether a waiver may be asked for: Artifactory says so only to who sends this value of the header
 * (jfrog-cli-security does). The first refusal where the second answer is none.
 */
export async function askAboutWaivers(
  exchanger: Exchanger,
  limits: UpstreamLimits,
  request: UpstreamRequest,
  refusal: UpstreamFailure,
): Promise<UpstreamFailure> {
  if (refusal.curation === undefined || refusal.curation.waiver) return refusal
  const headers = { [WAIVER_HEADER]: "syn" }
  const call = { request, headers, statuses: [200], isArtifact: true, total: limits.total, retries: 0 }
  const answer = await exchanger.ask(call, async ({ body }) => void body.destroy())
  return isFailed(answer) && answer.curation !== undefined ? answer : refusal
}
