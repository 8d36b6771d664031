// JSON that somebody else wrote. JSON.parse of Node.js 24 and 26 may take a key that is written with escapes for another one
// (nodejs/node#63785): once it has seen `{"version":0,"resolve\\":0}`, `{"version":0,"resolve\u0064":0}` has the key `resolve\` for it,
// and `resolved` is hidden from us, and from nobody else.

/** A whole escape of a string: the UTF-16 unit that it stands for, or a slash. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(\/)|[\s\S])/g

/**
 * The value of a text, as JSON.parse (RFC 8259) has it of one whose strings are written out: no escape hides a key. A key that holds a quotation
 * mark, a backslash or a control character may still come back as another one that has a backslash. Errors: SyntaxError, of the text as it is.
 */
export function parseForeignJson(text: string): unknown {
  if (!text.includes("\\u") && !text.includes("\\/")) return JSON.parse(text)
  // Escapes outside of strings are none: what is no JSON as it stands is none written out either.
  JSON.parse(text)
  return JSON.parse(text.replace(ESCAPE, writeOut))
}

function writeOut(written: string, code: string | undefined, slash: string | undefined): string {
  if (slash !== undefined) return slash
  if (code === undefined) return written
  const char = String.fromCharCode(Number.parseInt(code, 16))
  return char < " " || char === '"' || char === "\\" ? written : char
}
