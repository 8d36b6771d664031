// TOML as lockfiles need it: bounded, with errors that name a line, and with the lines of its tables, which the parser
// does not keep.
import { lockfileError } from "./failure.ts"

export type TomlTable = { [key: string]: unknown }

/** Lockfiles nest arrays and inline tables three or four levels deep. */
const MAX_DEPTH = 32

/**
 * Parses TOML 1.0 strictly: a key or table defined twice is an error. Objects have no prototype, so a key
 * named `__proto__` or `constructor` is a key like any other. Throws with line and column.
 */
export async function parseToml(text: string, file: string): Promise<TomlTable> {
  if (text.trim() === "") {
    throw lockfileError("the file is empty", { file, line: 1 }, "let the package manager write it again")
  }
  const { parse, TomlError } = await import("smol-toml")
  try {
    return parse(text, { maxDepth: MAX_DEPTH, integersAsBigInt: "asNeeded" }) as TomlTable
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // The first line is one of the library's own sentences; what follows quotes the file.
    const why = error.message.split("\n", 1)[0]!.replace(/^Invalid TOML document: /, "")
    throw lockfileError(
      /^(<{7}|={7}|>{7})/m.test(text) ? "an unresolved merge conflict" : `not valid TOML: ${why}`,
      { file, line: error.line, column: error.column },
      "repair this place, or let the package manager write the file again",
    )
  }
}

/**
 * Makes a function that tells the line (from 1) of the n-th element (from 0) of an array of tables, in a text that `parseToml` has accepted: that of
 * its header `[[name]]`. Headers inside strings, arrays and comments are none. 1 where there is no such header. The text is searched once,
 * when a line is first asked for.
 */
export function createTableLines(text: string, name: string): (index: number | undefined) => number {
  let lines: number[] | undefined
  return (index) => {
    lines ??= findHeaders(text, name)
    return (index === undefined ? undefined : lines[index]) ?? 1
  }
}

function findHeaders(text: string, name: string): number[] {
  const lines: number[] = []
  let line = 1
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    while (text[at] === " " || text[at] === "\t") at++
    if (text.startsWith("[[", at) && isHeaderOf(text, at + 2, name)) lines.push(line)
    const next = endOfStatement(text, at)
    for (let index = text.indexOf("\n", at); index >= 0 && index < next; index = text.indexOf("\n", index + 1)) line++
    at = next
  }
  return lines
}

/** The longest header that can spell `name`: escapes take up to ten characters each, and there may be blanks. */
const HEADER = /[ \t]*("[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*\]\]/y

function isHeaderOf(text: string, at: number, name: string): boolean {
  HEADER.lastIndex = at
  const key = HEADER.exec(text)?.[1]
  if (key === undefined || key === name) return key === name
  if (key.startsWith("'")) return key.slice(1, -1) === name
  if (!key.startsWith('"')) return false
  const plain = key.slice(1, -1).replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\x([0-9a-f]{2})/gi, (all, u, U, x) => {
    const code = Number.parseInt(u ?? U ?? x, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
  return plain === name
}

/** Offset after the newline that ends the header, the key and value, the comment or the blank line at `at`. */
function endOfStatement(text: string, at: number): number {
  let depth = 0
  while (at < text.length) {
    const char = text[at]!
    if (char === "\n" && depth <= 0) return at + 1
    if (char === "#") {
      const newline = text.indexOf("\n", at)
      at = newline < 0 ? text.length : newline
    } else if (char === '"' || char === "'") {
      at = endOfString(text, at, char)
    } else {
      if (char === "[" || char === "{") depth++
      else if (char === "]" || char === "}") depth--
      at++
    }
  }
  return at
}

function endOfString(text: string, open: number, quote: string): number {
  const fence = quote.repeat(3)
  const long = text.startsWith(fence, open)
  const end = long ? fence : quote
  let at = open + end.length
  while (at < text.length) {
    if (text[at] === "\\" && quote === '"') at += 2
    else if (text.startsWith(end, at)) {
      at += end.length
      // A long string may end in one or two quotes of its own.
      while (long && text[at] === quote) at++
      return at
    } else at++
  }
  return at
}
