// How many columns of a terminal a text takes, for what may not wrap.

// East Asian wide and full-width characters and emoji take two columns (Unicode Standard Annex 11), marks none.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const MARK = /\p{M}/u

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
