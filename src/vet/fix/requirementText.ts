// Edits of PEP 508 requirements where they stand: in the strings of a pyproject.toml, and on the lines of requirements.txt.
import { normalisePythonName } from "../../packages/purl.ts"

const NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
/** A requirement on an index: name, extras, specifiers, marker. One by address has no version to change. */
const REQUIREMENT = new RegExp(`^\\s*(${NAME})(\\s*\\[[^\\]]*\\])?\\s*(\\(?[^;@]*)(;.*)?$`, "s")

/** Tables in which every string is a requirement. */
const ALL_IN = /^(project\.optional-dependencies|dependency-groups|tool\.pdm\.dev-dependencies)$/
/** Tables in which one key's strings are. */
const SOME_IN: ReadonlyMap<string, RegExp> = new Map([
  ["project", /^dependencies$/],
  ["tool.uv", /^(dev|constraint)-dependencies$/],
])
const MAX_REQUIREMENT = 500

/**
 * Rewrites every requirement of `name` in a pyproject.toml to want at least `version`, or exactly it where it was pinned.
 * Markers and extras stay. The text is returned as it is where there is none.
 */
export function editTomlRequirements(text: string, name: string, version: string): string {
  let table = ""
  let key = ""
  return text
    .split("\n")
    .map((line) => {
      const header = /^\s*\[([^[\]"']+)\]\s*(#.*)?$/.exec(line)?.[1]
      if (header !== undefined) {
        table = header.replaceAll(/\s/g, "")
        key = ""
        return line
      }
      key = /^\s*["']?([\w.-]+)["']?\s*=/.exec(line)?.[1] ?? key
      return ALL_IN.test(table) || SOME_IN.get(table)?.test(key) ? editStrings(line, name, version) : line
    })
    .join("\n")
}

function editStrings(line: string, name: string, version: string): string {
  return line.replace(/(["'])((?:(?!\1)[^\\])+)\1/g, (whole, quote: string, content: string) => {
    const match = content.length > MAX_REQUIREMENT ? null : REQUIREMENT.exec(content)
    if (match === null || normalisePythonName(match[1]!) !== name) return whole
    const [, spelt = "", extras = "", range = "", marker = ""] = match
    if (!/^\(?\s*([<>=!~]|$)/.test(range)) return whole
    const wanted = /^\(?\s*===?/.test(range) ? `==${version}` : `>=${version}`
    return `${quote}${spelt}${extras}${wanted}${marker === "" ? "" : ` ${marker.trim()}`}${quote}`
  })
}

/**
 * Poetry's own tables: `name = "^1.2"` or `name = { version = "^1.2", ... }` below a header of dependencies. Keeps a caret or
 * tilde; anything else becomes a caret, and an exact version stays exact.
 */
export function editPoetryTable(text: string, name: string, version: string): string {
  let inside = false
  return text
    .split("\n")
    .map((line) => {
      const header = /^\s*\[([^\]]+)\]/.exec(line)?.[1]
      if (header !== undefined) inside = /^tool\.poetry\.(.*\.)?(dev-)?dependencies$/.test(header.trim())
      const key = inside ? /^\s*"?([A-Za-z0-9._-]+)"?\s*=/.exec(line)?.[1] : undefined
      if (key === undefined || normalisePythonName(key) !== name) return line
      return line.replace(/(=\s*|version\s*=\s*)"([^"]*)"/, (_, before: string, range: string) => {
        const style = /^[~^]/.exec(range)?.[0] ?? (/^=?=?\d/.test(range.trim()) ? "" : "^")
        return `${before}"${style}${version}"`
      })
    })
    .join("\n")
}

/**
 * Pins another version on the lines of a requirements file that pin `from`, with the hashes given in the place of the old
 * ones. Hashes are `sha256:<hex>`; without any, only lines without hashes can be changed. Undefined where nothing changed.
 */
export function editRequirementLines(
  text: string,
  name: string,
  from: string,
  to: string,
  hashes: readonly string[],
): string | undefined {
  const eol = text.includes("\r\n") ? "\r\n" : "\n"
  const lines = text.split(/\r?\n/)
  const result: string[] = []
  let changed = false
  for (let at = 0; at < lines.length; at++) {
    const logical = [lines[at]!]
    while (/\\$/.test(logical.at(-1)!) && at + 1 < lines.length) logical.push(lines[++at]!)
    const pinned = pinPattern(logical[0]!, name, from)
    if (pinned === undefined) {
      result.push(...logical)
      continue
    }
    const hashed = logical.some((line) => line.includes("--hash"))
    if (hashed && hashes.length === 0) return undefined
    changed = true
    const first = pinned(to).replace(/\s*\\$/, "")
    if (!hashed) result.push(pinned(to), ...logical.slice(1))
    else {
      const bare = first.replace(/\s+--hash[=\s]\S+/g, "")
      const indent = /^(\s+)--hash/.exec(logical[1] ?? "")?.[1] ?? "    "
      const comment = /(\s+#.*)$/.exec(logical.at(-1)!)?.[1] ?? ""
      const options = [...hashes].sort().map((hash) => `${indent}--hash=${hash}`)
      result.push(...[bare, ...options].map((line, i) => (i < options.length ? `${line} \\` : line + comment)))
    }
  }
  return changed ? result.join(eol) : undefined
}

/** Takes the lines of a requirement away; undefined where there is none. */
export function removeRequirementLines(text: string, name: string): string | undefined {
  const eol = text.includes("\r\n") ? "\r\n" : "\n"
  const lines = text.split(/\r?\n/)
  const result: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const logical = [lines[at]!]
    while (/\\$/.test(logical.at(-1)!) && at + 1 < lines.length) logical.push(lines[++at]!)
    const spelt = new RegExp(`^\\s*(${NAME})`).exec(logical[0]!)?.[1]
    if (spelt === undefined || normalisePythonName(spelt) !== name) result.push(...logical)
  }
  return result.length < lines.length ? result.join(eol) : undefined
}

function pinPattern(line: string, name: string, from: string): ((to: string) => string) | undefined {
  const match = new RegExp(`^(\\s*(${NAME})(?:\\s*\\[[^\\]]*\\])?\\s*===?\\s*)([^\\s;\\\\#,]+)(.*)$`, "s").exec(line)
  if (match === null || normalisePythonName(match[2]!) !== name || match[3] !== from) return undefined
  return (to) => `${match[1]}${to}${match[4]}`
}
