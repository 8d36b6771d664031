// What rules look at: `query.page`, `header.x-a`, `json:/amount`, `form.name`, `graphql.type`, `mcp.tool`.
import type { FieldValue, Unread } from "../../policy/types.ts"
import { bodyOf, formPairs, jsonOf } from "./body.ts"
import { readGraphql } from "./graphql.ts"
import { isObject, type JsonValue, memberOf, readPointer } from "./json.ts"
import { readMcp } from "./mcp.ts"
import { readMultipart } from "./multipart.ts"
import { splitPairs, valuesOf } from "./readings.ts"
import type { Fields, SeenRequest } from "./types.ts"

const MAX_LEAVES = 1000

type Answer = { value: FieldValue } | { unread: Unread } | undefined

/** Whether a selector asks for the body. */
export const asksBody = (selector: string): boolean => /^(json:|form\.|graphql\.|mcp\.)/.test(selector)

/**
 * Values by selector; a list wherever there are several, or several ways to read one. `unread` where some selector asks for a body
 * that has no certain answer: not read, no UTF-8, of another type, or one that two servers would read differently.
 */
export async function readFields(seen: SeenRequest, selectors: readonly string[]): Promise<Fields> {
  const fields: Record<string, FieldValue> = Object.create(null)
  let unread: Unread | undefined
  for (const selector of selectors) {
    const answer = await readSelector(seen, selector)
    if (!answer) continue
    if ("unread" in answer) unread ??= answer.unread
    else fields[selector] = answer.value
  }
  return { fields, ...(unread && { unread }) }
}

function readSelector(seen: SeenRequest, selector: string): Answer | Promise<Answer> {
  if (selector.startsWith("query.")) return readQuery(seen, selector.slice(6))
  if (selector.startsWith("header.")) return readHeader(seen.headers[selector.slice(7).toLowerCase()])
  if (selector.startsWith("json:")) return readJsonField(seen, selector.slice(5))
  if (selector.startsWith("form.")) return readFormField(seen, selector.slice(5))
  if (selector.startsWith("graphql.")) return readGraphqlField(seen, selector.slice(8))
  if (selector.startsWith("mcp.")) return readMcpField(seen, selector.slice(4))
  return undefined
}

const listed = (values: readonly FieldValue[]): Answer => {
  if (values.length === 0) return undefined
  return { value: values.length === 1 ? (values[0] as FieldValue) : values }
}

/** A header that came twice is joined with a comma; servers take the first, the last, or the whole. */
function readHeader(value: string | undefined): Answer {
  if (value === undefined) return undefined
  const items = value.split(",").map((item) => item.trim())
  return { value: items.length === 1 ? value : [value, ...items] }
}

function readQuery(seen: SeenRequest, name: string): Answer {
  if (seen.query === "") return undefined
  const pairs = splitPairs(seen.query)
  return pairs ? listed(valuesOf(pairs, name, "either")) : { unread: "ambiguous" }
}

function readJsonField(seen: SeenRequest, pointer: string): Answer {
  const body = bodyOf(seen)
  if (body.unread) return { unread: body.unread }
  if (body.kind === "none") return undefined
  // A server that takes JSON whatever the type says would read what is not looked at here.
  if (body.kind !== "json") return { unread: "ambiguous" }
  const read = jsonOf(body)
  if (read.unread) return { unread: read.unread }
  let value: JsonValue | undefined = read.value
  for (const step of readPointer(pointer) ?? []) {
    if (Array.isArray(value))
      value = /^(0|[1-9]\d{0,8})$/.test(step) ? (value as readonly JsonValue[])[Number(step)] : undefined
    else if (isObject(value)) {
      const member = memberOf(value, step)
      if ("unread" in member) return member
      value = member.value
    } else return undefined
  }
  return value === undefined ? undefined : flatten(value)
}

/** An object is the list of what is in it: wrapping a value never helps whoever sends it. */
function flatten(value: JsonValue): Answer {
  let leaves = 0
  const convert = (one: JsonValue): FieldValue => {
    leaves += 1
    if (leaves > MAX_LEAVES) return null
    if (Array.isArray(one)) return (one as readonly JsonValue[]).map(convert)
    return isObject(one) ? Object.values(one).map(convert) : (one as FieldValue)
  }
  const result = convert(value)
  return leaves > MAX_LEAVES ? { unread: "too-large" } : { value: result }
}

async function readFormField(seen: SeenRequest, name: string): Promise<Answer> {
  const body = bodyOf(seen)
  if (body.unread) return { unread: body.unread }
  if (body.kind === "none") return undefined
  if (body.kind === "form") {
    const form = formPairs(body)
    return "unread" in form ? form : listed(valuesOf(form.pairs, name, "blank"))
  }
  if (body.kind !== "multipart") return { unread: "ambiguous" }
  const form = await readMultipart(body)
  if ("unread" in form) return form
  const pairs = form.parts.map((part) => ({
    name: encodeURIComponent(part.name),
    value: encodeURIComponent(part.file ? part.file.name : part.value),
  }))
  return listed(valuesOf(pairs, name, "blank"))
}

async function readGraphqlField(seen: SeenRequest, what: string): Promise<Answer> {
  const read = await readGraphql(seen)
  if ("none" in read) return undefined
  if ("unread" in read) return read
  if (what === "type") return { value: read.operation.type }
  if (what === "name") return read.operation.name === "" ? undefined : { value: read.operation.name }
  return what === "fields" ? { value: read.operation.fields } : undefined
}

function readMcpField(seen: SeenRequest, what: string): Answer {
  const read = readMcp(seen)
  if ("none" in read) return undefined
  if ("unread" in read) return read
  const found = read.messages.map((message) => (what === "method" ? message.method || undefined : message.tool))
  return what === "method" || what === "tool" ? listed(found.filter((one) => one !== undefined)) : undefined
}
