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

/** Bytes of a body by which it is told from JSON. */
export const BEGINNING = 4_096

/**
 * Whether a request's body is a file rather than what a model is told, by its type, its codings, and how it begins. JSON is none, by whatever name:
 * some services read nothing else. What is compressed, or nothing but blanks as far as it is looked at, may be JSON.
 */
export function isUpload(contentType: string, encoding: string, beginning: Buffer): boolean {
  if (encoding.trim() !== "" || !UPLOAD.test(readMediaType(contentType).type)) return false
  // What may stand before the first sign: blanks, and what says how the text is coded (UTF-8, or UTF-16 as Python reads it, too).
  const [first] = /[^\s\0\u00ef\u00bb\u00bf\u00fe\u00ff]/.exec(beginning.toString("latin1", 0, BEGINNING)) ?? []
  return first !== undefined && first !== "{" && first !== "["
}
