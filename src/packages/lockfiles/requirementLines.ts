// The grammar of requirements files (https://pip.pypa.io/en/stable/reference/requirements-file-format/), as pip's req_file.py reads it:
// logical lines, options, and what else a line may hold. No environment variable is expanded: its value is nobody's evidence.
import { lockfileError, quote } from "./failure.ts"

export interface RequirementLine {
  file: string
  /** First physical line. */
  line: number
  /** The requirement itself; "" on lines of options only. */
  text: string
  /** In order; flags have the value "". */
  options: { name: string; value: string }[]
  /** What a `# via` comment below the line says, as pip-compile and uv write it. */
  via: string[]
}

/** What pip puts a variable of its environment in place of, anywhere in a line: an address may then be another one, on another host. */
export const VARIABLE = /\$\{[A-Z0-9_]+\}/

/** Hundreds of hashes make a line of some 100 kB; the requirement before them is short. */
const MAX_LINE = 1_000_000
const MAX_REQUIREMENT = 8192

const SHORT: ReadonlyMap<string, string> = new Map([
  ["-r", "--requirement"],
  ["-c", "--constraint"],
  ["-e", "--editable"],
  ["-i", "--index-url"],
  ["-f", "--find-links"],
])
const WITH_VALUE = new Set([
  ...[
    "--requirement",
    "--constraint",
    "--editable",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--trusted-host",
  ],
  ...[
    "--no-binary",
    "--only-binary",
    "--use-feature",
    "--hash",
    "--config-settings",
    "--config-setting",
    "--global-option",
  ],
  ...["--install-option", "--pypi-url", "--only-final", "--all-releases", "--uploaded-prior-to"],
])
const FLAGS = new Set(["--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes"])

/** pip decodes a file by PEP 263: by what a comment on one of its first two lines says. In UTF-7 a comment may hide a line. */
const CODING = /coding[:=]\s*([-\w.]+)/

function refuseOtherCoding(text: string, file: string): void {
  for (const [index, line] of text.split("\n", 2).entries()) {
    const coding = line.startsWith("#") ? CODING.exec(line)?.[1] : undefined
    if (coding === undefined || /^(utf[-_]?8|(us-)?ascii)$/i.test(coding)) continue
    throw lockfileError(
      "it says that it is not UTF-8",
      { file, line: index + 1 },
      "save it as UTF-8, without that comment",
    )
  }
}

/** Splits a requirements file into logical lines. Throws with file and line on an option that pip does not know. */
export function readRequirementLines(text: string, file: string): RequirementLine[] {
  refuseOtherCoding(text, file)
  const result: RequirementLine[] = []
  let joined = ""
  let open = false
  let first = 0
  const add = (line: string): void => {
    const content = line.slice(0, endOfContent(line))
    // One is a blank for JavaScript alone, the other for Python alone: comments would begin elsewhere.
    if (/[\ufeff\x1f]/.test(content)) {
      const message = "a character that is a blank for some readers only (U+FEFF or U+001F)"
      throw lockfileError(message, { file, line: first }, "delete it")
    }
    if (content.trim() !== "") result.push(parseLine(content.trim(), file, first))
  }
  // The line ends of Python's str.splitlines.
  const physical = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/)
  for (const [index, raw] of physical.entries()) {
    const comment = /^\s*#(.*)$/.exec(raw)
    if (!open) first = index + 1
    // A comment line ends a continuation; a backslash inside it does not continue anything.
    if (comment === null && raw.endsWith("\\")) {
      joined += trimBackslashes(raw)
      open = true
      if (joined.length > MAX_LINE) throw lockfileError("a line that does not end", { file, line: first })
      continue
    }
    const line = comment === null ? joined + raw : `${joined} ${raw}`
    joined = ""
    open = false
    add(line)
    const remark = comment?.[1] ?? line.slice(endOfContent(line)).trimStart().slice(1)
    if (remark !== "") addVia(result.at(-1), remark, comment !== null)
  }
  add(joined)
  return result
}

function trimBackslashes(line: string): string {
  let start = 0
  let end = line.length
  while (line[start] === "\\") start++
  while (end > start && line[end - 1] === "\\") end--
  return line.slice(start, end)
}

/** Where a comment begins: at a `#` that opens the line or follows a blank. */
function endOfContent(line: string): number {
  for (let at = line.indexOf("#"); at >= 0; at = line.indexOf("#", at + 1)) {
    if (at === 0 || /\s/.test(line[at - 1]!)) return at
  }
  return line.length
}

/** `# via flask`, or `# via` and one name on each comment line below it. */
function addVia(line: RequirementLine | undefined, remark: string, ownLine: boolean): void {
  if (line === undefined) return
  const text = remark.trim()
  if (text === "via") line.via.push("")
  else if (text.startsWith("via ")) line.via.push(text.slice(4).trim())
  else if (ownLine && line.via.length > 0 && line.via.length < 100_000 && /^\s{2,}\S/.test(remark)) line.via.push(text)
}

function parseLine(content: string, file: string, line: number): RequirementLine {
  const where = { file, line }
  // Options begin at the first word with a dash; what stands before is the requirement.
  const start = content.startsWith("-") ? 0 : content.indexOf(" -")
  const text = start < 0 ? content : content.slice(0, start).trim()
  if (content.length > MAX_LINE || text.length > MAX_REQUIREMENT) {
    throw lockfileError("a line too long to be a requirement", where, "split or delete it")
  }
  const words = start < 0 ? [] : splitWords(content.slice(start), where)
  const options: RequirementLine["options"] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    const { name, attached } = splitOption(word)
    if (FLAGS.has(name) && attached === undefined) options.push({ name, value: "" })
    else if (WITH_VALUE.has(name)) {
      const value = attached ?? words[++index]
      if (value === undefined)
        throw lockfileError(`the option ${quote(name)} has no value`, where, "complete or delete it")
      options.push({ name, value })
    } else
      throw lockfileError(
        `${quote(word)} is no option that pip knows in a requirements file`,
        where,
        "repair or delete it",
      )
  }
  return { file, line, text, options, via: [] }
}

/** `--name=value`, `-rfile`, and abbreviations of long options where they are unique, as Python's optparse admits them. */
function splitOption(word: string): { name: string; attached?: string } {
  if (!word.startsWith("--")) {
    const name = SHORT.get(word.slice(0, 2))
    if (name === undefined) return { name: word }
    return word.length === 2 ? { name } : { name, attached: word.slice(2) }
  }
  const equals = word.indexOf("=")
  const given = equals < 0 ? word : word.slice(0, equals)
  const known = WITH_VALUE.has(given) || FLAGS.has(given)
  const longer = known ? [] : [...WITH_VALUE, ...FLAGS].filter((name) => given.length > 2 && name.startsWith(given))
  const name = longer.length === 1 ? longer[0]! : given
  return equals < 0 ? { name } : { name, attached: word.slice(equals + 1) }
}

/**
 * Words as a POSIX shell splits them (pip uses shlex): between spaces, tabs and line ends alone; quotes group, a backslash takes the
 * next character as it is.
 */
function splitWords(text: string, where: { file: string; line: number }): string[] {
  const words: string[] = []
  let word: string | undefined
  let quoteMark = ""
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (quoteMark !== "") {
      if (char === quoteMark) quoteMark = ""
      else if (char === "\\" && quoteMark === '"' && /["\\]/.test(text[at + 1] ?? "")) word += text[++at]!
      else word += char
    } else if (char === '"' || char === "'") {
      quoteMark = char
      word ??= ""
    } else if (char === "\\") word = (word ?? "") + (text[++at] ?? "")
    else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? "") + char
  }
  if (quoteMark !== "") throw lockfileError("a quotation mark that is not closed", where, "close it")
  if (word !== undefined) words.push(word)
  return words
}
