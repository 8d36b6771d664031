// Hosts and addresses that a text names: found by their dots, not by the grammar of the text. What is written otherwise (percent- or entity-encoded,
// base64, split by markup, in a picture) is not found: that nothing is found says nothing.
import { isIPv4 } from "node:net"
import { canonicalHost } from "../../policy/hosts.ts"

/** What a text names: a host, and where a whole address was written, what follows it as well. */
export interface Mention {
  /** Canonical. */
  host: string
  /** Path and query of an address with a scheme, without its fragment; absent for a bare name and for the root. */
  rest?: string
}

/** Longest name that is read, and longest path. */
export const MAX_NAME = 260
const MAX_REST = 1024
const MAX_KNOWN = 1_000

const [DOT, SLASH, COLON] = [46, 47, 58]
/** Characters of names: letters, digits, `-`, `_`, and every byte beyond ASCII. */
const OF_NAME = new Uint8Array(256).map((_, code) =>
  code > 127 || /[A-Za-z0-9_-]/.test(String.fromCharCode(code)) ? 1 : 0,
)
/** What an address in a text cannot go on with. */
const END_OF_ADDRESS = /[\0-\x20"'<>`{}|^\x7f]/
/** A name within ASCII: what it is as a host is soon said. */
const PLAIN = /^[\x21-\x7e]*$/
/** A last label that is none of a file's or a member's: letters alone, or Punycode. */
const LAST_LABEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})$/

/** Calls `found` for what a text names, at most `most` times; bytes of the text are its characters (latin1). */
export function readMentions(text: string, most: number, found: (mention: Mention) => void): void {
  let left = most
  /** Texts name the same few hosts again and again. */
  const known = new Map<string, string | undefined>()
  for (let dot = text.indexOf("."); dot >= 0 && left > 0; ) {
    let [start, end] = [dot, dot + 1]
    while (start > 0 && dot - start < MAX_NAME && isOfName(text.charCodeAt(start - 1))) start--
    while (end < text.length && end - dot < MAX_NAME && isOfName(text.charCodeAt(end))) end++
    const name = text.slice(start, end)
    const isKnown = known.has(name)
    const isFull = known.size >= MAX_KNOWN
    const isSkipped = name.length < 4 || (isFull && !PLAIN.test(name))
    const host = isKnown ? known.get(name) : isSkipped ? undefined : hostOf(name)
    if (!isKnown && !isFull) known.set(name, host)
    const rest = host === undefined ? undefined : restOf(text, start, end)
    if (host !== undefined && !(isKnown && rest === undefined)) {
      left--
      found(rest === undefined ? { host } : { host, rest })
    }
    dot = text.indexOf(".", end)
  }
}

const isOfName = (code: number) => code === DOT || OF_NAME[code & 255] === 1

function hostOf(text: string): string | undefined {
  const bare = text.replace(/^[.-]+|[.-]+$/g, "")
  if (!bare.includes(".") || bare.includes("..")) return undefined
  const plain = PLAIN.test(bare) ? bare.toLowerCase() : Buffer.from(bare, "latin1").toString("utf8")
  // Before anything is done about it: most dots of a text are in numbers, files and members.
  if (plain === bare && !mayBeHost(plain)) return undefined
  const host = canonicalHost(plain)
  return host !== undefined && mayBeHost(host) && (!isIPv4(host) || host === plain) ? host : undefined
}

const mayBeHost = (name: string) => LAST_LABEL.test(name.slice(name.lastIndexOf(".") + 1)) || isIPv4(name)

/** What follows the host of an address: only where a scheme stands before it. */
function restOf(text: string, start: number, end: number): string | undefined {
  const before = text[start - 1]
  if (
    (before !== "/" && before !== "@") ||
    !/:(?:\\?\/){2}(?:[^\s/"'<>]{0,100}@)?$/.test(text.slice(Math.max(0, start - 120), start))
  )
    return undefined
  let at = end
  if (text.charCodeAt(at) === COLON) while (at < text.length && at < end + 6 && /[:\d]/.test(text[at]!)) at++
  // JSON may write `\/`.
  const code = text.charCodeAt(at)
  if (code !== SLASH && text[at] !== "\\") return undefined
  // No further: where nothing ends an address, all of a text would be looked at for each.
  const rest = text.slice(at, at + MAX_REST)
  const stop = rest.search(END_OF_ADDRESS)
  return addressRest(stop < 0 ? rest : rest.slice(0, stop))
}

/** Path and query as both a text and a request have them; undefined for the root. */
export function addressRest(text: string): string | undefined {
  const whole = text
    .replaceAll("\\/", "/")
    .replaceAll("&amp;", "&")
    .replace(/[#\\].*$/s, "")
  // From its end: an expression would begin anew at every bracket of a long text.
  let end = whole.length
  while (end > 0 && ").,;:!?]".includes(whole[end - 1]!)) end--
  const rest = whole.slice(0, end)
  return rest === "" || rest === "/" ? undefined : rest
}
