// A body without the placeholders that an agent left in it: for conversations, which carry what was once printed ever after.
import { createPlaceholderFinder } from "./find.ts"
import { MARKER } from "./placeholder.ts"
import { createScrubber } from "./scrub.ts"
import type { FoundPlaceholder } from "./types.ts"

/** Characters of a core that are taken out: its marker is among them, so that what stays is nobody's any more. */
const TAKEN = MARKER.length + 8

/**
 * Takes what was found out of a whole body that is not compressed, in whatever form `createScrubber` knows. Undefined where some of it
 * is still there: in base64 of base64, say.
 */
export function redactPlaceholders(body: Buffer, found: readonly Pick<FoundPlaceholder, "text">[]): Buffer | undefined {
  const texts = [...new Set(found.map(({ text }) => text.slice(0, TAKEN)))]
  const scrubber = createScrubber(texts.map((value) => ({ value, replacement: "*".repeat(value.length) })))
  const redacted = Buffer.concat([scrubber.push(body), scrubber.end()])
  const finder = createPlaceholderFinder("body")
  const left = [...finder.push(redacted), ...finder.end()]
  return finder.unread === undefined && !left.some(({ text }) => texts.includes(text.slice(0, TAKEN)))
    ? redacted
    : undefined
}
