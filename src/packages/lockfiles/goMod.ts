// The grammar of go.mod (https://go.dev/ref/mod#go-mod-file-grammar), as far as it says which modules a build takes.
import { isValidVersion } from "../versions.ts"
import { lockfileError, quote } from "./failure.ts"

export interface GoRequirement {
  path: string
  version: string
  indirect: boolean
  line: number
}

export interface GoReplacement {
  path: string
  /** "" replaces every version. */
  version: string
  target: string
  /** "" where the target is a local directory. */
  targetVersion: string
  line: number
}

export interface GoMod {
  module: string
  /** The `go` directive: "1.22"; "" where there is none, which means 1.16. */
  go: string
  requirements: GoRequirement[]
  replacements: GoReplacement[]
  /** Directories of the modules that a go.work uses, as written; empty in a go.mod. */
  uses: string[]
}

/** Directives that do not change which modules are taken, or (exclude) only by what `require` already shows. */
const WITHOUT_EFFECT = new Set(["toolchain", "exclude", "retract", "godebug", "tool", "ignore"])
const MODULE_PATH = /^[A-Za-z0-9_~-][A-Za-z0-9._~+-]*(?:\/[A-Za-z0-9._~+-]+)*$/

/** Reads a go.mod. Throws with file and line on what `go mod verify` would not read either. */
export function readGoMod(text: string, file: string): GoMod {
  const mod = readDirectives(text, file)
  if (mod.module === "") throw bad("no module directive", { file, line: 1 })
  return mod
}

/** The replacements and uses of a go.work, which has the same grammar (https://go.dev/ref/mod#go-work-file). Throws like `readGoMod`. */
export function readGoWork(text: string, file: string): Pick<GoMod, "replacements" | "uses"> {
  return readDirectives(text, file)
}

function readDirectives(text: string, file: string): GoMod {
  const mod: GoMod = { module: "", go: "", requirements: [], replacements: [], uses: [] }
  let block = ""
  const lines = text.split("\n")
  for (const [index, raw] of lines.entries()) {
    const line = index + 1
    const { words, comment } = tokenise(raw, file, line)
    if (words.length === 0) continue
    if (block !== "" && words[0] === ")" && words.length === 1) {
      block = ""
    } else if (block === "" && words.length === 2 && words[1] === "(") {
      block = words[0]!
    } else {
      const [directive, ...values] = block === "" ? words : [block, ...words]
      addDirective(mod, directive!, values, comment, { file, line })
    }
  }
  if (block !== "") throw bad(`the file ends inside ${quote(`${block} (`)}`, { file, line: lines.length })
  return mod
}

type Place = { file: string; line: number }

function addDirective(mod: GoMod, directive: string, values: string[], comment: string, place: Place): void {
  switch (directive) {
    case "module":
      if (values.length !== 1 || mod.module !== "") throw bad("not one module path", place)
      mod.module = modulePath(values[0]!, place)
      return
    case "go":
      if (values.length !== 1 || !/^[0-9]+\.[0-9]+[a-z0-9.]*$/.test(values[0]!)) throw bad("not a Go version", place)
      mod.go = values[0]!
      return
    case "require": {
      if (values.length !== 2) throw bad("not a module path and a version", place)
      const path = modulePath(values[0]!, place)
      // As `go` reads it: the comment is "indirect", or starts with "indirect;".
      const indirect = /^indirect(;|$)/.test(comment)
      mod.requirements.push({ path, version: moduleVersion(path, values[1]!, place), indirect, line: place.line })
      return
    }
    case "replace":
      mod.replacements.push(readReplacement(values, place))
      return
    case "use":
      if (values.length !== 1) throw bad("not one directory", place)
      mod.uses.push(values[0]!)
      return
    default:
      if (!WITHOUT_EFFECT.has(directive)) throw bad(`the directive ${quote(directive)} is not known`, place)
  }
}

function readReplacement(values: string[], place: Place): GoReplacement {
  const arrow = values.indexOf("=>")
  const [before, after] = [values.slice(0, arrow), values.slice(arrow + 1)]
  if (arrow < 1 || before.length > 2 || after.length < 1 || after.length > 2) throw bad("not a replacement", place)
  const path = modulePath(before[0]!, place)
  const version = before[1] === undefined ? "" : moduleVersion(path, before[1], place)
  const local = /^(\.{1,2}([/\\]|$)|[/\\]|[A-Za-z]:)/.test(after[0]!)
  if (local !== (after[1] === undefined))
    throw bad("a replacement by a module needs a version, one by a directory has none", place)
  const target = local ? after[0]! : modulePath(after[0]!, place)
  const targetVersion = local ? "" : moduleVersion(target, after[1]!, place)
  return { path, version, target, targetVersion, line: place.line }
}

function modulePath(path: string, place: Place): string {
  if (path.length > 512 || !MODULE_PATH.test(path)) throw bad(`${quote(path)} is not a module path`, place)
  return path
}

/** A canonical version that fits the path: v2 and later need `/v2` (or gopkg.in's `.v2`), or say `+incompatible`. */
function moduleVersion(path: string, version: string, place: Place): string {
  if (!version.startsWith("v") || !isValidVersion("golang", version)) {
    throw bad(`${quote(version)} is not a canonical version`, place)
  }
  const major = /^v([0-9]+)/.exec(version)![1]!
  const suffix = path.startsWith("gopkg.in/")
    ? /\.v([0-9]+)(-unstable)?$/.exec(path)?.[1]
    : /\/v([2-9]|[1-9][0-9]+)$/.exec(path)?.[1]
  const fits =
    suffix === undefined
      ? major === "0" || major === "1" || version.endsWith("+incompatible")
      : suffix === major || (path.startsWith("gopkg.in/") && suffix === "1" && major === "0") || isZeroPseudo(version)
  if (!fits) throw bad(`${quote(version)} does not fit the major version of ${quote(path)}`, place)
  return version
}

/** gopkg.in's modules without tags have pseudo-versions from v0.0.0, whatever their suffix. */
function isZeroPseudo(version: string): boolean {
  return /^v0\.0\.0-[0-9]{14}-[0-9a-f]{12}$/.test(version)
}

const END_OF_WORD = /[\s(),[\]"`]|\/\//g

/** Words of a line (bare, "quoted" or `raw`), parentheses and `=>` among them, and its comment without slashes. */
function tokenise(raw: string, file: string, line: number): { words: string[]; comment: string } {
  const words: string[] = []
  const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw
  let at = 0
  while (at < text.length) {
    const char = text[at]!
    if (char === " " || char === "\t") at++
    else if (text.startsWith("//", at)) return { words, comment: text.slice(at + 2).trim() }
    else if (char === '"' || char === "`") {
      const end = text.indexOf(char, at + 1)
      const word = text.slice(at + 1, end)
      if (end < 0 || word.includes("\\")) throw bad("a quoted word that does not end, or has escapes", { file, line })
      words.push(word)
      at = end + 1
    } else if (char === "(" || char === ")" || char === "," || char === "[" || char === "]") {
      words.push(char)
      at++
    } else {
      END_OF_WORD.lastIndex = at
      const end = END_OF_WORD.exec(text)?.index ?? text.length
      const word = text.slice(at, end)
      if (word === "" || /[^\x21-\x7e\u00a1-\uffff]/.test(word)) {
        throw bad("a character that has no place in a go.mod", { file, line })
      }
      words.push(word)
      at = end
    }
  }
  return { words, comment: "" }
}

function bad(message: string, where: Place): Error {
  return lockfileError(message, where, "repair this line, or run `go mod tidy`")
}
