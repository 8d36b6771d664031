// Small edits of a policy's text that leave every other character as it is.
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from "yaml"
import type { Path } from "./yaml.ts"

/** Replaces the key at a path by another one: `deny:` by `allow:`. */
export function renameKey(text: string, path: Path, name: string): string | undefined {
  const pair = pairAt(text, path)
  const range = pair?.key?.range
  return range ? text.slice(0, range[0]) + name + text.slice(range[1]) : undefined
}

/**
 * Takes a key with its scalar out of a map; undefined where nothing else would be left of its line's beginning, and where a comment stands between
 * it and the comma; and where it has an anchor, by which it may be meant elsewhere.
 */
export function removeKey(text: string, path: Path): string | undefined {
  const pair = pairAt(text, path)
  const [start, end] = [pair?.key?.range?.[0], pair?.value?.range?.[1]]
  if (start === undefined || end === undefined) return undefined
  if (hasAnchor(pair?.key) || hasAnchor(pair?.value)) return undefined
  const [before, after] = [text.slice(0, start), text.slice(end)]
  if (isInFlow(text, path)) {
    const next = /^\s*,\s*/.exec(after)
    if (next) return before + after.slice(next[0].length)
    const previous = /,\s*$/.exec(before)
    return previous ? before.slice(0, previous.index) + after : undefined
  }
  // A comma that ends the line above is of its text. A block scalar ends with its line, and any other value before the end of it.
  const line = /\n[ \t]*$/.exec(before)
  const rest = text[end - 1] === "\n" ? `\n${after}` : after.replace(/^[^\n]*/, "")
  return line ? before.slice(0, line.index) + rest : undefined
}

const hasAnchor = (node: unknown) => isScalar(node) && node.anchor !== undefined

/** Adds an item, written as one line of flow YAML, to the list at a path of keys; missing parents come into being. */
export function addToList(text: string, path: readonly string[], item: string): string | undefined {
  const document = parseDocument(text, { logLevel: "silent" })
  if (!isMap(document.contents)) return undefined
  let map: YAMLMap<Node, Node | null> = document.contents as YAMLMap<Node, Node | null>
  let indent = ""
  for (const [depth, key] of path.entries()) {
    const pair = map.items.find((entry) => isScalar(entry.key) && entry.key.value === key)
    const rest = path.slice(depth + 1)
    if (!pair) return addKey(text, map, indent, key, rest, item)
    const { value } = pair
    if (rest.length === 0) return isSeq(value) ? addItem(text, value, item, `${indent}  `) : undefined
    if (!isMap(value)) return undefined
    map = value as YAMLMap<Node, Node | null>
    indent = " ".repeat(columnOf(text, map.items[0]?.key?.range?.[0] ?? 0))
  }
  return undefined
}

function addItem(text: string, list: YAMLSeq, item: string, fallback: string): string | undefined {
  if (!list.range) return undefined
  if (list.flow) {
    const close = list.range[1] - 1
    const separator = list.items.length > 0 ? ", " : " "
    return `${text.slice(0, close).trimEnd()}${separator}${item} ${text.slice(close)}`
  }
  const first = list.range[0]
  const indent = text[first] === "-" ? " ".repeat(columnOf(text, first)) : fallback
  return insertLine(text, list.range[1], `${indent}- ${item}`)
}

function addKey(
  text: string,
  map: YAMLMap<Node, Node | null>,
  indent: string,
  key: string,
  rest: readonly string[],
  item: string,
): string | undefined {
  if (!map.range) return undefined
  if (map.flow) {
    const nested = rest.reduceRight((inner, name) => `{ ${name}: ${inner} }`, `[ ${item} ]`)
    const close = map.range[1] - 1
    return `${text.slice(0, close).trimEnd()}${map.items.length > 0 ? "," : ""} ${key}: ${nested} ${text.slice(close)}`
  }
  const lines = [`${indent}${key}:`]
  let deeper = `${indent}  `
  for (const name of rest) {
    lines.push(`${deeper}${name}:`)
    deeper += "  "
  }
  lines.push(`${deeper}- ${item}`)
  return insertLine(text, map.range[1], lines.join("\n"))
}

/** Inserts a line after the last line that holds text before `offset`. */
function insertLine(text: string, offset: number, line: string): string {
  const before = text.slice(0, offset).trimEnd()
  const end = text.indexOf("\n", before.length)
  const at = end < 0 ? text.length : end
  return `${text.slice(0, at)}\n${line}${text.slice(at)}`
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1)
}

/** Whether the map that a key is in is written with braces. */
function isInFlow(text: string, path: Path): boolean {
  const map = parseDocument(text, { logLevel: "silent" }).getIn(path.slice(0, -1))
  return isMap(map) && map.flow === true
}

function pairAt(text: string, path: Path): Pair<Node, Node | null> | undefined {
  let node = parseDocument(text, { logLevel: "silent" }).contents as Node | null
  let found: Pair<Node, Node | null> | undefined
  for (const step of path) {
    if (isSeq(node) && typeof step === "number") node = node.items[step] as Node | null
    else if (isMap(node)) {
      found = (node.items as Pair<Node, Node | null>[]).find((pair) => isScalar(pair.key) && pair.key.value === step)
      node = found?.value ?? null
    } else return undefined
  }
  return found
}
