// How a lockfile reader says that it cannot go on.
import { EXIT, NanoguardError } from "../../errors.ts"

/** An error about a lockfile: nothing of it counts as checked, hence exit 3. `hint` is the next step. */
export function lockfileError(
  message: string,
  where: { file: string; line?: number; column?: number },
  hint?: string,
): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.nothingChecked, where, ...(hint !== undefined && { hint }) })
}

/**
 * Text out of a lockfile as one short quoted word for a message: escapes for control, bidi and other unusual characters,
 * so that a name cannot forge lines or reorder what a person reads.
 */
export function quote(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text
  return JSON.stringify(short).replace(/[^\x20-\x7e…]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`)
}

/** Line and column, both from 1, of an offset into a text. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") }
}

/** Makes a function that tells the line of an offset, for many offsets into one text; it reads as far as it is asked. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  let next = text.indexOf("\n")
  return (offset) => {
    for (; next >= 0 && next < offset; next = text.indexOf("\n", next + 1)) starts.push(next + 1)
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
