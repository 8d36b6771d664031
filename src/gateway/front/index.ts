// The registry front: one request of a package manager, decided, recorded, answered. Nothing is released that `decide` did not
// allow at that moment, and nothing is answered that is not in the record.
import { type Answer, errorAnswer } from "../answer.ts"
import type { FrontRequest, Protocol } from "../types.ts"
import { answerArtifact } from "./artifact.ts"
import { answerListing } from "./listing.ts"
import { answerService } from "./services.ts"
import type { Asked, Front } from "./types.ts"

/** Answers one request. Rejects only where the record or the store is out of order; the server then answers 503. */
export async function answerFront(front: Front, asked: Asked): Promise<Answer & { kind?: FrontRequest["kind"] }> {
  const protocol = front.protocols.get(asked.ecosystem)
  const request = protocol?.read(asked.raw)
  if (protocol === undefined || request === undefined) return errorAnswer(404, "there is nothing here by that name")
  return { ...(await answerKind(front, asked, protocol, request)), kind: request.kind }
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
