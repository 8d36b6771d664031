// Edits of package.json that leave its formatting alone.
import { applyEdits, modify, parse } from "jsonc-parser"

/** Fields that a lockfile follows; what a peer range wants is for whoever installs the package to meet. */
const FIELDS = ["dependencies", "devDependencies", "optionalDependencies"] as const

export interface Spec {
  field: (typeof FIELDS)[number]
  /** The name that it is installed under. */
  key: string
  text: string
}

/** Where a manifest names a package of the registry, also under an alias. */
export function specsFor(text: string, name: string): Spec[] {
  const manifest = asObject(parse(text))
  const found: Spec[] = []
  for (const field of FIELDS) {
    for (const [key, spec] of Object.entries(asObject(manifest[field]))) {
      if (typeof spec === "string" && namedBy(key, spec) === name) found.push({ field, key, text: spec })
    }
  }
  return found
}

function namedBy(key: string, spec: string): string | undefined {
  const alias = /^npm:(@?[^@]+)@/.exec(spec)?.[1]
  if (alias !== undefined) return alias
  return /^npm:/.test(spec) || !/[:/]/.test(spec) || spec.startsWith("catalog:") ? key : undefined
}

/** The same specifier for another version: `^1.2.0` becomes `^1.3.0`, `1.2.0` and with `exact` anything becomes `1.3.0`. */
export function specTo(spec: string, version: string, exact: boolean): string {
  const [, head = "", range = ""] = /^(npm:(?:@?[^@]+@)?)?(.*)$/s.exec(spec)!
  const style = /^[~^]/.exec(range)?.[0] ?? (/^=?\d+\.\d+\.\d+[\w.+-]*$/.test(range) ? "" : "^")
  return `${head}${exact ? "" : style}${version}`
}

/** Sets one value; `undefined` takes it out, and its object with it where that leaves it empty. */
export function setField(text: string, path: readonly string[], value: unknown): string {
  if (value !== undefined && fieldOf(text, path.slice(0, 1)) === undefined) return addField(text, path, value)
  const options = { formattingOptions: formattingOf(text) }
  const edited = applyEdits(text, modify(text, [...path], value, options))
  if (value !== undefined || path.length < 2) return edited
  const above = path.slice(0, -1)
  let holder: unknown = parse(edited)
  for (const step of above) holder = asObject(holder)[step]
  return typeof holder === "object" && holder !== null && Object.keys(holder).length === 0
    ? setField(edited, above, undefined)
    : edited
}

/** A new field at the end of the top level, without touching how the line before it is written. */
function addField(text: string, [field = "", ...rest]: readonly string[], value: unknown): string {
  const { insertSpaces, tabSize, eol } = formattingOf(text)
  const indent = insertSpaces ? " ".repeat(tabSize) : "\t"
  const whole = rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value)
  const edits = modify(text, [field], whole, {})
  const lines = `${JSON.stringify(field)}: ${JSON.stringify(whole, null, indent)}`.split("\n")
  for (const edit of edits) {
    const comma = edit.content.startsWith(",") ? "," : ""
    edit.content = comma + eol + lines.map((line) => indent + line).join(eol) + (comma ? "" : eol)
  }
  return applyEdits(text, edits)
}

/** What is at a path; undefined where nothing is. */
export function fieldOf(text: string, path: readonly string[]): unknown {
  let value: unknown = parse(text)
  for (const step of path) {
    const holder = asObject(value)
    value = Object.hasOwn(holder, step) ? holder[step] : undefined
  }
  return value
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function formattingOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  "
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  }
}
