// JSON settings: package.json, .claude/settings.json, .gemini/settings.json. Comments and layout stay as they are.
import type { ParseError } from "jsonc-parser"
import { type Addition, addTo, byHand, type Merged, sameValue } from "./additions.ts"

/** Adds keys to JSON or JSON with comments; `before` null makes a new file of two-space JSON. */
export async function mergeJson(before: string | null, additions: readonly Addition[]): Promise<Merged> {
  const { applyEdits, findNodeAtLocation, getNodeValue, modify, parseTree } = await import("jsonc-parser")
  const parse = (text: string): unknown => {
    const errors: ParseError[] = []
    const tree = parseTree(text, errors, { allowTrailingComma: true })
    return tree === undefined || errors.length > 0 ? undefined : getNodeValue(tree)
  }
  if (before === null) {
    return { text: `${JSON.stringify(addTo({}, additions)!.value, null, 2)}\n`, kept: [] }
  }
  const wanted = addTo(parse(before), additions)
  if (wanted === undefined)
    return { conflict: `it is not the JSON that init expects; add by hand: ${byHand(additions)}` }
  const formattingOptions = { ...layoutOf(before), keepLines: true }
  let text = before
  for (const { path } of additions) {
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], wanted.value)
    const tree = parseTree(text)
    const present = tree && findNodeAtLocation(tree, [...path])
    if (present && sameValue(getNodeValue(present), value)) continue
    text = applyEdits(text, modify(text, [...path], value, { formattingOptions }))
  }
  if (!sameValue(parse(text), wanted.value)) return { conflict: `add by hand: ${byHand(additions)}` }
  return { text, kept: wanted.kept }
}

function layoutOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? "  "
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  }
}
