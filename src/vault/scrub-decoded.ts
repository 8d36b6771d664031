// A stream as one who undoes one kind of escape reads it: with where in the stream each byte comes from.
import type { Automaton } from "./scrub-automaton.ts"
import type { Escapes } from "./scrub-escapes.ts"

/** Where a secret stands in the stream. */
export interface Match {
  start: number
  end: number
  mark: Buffer
}

export interface Decoded {
  /**
   * Reads the byte at an offset; `state` is that of the bytes as they are, before it. Until an escape comes both are the same, and
   * nothing is done. A match may end before the byte.
   */
  read: (byte: number, at: number, state: number) => Match | undefined
  /** With the state after the byte: whether it still is somewhere else. */
  settle: (state: number, end: number) => boolean
  /** Where the first byte is that may belong to a secret, or an escape, which is not whole; `end` where there is none. */
  held: (end: number) => number
  /** Offsets count from `offset` on. */
  rebase: (offset: number) => void
  reset: () => void
}

/** A reader that undoes one kind of escapes. Keeps as much as the longest form has. */
export function createDecoded(
  { step, depth, ending, longest }: Automaton,
  { lead, read: readEscape, within }: Escapes,
): Decoded {
  let current = 0
  let apart = false
  // Where each of the last bytes begins, and the escape that is not whole yet.
  let starts: number[] = []
  let open = ""
  let openAt = 0

  const readBytes = (bytes: Iterable<number>, at: number): { start: number; mark: Buffer } | undefined => {
    for (const byte of bytes) {
      current = step(current, byte)
      starts.push(at)
      const found = ending(current)
      if (found !== undefined) return { start: starts.at(-found.bytes.length)!, mark: found.mark }
    }
    if (starts.length > 2 * longest) starts = depth(current) === 0 ? [] : starts.slice(-depth(current))
    return undefined
  }

  return {
    read(byte, at, state) {
      if (!apart) {
        if (byte !== lead || (within && state === 0)) return undefined
        apart = true
        current = state
        starts = Array.from({ length: depth(state) }, (_, index) => at - depth(state) + index)
      }
      let text = `${open}${String.fromCharCode(byte)}`
      let from = open === "" ? at : openAt
      open = ""
      while (text !== "") {
        const isLead = text.charCodeAt(0) === lead && !(within && current === 0)
        const escaped = isLead ? readEscape(text) : undefined
        if (escaped === "more") {
          open = text
          openAt = from
          return undefined
        }
        const size = escaped?.size ?? 1
        const match = readBytes(escaped?.bytes ?? [text.charCodeAt(0)], from)
        if (match !== undefined) return { ...match, end: from + size }
        text = text.slice(size)
        from += size
      }
      return undefined
    },
    settle(state, end) {
      if (!apart || open !== "" || current !== state) return apart
      const length = depth(state)
      apart = length > 0 && starts.at(-length) !== end - length
      return apart
    },
    held(end) {
      if (!apart) return end
      const behind = depth(current)
      return behind > 0 ? starts.at(-behind)! : open === "" ? end : openAt
    },
    rebase(offset) {
      starts = starts.map((start) => start - offset)
      openAt -= offset
    },
    reset() {
      apart = false
      open = ""
    },
  }
}
