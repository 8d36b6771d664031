// What a model used that did not say so, by what went and came.
import { readMediaType } from "./body.ts"

/** Bytes of a token, of the shorter ones; and in a stream of events, each of which has far more around its words. */
const PER_TOKEN = 3
const PER_TOKEN_OF_EVENTS = 12

/** Tokens of a request and of as much of its answer as came: rather too many than too few. `contentType` is the answer's. */
export function estimateTokens(sent: number, received: number, contentType: string): number {
  const isStream = readMediaType(contentType).type === "text/event-stream"
  return Math.ceil(sent / PER_TOKEN + received / (isStream ? PER_TOKEN_OF_EVENTS : PER_TOKEN))
}
