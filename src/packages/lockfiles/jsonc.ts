// JSON with comments and trailing commas, as bun writes its lockfile.
import { lineCounter, lockfileError } from "./failure.ts"
import { endOfString } from "./json.ts"

/** bun writes one trailing comma for each package or so, and no comments; each costs memory here. */
const MAX_CUTS = 1_000_000

/**
 * The same text as plain JSON: comments and trailing commas become blanks, so that every offset and line stays where it was.
 * What is wrong with the rest is left for the JSON parser to say.
 */
export function blankComments(text: string, file: string): string {
  const cuts: [from: number, to: number][] = []
  let comma = -1 // place of the last comma, while only blanks and comments have followed it
  let afterValue = false // a comma can only trail where a value stands before it
  for (let at = 0; at < text.length; at++) {
    if (cuts.length > MAX_CUTS) {
      throw lockfileError(
        `more than ${MAX_CUTS} comments and trailing commas`,
        { file, line: 1 },
        "let bun write it again",
      )
    }
    const char = text[at]
    if (char === '"') {
      comma = -1
      afterValue = true
      at = endOfString(text, at)
    } else if (char === "/" && (text[at + 1] === "/" || text[at + 1] === "*")) {
      const after = endOfComment(text, at, file)
      cuts.push([at, after])
      at = after - 1
    } else if (char === ",") {
      comma = afterValue ? at : -1
      afterValue = false
    } else if (char === "}" || char === "]") {
      if (comma >= 0) cuts.push([comma, comma + 1])
      comma = -1
      afterValue = true
    } else if (char !== " " && char !== "\n" && char !== "\r" && char !== "\t") {
      comma = -1
      afterValue = char !== "{" && char !== "[" && char !== ":"
    }
  }
  const parts: string[] = []
  let copied = 0
  for (const [from, to] of cuts.sort((a, b) => a[0] - b[0])) {
    parts.push(text.slice(copied, from), text.slice(from, to).replace(/[^\r\n]/g, " "))
    copied = to
  }
  return parts.join("") + text.slice(copied)
}

/** Where a comment ends. Throws for one of `//` with another line end in it, which ends it for bun and for other readers does not. */
function endOfComment(text: string, at: number, file: string): number {
  const mark = text[at + 1] === "/" ? "\n" : "*/"
  const end = text.indexOf(mark, at + 2)
  const after = end < 0 ? text.length : end + mark.length
  if (mark === "\n" && /\r(?!\n)|[\u2028\u2029]/.test(text.slice(at, after)))
    throw lockfileError(
      "a comment with a line end in it; readers differ in where it ends",
      { file, line: lineCounter(text)(at) },
      "let bun write it again",
    )
  return after
}
