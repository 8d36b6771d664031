// Lines in JSON, for formats that identify an entry by its key or by the value of one of its keys.
import { lineCounter } from "./failure.ts"
import { visitKeys } from "./json.ts"

/** Makes a function that tells the line of `"key": "value"` (the first, where several are equal; 1 where there is none). One pass, when first asked. */
export function linesOfValues(text: string, key: string): (value: string) => number {
  let lines: Map<string, number> | undefined
  return (value) => {
    if (lines === undefined) {
      const found = new Map<string, number>()
      const lineAt = lineCounter(text)
      visitKeys(text, {
        key: (name, offset) => {
          if (name !== key) return
          const start = text.indexOf(":", offset + key.length) + 1
          const literal = /\s*("[^"\\]*(?:\\.[^"\\]*)*")/y
          literal.lastIndex = start
          const match = literal.exec(text)
          if (match === null) return
          const read = JSON.parse(match[1]!) as string
          if (!found.has(read)) found.set(read, lineAt(offset))
        },
      })
      lines = found
    }
    return lines.get(value) ?? 1
  }
}

/** Makes a function that tells the line of a key two levels down, as in `{"default": {"requests": ...}}` (1 where there is none). */
export function linesOfKeys(text: string): (outer: string, inner: string) => number {
  let lines: Map<string, number> | undefined
  return (outer, inner) => {
    if (lines === undefined) {
      const found = new Map<string, number>()
      const lineAt = lineCounter(text)
      visitKeys(text, {
        key: (key, offset, trail) => {
          if (trail.length === 1) found.set(`${trail[0]}\n${key}`, lineAt(offset))
        },
      })
      lines = found
    }
    return lines.get(`${outer}\n${inner}`) ?? 1
  }
}
