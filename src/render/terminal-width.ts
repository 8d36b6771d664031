// How many columns of a terminal a text takes, for what may not wrap.

// East Asian wide and full-width characters and emoji take two columns (Unicode Standard Annex 11), with whatever may come into their
// blocks. Marks take none, but for those with a place of their own: most terminals give them a column.
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d37f}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const MARK = /\p{Mn}|\p{Me}/u

/** The columns of a clean text. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += charWidth(char)
  return width
}

/** A clean text in at most `columns` columns; what is cut ends in "...". */
export function cutToWidth(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let width = 0
  let cut = ""
  for (const char of text) {
    width += charWidth(char)
    if (width > columns - 3) break
    cut += char
  }
  return `${cut}...`.slice(0, Math.max(0, columns))
}

/** A clean text filled up with spaces to `columns`; longer ones stay as they are. */
export function padToWidth(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)))
}

const charWidth = (char: string) => (MARK.test(char) ? 0 : WIDE.test(char) ? 2 : 1)
