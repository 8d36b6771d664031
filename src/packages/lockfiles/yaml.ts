// YAML as lockfiles need it: every scalar a text, no tags, aliases or anchors to expand, no key twice, bounded depth.
import { EVENT_ID, FAILSAFE_SCHEMA, getScalarValue, loadAll, parseEvents, YAMLException } from "js-yaml"
import { lockfileError, positionOf } from "./failure.ts"

const MAX_DEPTH = 64
const WRITE_AGAIN = "let the package manager write the file again"

/** Parses every document of a YAML text. Values are objects, arrays and strings; what is empty is the empty string. Throws with line and column. */
export function parseYaml(text: string, file: string): unknown[] {
  const documents = parseDocuments(text, file)
  // A key may also be written with escapes, which have a backslash.
  if ((text.includes("<<") || text.includes("\\")) && hasMergeKey(documents)) {
    const message = "a merge key (<<): no package manager writes one"
    throw lockfileError(message, { file, ...positionOf(text, Math.max(0, text.indexOf("<<"))) }, WRITE_AGAIN)
  }
  return documents
}

/** Whether any mapping has the key `<<`: package managers merge what stands under it into the mapping, and here it is a plain key. */
function hasMergeKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  return Object.hasOwn(value, "<<") || Object.values(value).some(hasMergeKey)
}

function parseDocuments(text: string, file: string): unknown[] {
  try {
    return loadAll(text, { schema: FAILSAFE_SCHEMA, maxAliases: 0, maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw lockfileError(
      reasonOf(error.reason, text),
      { file, ...positionOf(text, error.mark?.position ?? 0) },
      WRITE_AGAIN,
    )
  }
}

/** Visits each key of a text that `parseYaml` has accepted, with its offset; `trail` is the keys above, "" for a list. */
export function yamlKeys(
  text: string,
  visit: (key: string, offset: number, trail: readonly string[], document: number) => void,
): void {
  const trail: string[] = []
  const frames: { mapping: boolean; key: string | undefined }[] = []
  let document = -1
  for (const event of parseEvents(text, { maxDepth: MAX_DEPTH })) {
    const frame = frames.at(-1)
    if (event.type === EVENT_ID.DOCUMENT) document++
    if (event.type === EVENT_ID.SCALAR && frame?.mapping && frame.key === undefined) {
      frame.key = getScalarValue(text, event)
      visit(frame.key, event.valueStart, trail.slice(2), document) // without the document and its own mapping
    } else if (event.type === EVENT_ID.POP) {
      frames.pop()
      trail.pop()
      const above = frames.at(-1)
      if (above) above.key = undefined
    } else if (
      event.type === EVENT_ID.MAPPING ||
      event.type === EVENT_ID.SEQUENCE ||
      event.type === EVENT_ID.DOCUMENT
    ) {
      trail.push(frame?.key ?? "")
      frames.push({ mapping: event.type === EVENT_ID.MAPPING, key: undefined })
    } else if (frame) frame.key = undefined
  }
}

function reasonOf(reason: string, text: string): string {
  if (/^(<{7}|={7}|>{7})/m.test(text)) return "an unresolved merge conflict"
  if (/duplicated mapping key/.test(reason))
    return "a key stands twice in one mapping; readers differ in which of the two they take"
  if (/alias/i.test(reason)) return "an alias (*name): no package manager writes one"
  if (/tag/.test(reason)) return "a tag (!name): no package manager writes one"
  if (/maxDepth/.test(reason)) return `nested more than ${MAX_DEPTH} levels deep`
  return "not valid YAML"
}
