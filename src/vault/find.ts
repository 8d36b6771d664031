// Finds what looks like a placeholder in what an agent sends: in a body as it streams by, and in a request's head.
import type { Unread } from "../policy/types.ts"
import { decodeRest, escapeOf, LOOKAHEAD } from "./find-decode.ts"
import type { Chain } from "./find-forms.ts"
import { scanForMarkers } from "./find-scan.ts"
import { MARKER } from "./placeholder.ts"
import type { FoundPlaceholder } from "./types.ts"

/** Different ones that are reported of one stream; nobody has as many. */
export const MAX_FOUND = 64
/** Markers that are looked at in one stream, each time that they come. */
const MAX_LOOKED_AT = 16_384
/** Bytes before the end of a marker in which its escapes are looked for, to name them. */
const LOOKBACK = 96

export interface PlaceholderFinder {
  /** What was found so far and not reported yet. The chunk is not kept. */
  push: (chunk: Uint8Array) => FoundPlaceholder[]
  /** The rest. */
  end: () => FoundPlaceholder[]
  /** There were more than can be looked at: what follows was not. */
  readonly unread?: Unread
  /** Something began that may be one: the next bytes say. */
  readonly waiting: boolean
}

interface Waiting {
  chain: Chain
  behind: string
  escaped: string | undefined
}

/**
 * Looks through bytes that come in chunks, split anywhere. Each different text is reported once, as `where`; it is the part of a
 * placeholder that `Vault.identify` needs, from the marker on. Keeps 640 bytes a marker, of 64 different ones at most.
 */
export function createPlaceholderFinder(where: string): PlaceholderFinder {
  const known = new Set<string>()
  let waiting: Waiting[] = []
  let state = 0
  let looked = 0
  let unread: Unread | undefined

  const settle = ({ chain, behind, escaped }: Waiting): FoundPlaceholder[] => {
    const decoded = decodeRest(chain, behind)
    const text = `${MARKER}${decoded.rest}`
    const encoding = decoded.encoding === "plain" ? (escaped ?? "plain") : decoded.encoding
    const name = `${encoding} ${text}`
    if (known.has(name)) return []
    if (known.size >= MAX_FOUND) {
      // Not length, but a flood: it hides what follows.
      unread = "ambiguous"
      return []
    }
    known.add(name)
    return [{ text, where, encoding }]
  }

  return {
    push(chunk) {
      if (unread !== undefined || chunk.length === 0) return []
      const found: FoundPlaceholder[] = []
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      for (const one of waiting) one.behind += bytes.toString("latin1", 0, LOOKAHEAD - one.behind.length)
      state = scanForMarkers(bytes, state, (chain, end) => {
        if (looked++ > MAX_LOOKED_AT || waiting.length > MAX_LOOKED_AT) unread = "ambiguous"
        if (unread !== undefined) return
        const behind = bytes.toString("latin1", end, end + LOOKAHEAD)
        const before = chain.length > 0 ? "" : bytes.toString("latin1", Math.max(0, end - LOOKBACK), end)
        const one = { chain, behind, escaped: before.endsWith(MARKER) ? undefined : escapeOf(before) }
        if (behind.length < LOOKAHEAD) waiting.push(one)
        else found.push(...settle(one))
      })
      if (waiting.length > 0) {
        for (const one of waiting) if (one.behind.length >= LOOKAHEAD) found.push(...settle(one))
        waiting = waiting.filter(({ behind }) => behind.length < LOOKAHEAD)
      }
      return found
    },
    end() {
      const found = waiting.flatMap(settle)
      waiting = []
      return found
    },
    get unread() {
      return unread
    },
    get waiting() {
      return unread === undefined && waiting.length > 0
    },
  } as PlaceholderFinder
}

/** All that is in some bytes. */
export function findIn(bytes: Uint8Array, where: string): FoundPlaceholder[] {
  let isThere = false
  scanForMarkers(bytes, 0, () => {
    isThere = true
  })
  if (!isThere) return []
  const finder = createPlaceholderFinder(where)
  return [...finder.push(bytes), ...finder.end()]
}
