// YAML as policies may use it: plain data with positions. Anchors, aliases, tags, merge keys and duplicate keys are
// refused, because what a person reads must be what is in force.
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml"
import { EXIT, NanoguardError, type Where } from "../errors.ts"
import { plainText } from "./text.ts"

const MAX_BYTES = 1_000_000
const MAX_DEPTH = 32

export type Path = readonly (string | number)[]

export interface YamlFile {
  file: string
  data: unknown
  /** Place of a value, or with `key` of the key that names it; the nearest one above where the path leads nowhere. */
  where: (path: Path, key?: boolean) => Where
  /** Source offsets of a value as [start, end), for edits; undefined where the path leads nowhere. */
  range: (path: Path) => [number, number] | undefined
}

/** Throws a configuration error with its place. */
export function policyError(message: string, where: Where, hint?: string): never {
  throw new NanoguardError(message, { exit: EXIT.configuration, where, ...(hint !== undefined && { hint }) })
}

/** Parses one YAML document of at most 1 MB; `file` is only shown. Throws NanoguardError with line and column. */
export function parseYaml(text: string, file: string): YamlFile {
  const at = (line: number, column: number): Where => ({ file, line, column })
  if (text.length > MAX_BYTES) policyError("the file is larger than 1 MB", at(1, 1), "split the policy into layers")
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/.exec(
    text.slice(1),
  )
  const lines = new LineCounter()
  const position = (offset: number): Where => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)))
    return at(Math.max(1, line), Math.max(1, col))
  }
  if (control) {
    const before = text.slice(0, control.index + 1)
    const line = before.split("\n").length
    policyError(
      "a control or direction character is not allowed here",
      at(line, before.length - before.lastIndexOf("\n")),
    )
  }
  refuseDepth(text, file)
  const document = parse(text, file, lines)
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem?.message.includes("call stack")) policyError("nested too deeply", position(problem.pos[0]))
  if (problem) policyError(`not valid YAML: ${firstLine(problem.message)}`, position(problem.pos[0]))

  const toData = (node: Node | null | undefined, depth: number): unknown => {
    if (node == null) return null
    const here = () => position(node.range?.[0] ?? 0)
    if (depth > MAX_DEPTH) policyError("nested too deeply", here(), `at most ${MAX_DEPTH} levels are read`)
    if (isAlias(node)) policyError("aliases are not allowed in a policy", here(), "write the value out")
    if (!isAlias(node) && "anchor" in node && node.anchor) policyError("anchors are not allowed in a policy", here())
    if (!isAlias(node) && node.tag && !node.tag.startsWith("tag:yaml.org,2002:"))
      policyError("tags are not allowed in a policy", here())
    if (isScalar(node)) return scalarOf(node.value, here)
    if (isSeq(node)) return node.items.map((item) => toData(item as Node | null, depth + 1))
    if (!isMap(node)) return policyError("this kind of YAML value is not allowed", here())
    const data: Record<string, unknown> = Object.create(null)
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = isScalar(pair.key) ? pair.key.value : undefined
      const place = () => position(pair.key?.range?.[0] ?? 0)
      if (typeof key !== "string" || key === "<<") policyError("a key must be plain text", place())
      const name = key as string
      if (name === "__proto__" || name === "constructor" || name === "prototype")
        policyError(`the key ${name} is not allowed`, place())
      if (name in data) policyError(`the key ${plainText(name, 60)} is there twice`, place(), "keep one of the two")
      data[name] = toData(pair.value, depth + 1)
    }
    return data
  }

  const data = toData(document.contents as Node | null, 0)
  const find = (path: Path, key: boolean): Node | undefined => {
    let node = document.contents as Node | null
    let found = node ?? undefined
    for (const [index, step] of path.entries()) {
      const last = index === path.length - 1
      let next: Node | null | undefined
      if (isMap(node)) {
        const pair = (node.items as Pair<Node, Node | null>[]).find(
          (item) => isScalar(item.key) && item.key.value === step,
        )
        if (!pair) return found
        next = pair.value
        found = (last && key) || !next ? pair.key : next
      } else if (isSeq(node) && typeof step === "number") {
        next = node.items[step] as Node | undefined
        if (!next) return found
        found = next
      } else return found
      node = next ?? null
    }
    return found
  }
  return {
    file,
    data,
    where: (path, key = false) => position(find(path, key)?.range?.[0] ?? 0),
    range: (path) => {
      const node = find(path, false)
      return node?.range ? [node.range[0], node.range[1]] : undefined
    },
  }
}

function parse(text: string, file: string, lineCounter: LineCounter): ReturnType<typeof parseDocument> {
  try {
    // Its own check for duplicate keys compares all pairs, which a hostile megabyte turns into minutes.
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      merge: false,
      schema: "core",
      // "silent" would also swallow the error about a second document.
      logLevel: "error",
      prettyErrors: false,
    })
  } catch (error) {
    const deep = error instanceof RangeError
    return policyError(deep ? "nested too deeply" : "not valid YAML", { file, line: 1, column: 1 })
  }
}

function scalarOf(value: unknown, here: () => Where): unknown {
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)))
    policyError("a number out of range", here())
  return value
}

/** The parser recurses, so brackets and indentation that nest absurdly are refused before it sees them. */
function refuseDepth(text: string, file: string): void {
  let open = 0
  let line = 1
  let indicators = 0
  for (const [mark] of text.matchAll(/[[\]{}\n]|[-?](?=\s)/g)) {
    if (mark === "\n") {
      line++
      indicators = 0
    } else if (mark === "[" || mark === "{") open++
    else if (mark === "]" || mark === "}") open = Math.max(0, open - 1)
    else indicators++
    if (open > 500 || indicators > 100) policyError("nested too deeply", { file, line, column: 1 })
  }
}

function firstLine(message: string): string {
  return plainText(message.split("\n")[0] ?? "", 160)
}
