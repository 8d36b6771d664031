// The text of yarn 1's lockfile: blocks by indentation, `key value` or `key:` on each line, words in JSON quotes where need be.
import { lockfileError } from "./failure.ts"

/** One entry: the patterns it answers, its fields, and what stands under `dependencies:` and `optionalDependencies:`. */
export interface ClassicEntry {
  patterns: string[]
  line: number
  fields: Map<string, string>
  blocks: Map<string, Map<string, string>>
}

const WRITE_AGAIN = "let yarn write it again: `yarn install`"
const TWICE = "the same key stands twice; readers differ in which of the two they take"
/** What yarn's parser takes for one word; yarn writes fewer of them without quotes. */
const BARE_WORD = /^(?!true|false)[a-zA-Z/.-][^\s,:"]*/
/** A number or a truth value; yarn takes neither for a key. */
const BARE_VALUE = /^(\d+|true|false) *$/

/**
 * Reads the whole text. Throws with the line for everything that yarn does not write, a pattern or a field that stands twice
 * included: yarn reads more than it writes (`key: value` on one line, several fields on one, all of it as YAML where its own
 * parser fails, nothing after an indented line that an empty line parts from its entry), and the last of two fields counts.
 */
export function readClassicText(text: string, file: string): ClassicEntry[] {
  const entries: ClassicEntry[] = []
  const patterns = new Set<string>()
  let entry: ClassicEntry | undefined
  let block: Map<string, string> | undefined
  const lines = text.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const content = lines[index]!
    const fail = (message: string) => lockfileError(message, { file, line: index + 1 }, WRITE_AGAIN)
    if (content === "" || content.startsWith("#")) {
      entry = undefined
      continue
    }
    if (/^(<{7}|={7}|>{7})/.test(content)) throw fail("an unresolved merge conflict")
    const indent = content.length - content.replace(/^ +/, "").length
    const { words, block: opens } = wordsOf(content.slice(indent), indent === 0, fail)
    if (indent === 0) {
      if (!opens) throw fail("the line does not begin an entry")
      entry = { patterns: words, line: index + 1, fields: new Map(), blocks: new Map() }
      block = undefined
      for (const pattern of words) {
        if (patterns.has(pattern))
          throw fail("the same pattern stands twice; readers differ in which of the two they take")
        patterns.add(pattern)
      }
      entries.push(entry)
    } else if (entry !== undefined && indent === 2) {
      if (opens && words.length === 1) {
        block = new Map()
        if (entry.fields.has(words[0]!)) throw fail(TWICE)
        setOnce(entry.blocks, words[0]!, block, fail)
      } else if (!opens && words.length === 2) {
        block = undefined
        if (entry.blocks.has(words[0]!)) throw fail(TWICE)
        setOnce(entry.fields, words[0]!, words[1]!, fail)
      } else throw fail("neither `key value` nor `key:`")
    } else if (entry !== undefined && block !== undefined && indent === 4 && !opens && words.length === 2)
      setOnce(block, words[0]!, words[1]!, fail)
    else throw fail("the line does not belong here")
  }
  return entries
}

function setOnce<Value>(map: Map<string, Value>, key: string, value: Value, fail: (message: string) => Error): void {
  if (map.has(key)) throw fail(TWICE)
  map.set(key, value)
}

/** The words of a line: patterns parted by commas, else a key and its value parted by blanks; `block` where it ends in a colon. */
function wordsOf(
  content: string,
  patterns: boolean,
  fail: (message: string) => Error,
): { words: string[]; block: boolean } {
  const words: string[] = []
  let at = 0
  while (at < content.length) {
    if (content[at] === '"') {
      const end = endOfString(content, at)
      if (end < 0) throw fail("a quoted word is not closed: the file is cut off or was edited")
      words.push(unquote(content.slice(at, end + 1), fail))
      at = end + 1
    } else {
      const rest = content.slice(at, at + 4096)
      const value = !patterns && words.length === 1 ? BARE_VALUE.exec(rest)?.[1] : undefined
      const word = value ?? BARE_WORD.exec(rest)?.[0]
      if (word === undefined) throw fail("not a word that yarn writes")
      words.push(word)
      at += word.length
    }
    const gap = (patterns ? /^(:$|, *| *$)/ : /^(:$| *)/).exec(content.slice(at, at + 64))?.[0] ?? ""
    at += gap.length
    if (gap === ":") return { words, block: true }
    if (gap === "" && at < content.length) throw fail("not a word that yarn writes")
  }
  return { words, block: false }
}

function endOfString(content: string, open: number): number {
  for (let at = open + 1; at < content.length; at++) {
    if (content[at] === "\\") at++
    else if (content[at] === '"') return at
  }
  return -1
}

function unquote(text: string, fail: (message: string) => Error): string {
  try {
    return JSON.parse(text) as string
  } catch {
    throw fail("a quoted word is not valid")
  }
}
