// An e-mail, for people (RFC 5322, MIME): who gets it, and what it says. postal-mime takes it apart.
import { shown, shownBytes } from "./shown.ts"
import type { ShownPart, ShownValue } from "./types.ts"

const ADDRESSES = ["from", "sender", "reply-to", "to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"]
const LIMITS = { maxNestingDepth: 20, maxHeadersSize: 64 * 1024, maxRfc822NestingDepth: 2 }
const MAX_ATTACHMENTS = 50
/** Lines that may be a boundary: time to take a message apart grows with the square of its parts. */
const MAX_BOUNDARIES = 300
/** postal-mime takes some 10 us a line, and nothing else is done meanwhile. */
const MAX_LINES = 10_000

/**
 * Every header that says who gets it, as often as it is there, the subject, all texts, and the files. Addresses stand before names:
 * a name may spell an address. Undefined where the bytes are no e-mail, or one of too many lines or parts.
 */
export async function mailParts(raw: Uint8Array): Promise<ShownPart[] | undefined> {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("latin1")
  if (text.split(/\r\n?|\n/, MAX_LINES + 1).length > MAX_LINES) return undefined
  if (text.split("\n--", MAX_BOUNDARIES + 1).length > MAX_BOUNDARIES) return undefined
  const { default: PostalMime, addressParser, decodeWords } = await import("postal-mime")
  try {
    const mail = await PostalMime.parse(raw, LIMITS)
    const head: ShownValue[] = []
    for (const { key, originalKey, value } of mail.headers) {
      if (key === "subject") head.push(shown(originalKey, decodeWords(value)))
      if (!ADDRESSES.includes(key)) continue
      const boxes = addressParser(value, { flatten: true })
      const listed = boxes.map(({ address, name }) => (name ? `${address} (${decodeWords(name)})` : (address ?? "")))
      head.push(shown(originalKey, listed.length > 0 ? listed.join(", ") : decodeWords(value)))
    }
    if (head.length === 0) return undefined
    const texts: ShownValue[] = []
    if (mail.text) texts.push(shown("text", mail.text, 8000))
    if (mail.html) texts.push(shown("html", mail.html, 4000))
    const files = mail.attachments.slice(0, MAX_ATTACHMENTS).map((file, index) => {
      const bytes = typeof file.content === "string" ? Buffer.from(file.content) : new Uint8Array(file.content)
      return shownBytes(file.filename ?? `attachment ${index + 1}`, bytes, file.mimeType)
    })
    const more = mail.attachments.length - files.length
    return [
      { title: "e-mail", values: head },
      ...(texts.length > 0 ? [{ title: "text", values: texts }] : []),
      ...(files.length > 0 ? [{ title: "attachments", values: files, ...(more > 0 && { more }) }] : []),
    ]
  } catch {
    return undefined
  }
}
