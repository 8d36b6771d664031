// The registry front: one request of a package manager, decided, recorded, answered. Nothing is released that `decide` did not
// allow at that moment, and nothing is answered that is not in the record.
import { purlOf } from "../../packages/purl.ts"
import { mayHave } from "../../policy/scope.ts"
import { plainText } from "../../policy/text.ts"
import { type Answer, errorAnswer } from "../answer.ts"
import type { FrontRequest, Protocol } from "../types.ts"
import { answerArtifact } from "./artifact.ts"
import { refuseOutright } from "./decide.ts"
import { answerListing } from "./listing.ts"
import { answerService } from "./services.ts"
import type { Asked, Front } from "./types.ts"

/** Answers one request. Rejects only where the record or the store is out of order; the server then answers 503. */
export async function answerFront(front: Front, asked: Asked): Promise<Answer & { kind?: FrontRequest["kind"] }> {
  const protocol = front.protocols.get(asked.ecosystem)
  const request = protocol?.read(asked.raw)
  if (protocol === undefined || request === undefined) {
    return recordFailure(front, asked, undefined, errorAnswer(404, "there is nothing here by that name"))
  }
  const { name, version = "" } = request as { name?: string; version?: string }
  if (front.killed?.(asked.who) || isOutside(asked, name)) return refuseOutright(front, asked, name ?? "-", version)
  const answer = await answerKind(front, asked, protocol, request)
  return { ...(await recordFailure(front, asked, request, answer)), kind: request.kind }
}

/** Whether the rights of who asks leave no packages, or not this one. */
function isOutside({ who: { scope }, ecosystem }: Asked, name: string | undefined): boolean {
  if (scope === undefined) return false
  return scope.packages === false || (name !== undefined && !mayHave(scope, ecosystem, name))
}

/** What comes to nothing is recorded, too: names that nobody ever published are asked for by agents that made them up. */
async function recordFailure(
  front: Front,
  asked: Asked,
  request: FrontRequest | undefined,
  answer: Answer,
): Promise<Answer> {
  if (answer.status < 400 || answer.recorded) return answer
  const { ecosystem, who, raw, client } = asked
  const named = request !== undefined && "name" in request
  const version = named && "version" in request ? request.version : ""
  const subject = named ? purlOf(ecosystem, request.name, version) : `${raw.method} ${ecosystem}${raw.path}`
  const detail = { status: answer.status, client, asked: request?.kind ?? "nothing known" }
  await front.recorder.failed(who, plainText(subject, 300), front.law().policy.hash, detail)
  return answer
}

async function answerKind(front: Front, asked: Asked, protocol: Protocol, request: FrontRequest): Promise<Answer> {
  switch (request.kind) {
    case "service":
      return answerService(front, asked, request)
    case "unsupported":
      return errorAnswer(405, `${request.what} is not offered here: ${request.hint}`)
    case "artifact":
      return answerArtifact(front, asked, protocol, request)
    default:
      return answerListing(front, asked, protocol, request)
  }
}
