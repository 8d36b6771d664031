// Requests for tokens whose bodies are sent as they come: what tells them is looked for on the way, before there is an answer.
import type { OutgoingRequest } from "./outgoing.ts"
import { decode, STS_ACTION, type TokenRequest } from "./reseal-tokens.ts"

export interface GrantFinder {
  /** A piece of the body, in its order. */
  push: (chunk: Uint8Array) => void
  /** Which answer the request gets, by what was sent so far. */
  kind: () => TokenRequest | undefined
}

/** Types by which a service reads forms and JSON; without one, or by one that is not clear, it may read either. Files are neither. */
const READ = /^\s*$|,|urlencoded|json|^\s*text\/plain/i
/** Characters of a piece that are looked at again with the next: the longest word with every character escaped. */
const TAIL = 256

const GRANT = /[?&]grant_type=/
/** What stands behind it may come with the next piece. */
const JSON_GRANT = /"grant_type"\s*(?::|$)/
/** Quotes within a text of JSON: they begin and end none of its names. */
const QUOTES = /\\u0022|%22/gi

/** Looks for what `tokenRequest` finds in a body; undefined where no service would read this one so. */
export function createGrantFinder({ method, headers }: OutgoingRequest): GrantFinder | undefined {
  const types = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === "content-type")
  if (method !== "POST" || !READ.test(types.join())) return undefined
  const isTyped = types.length === 1 && /json/i.test(types[0]!) && !/urlencoded/i.test(types[0]!)
  let found: TokenRequest | undefined
  // What begins with a word begins a form.
  let tail = "&"
  let isForm: boolean | undefined
  return {
    kind: () => found,
    push: (chunk) => {
      if (found !== undefined) return
      const text = tail + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1")
      const [first] = /[^&\s]/.exec(text) ?? []
      // JSON of whatever kind, by its type and its first sign: an address in one of its texts asks for nothing.
      if (first !== undefined) isForm ??= !(isTyped && (first === "{" || first === "["))
      const texts = isForm === false ? [decode(text.replace(QUOTES, " "))] : [text, decode(text)]
      if (isForm !== false && texts.some((one) => STS_ACTION.test(one))) found = "aws"
      else if (texts.some((one) => (isForm !== false && GRANT.test(one)) || JSON_GRANT.test(one))) found = "oauth"
      tail = text.slice(-TAIL)
    },
  }
}
