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

/** Reads the whole text. Throws with the line for everything that yarn does not write, a pattern or a field that stands twice included. */
export function readClassicText(text: string, file: string): ClassicEntry[] {
  const entries: ClassicEntry[] = []
  const patterns = new Set<string>()
  let entry: ClassicEntry | undefined
  let block: Map<string, string> | undefined
  const lines = text.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const content = lines[index]!
    const fail = (message: string) => lockfileError(message, { file, line: index + 1 }, WRITE_AGAIN)
    if (content.trim() === "" || content.trimStart().startsWith("#")) continue
    if (/^(<{7}|={7}|>{7})/.test(content)) throw fail("an unresolved merge conflict")
    const indent = content.length - content.trimStart().length
    const { words, block: opens } = wordsOf(content.slice(indent), fail)
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
        setOnce(entry.blocks, words[0]!, block, fail)
      } else if (!opens && words.length === 2) {
        block = undefined
        setOnce(entry.fields, words[0]!, words[1]!, fail)
      } else throw fail("neither `key value` nor `key:`")
    } else if (block !== undefined && indent === 4 && !opens && words.length === 2)
      setOnce(block, words[0]!, words[1]!, fail)
    else throw fail("the line does not belong here")
  }
  return entries
}

function setOnce<Value>(map: Map<string, Value>, key: string, value: Value, fail: (message: string) => Error): void {
  if (map.has(key)) throw fail("the same key stands twice; readers differ in which of the two they take")
  map.set(key, value)
}

/** The words of a line, parted by blanks or commas; `block` where it ends in a colon. */
function wordsOf(content: string, fail: (message: string) => Error): { words: string[]; block: boolean } {
  const words: string[] = []
  let at = 0
  while (at < content.length) {
    if (content[at] === '"') {
      const end = endOfString(content, at)
      if (end < 0) throw fail("a quoted word is not closed: the file is cut off or was edited")
      words.push(unquote(content.slice(at, end + 1), fail))
      at = end + 1
    } else {
      const word = /^[^\s,":][^\s,]*/.exec(content.slice(at, at + 4096))?.[0]
      if (word === undefined) throw fail("not a word that yarn writes")
      // A colon ends a line that opens a block; elsewhere (`npm:`) it is part of the word.
      const bare = at + word.length === content.length && word.endsWith(":") ? word.slice(0, -1) : word
      words.push(bare)
      at += bare.length
    }
    const gap = /^(:$|,? *)/.exec(content.slice(at, at + 64))?.[0] ?? ""
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
