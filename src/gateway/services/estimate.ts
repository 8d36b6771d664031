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

/** Types of what is stored or heard, and of no document: its bytes are no words. */
const UPLOAD = /^(?:multipart\/(?:form-data|related)|application\/octet-stream|(?:audio|image|video)\/.*)$/

/** Whether a request's body is a file rather than what a model is told. JSON is none, by whatever name: some services read nothing else. */
export function isUpload(contentType: string, beginning: Buffer): boolean {
  return UPLOAD.test(readMediaType(contentType).type) && !/^\s*[{[]/.test(beginning.toString("latin1", 0, 64))
}
