// UTF-8 as a strict reader takes it, byte by byte.

/** U+FFFD, which a terminal shows for bytes that are no character. */
export const REPLACEMENT = Buffer.from("\ufffd")

/**
 * Length of the character at a byte of 0x80 or more: 2 to 4; 0 where there is none, -1 where the bytes end in the middle of one. Table
 * 3-7 of the Unicode Standard: neither overlong forms nor surrogates are characters, so that no control can hide in one.
 */
export function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const second = bytes[at + 1]
  if (second === undefined) return -1
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let index = 2; index < length; index++) {
    const next = bytes[at + index]
    if (next === undefined) return -1
    if (next < 0x80 || next > 0xbf) return 0
  }
  return length
}
