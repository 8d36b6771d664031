// TOML settings: bunfig.toml, uv.toml, pyproject.toml, .codex/config.toml. Lines are inserted, nothing is rewritten.
import { type Addition, addTo, byHand, type Merged, sameValue } from "./additions.ts"

/** Adds scalar keys to TOML: under their table's header where it stands, else as a new table at the end. */
export async function mergeToml(before: string | null, additions: readonly Addition[]): Promise<Merged> {
  const { parse, stringify } = await import("smol-toml")
  const read = (text: string): unknown => {
    try {
      return parse(text)
    } catch {
      return undefined
    }
  }
  const was = read(before ?? "")
  const wanted = addTo(was, additions)
  if (wanted === undefined)
    return { conflict: `it is not the TOML that init expects; add by hand: ${byHand(additions)}` }
  const eol = before?.includes("\r\n") ? "\r\n" : "\n"
  let text = before ?? ""
  for (const { path, value } of additions) {
    if (has(was, path)) continue
    text = insertKey(text, path.slice(0, -1).join("."), stringify({ [path.at(-1)!]: value }).trim(), eol)
  }
  if (!sameValue(read(text), wanted.value)) return { conflict: `add by hand: ${byHand(additions)}` }
  return { text, kept: wanted.kept }
}

function insertKey(text: string, table: string, line: string, eol: string): string {
  const lines = text.split(eol)
  const header = table === "" ? -1 : lines.findIndex((l) => l.replace(/\s*(#.*)?$/, "").trim() === `[${table}]`)
  if (table === "" || header >= 0) {
    lines.splice(table === "" ? firstTable(lines) : header + 1, 0, line)
    const joined = lines.join(eol)
    return joined.endsWith(eol) ? joined : joined + eol
  }
  const start = text === "" ? "" : text.endsWith(eol) ? eol : eol + eol
  return `${text}${start}[${table}]${eol}${line}${eol}`
}

/** Top-level keys must stand before the first table. */
function firstTable(lines: readonly string[]): number {
  const at = lines.findIndex((line) => /^\s*\[/.test(line))
  if (at >= 0) return at
  return lines.at(-1) === "" ? lines.length - 1 : lines.length
}

function has(value: unknown, path: readonly string[]): boolean {
  let at = value
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<string, unknown>)[key]
  }
  return true
}
