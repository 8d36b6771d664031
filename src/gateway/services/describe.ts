// What a request will do, for the person who is asked: the whole of it, decoded.
import { type Body, bodyOf, formPairs, jsonOf } from "./body.ts"
import { pushParts, readPush } from "./describe-git.ts"
import { jsonPart } from "./describe-json.ts"
import { mailParts } from "./describe-mail.ts"
import { publishParts } from "./describe-npm.ts"
import { readGraphql } from "./graphql.ts"
import { isObject, type JsonValue, readJsonText } from "./json.ts"
import { readMcp } from "./mcp.ts"
import { readMultipart } from "./multipart.ts"
import { type Pair, readings, splitPairs } from "./readings.ts"
import { fitParts, MAX_BYTES, shown, shownBytes } from "./shown.ts"
import type { Classified, Described, SeenRequest, ShownPart, ShownValue } from "./types.ts"
import { wordsOf } from "./wording.ts"

const MAX_PAIRS = 400
/** Where providers of e-mail take a whole message in base64: Gmail (`raw`, a draft's `message.raw`), Amazon SES v2 and v1. */
const MAILS = [["raw"], ["message", "raw"], ["Content", "Raw", "Data"], ["RawMessage", "Data"]]

/**
 * A request in words of fixed templates, and its arguments: the same request has the same description. At most 32 KiB of JSON; long
 * values are cut, and what was cut or left out is named. Nothing is escaped here.
 */
export async function describeRequest(seen: SeenRequest, classified: Classified): Promise<Described> {
  const words = await wordsOf(seen, classified)
  const parts = [...(await bodyParts(seen, classified)), ...queryParts(seen)]
  return { ...words, parts: fitParts(parts, MAX_BYTES - Buffer.byteLength(JSON.stringify(words)) - 100) }
}

function queryParts(seen: SeenRequest): ShownPart[] {
  if (seen.query === "") return []
  const pairs = splitPairs(seen.query.replaceAll(";", "%3B"))
  return [pairs ? pairsPart("query", pairs, "either") : { title: "query", values: [shown("as sent", seen.query)] }]
}

/** A value that can be read in several ways is shown in each. */
function pairsPart(title: string, pairs: readonly Pair[], plus: "blank" | "either"): ShownPart {
  const values = pairs.slice(0, MAX_PAIRS).flatMap((pair): ShownValue[] => {
    const name = readings(pair.name, plus)[0] ?? pair.name
    return readings(pair.value, plus).map((value) => shown(name, value))
  })
  const more = pairs.length - Math.min(pairs.length, MAX_PAIRS)
  return { title, values, ...(more > 0 && { more }) }
}

async function bodyParts(seen: SeenRequest, classified: Classified): Promise<ShownPart[]> {
  const body = bodyOf(seen)
  if (body.kind === "none" && !body.unread) return classified.operation.includes(":") ? operationParts(seen) : []
  const type = shown("type", body.media.type || (seen.headers["content-type"] ?? "none"), 200)
  if (body.bytes.length === 0) return [{ title: "body", values: [type, shown("not read", body.unread ?? "")] }]
  const facts: ShownPart = {
    title: "body",
    values: [type, shownBytes("bytes", body.bytes), ...(body.unread ? [shown("not read", body.unread)] : [])],
  }
  const decoded = body.unread ? refsOf(body) : await decodedParts(seen, classified)
  return decoded ? [...decoded, facts] : [...textParts(body.bytes), facts]
}

/** What a push moves; undefined where it is none, or where that cannot be told. */
function refsOf({ media, bytes }: Body): ShownPart[] | undefined {
  const push = media.type === "application/x-git-receive-pack-request" ? readPush(bytes) : undefined
  return push && pushParts(push)
}

async function decodedParts(seen: SeenRequest, classified: Classified): Promise<ShownPart[] | undefined> {
  const body = bodyOf(seen)
  const refs = refsOf(body)
  if (refs) return refs
  if (body.media.type === "message/rfc822") return mailParts(body.bytes)
  if (body.kind === "multipart") return multipartParts(seen)
  if (body.kind === "form") return formParts(seen)
  const operation = await operationParts(seen)
  if (operation.length > 0) return operation
  if (body.kind !== "json") return undefined
  const read = jsonOf(body)
  if (read.unread) return undefined
  if (/^npm:(stage\.)?publish$/.test(classified.operation)) return publishParts(read.value)
  return mailOrJson(read.value)
}

/** GraphQL and MCP, by what the body says: an endpoint needs no rule to be one. What else is in the body follows. */
async function operationParts(seen: SeenRequest): Promise<ShownPart[]> {
  const body = bodyOf(seen)
  const json = body.kind === "json" ? jsonOf(body) : undefined
  const rest = (skip: RegExp): ShownPart[] => {
    const part = json && !json.unread ? jsonPart("JSON", json.value, (pointer) => skip.test(pointer)) : undefined
    return part && part.values.length > 0 ? [part] : []
  }
  const graphql = await readGraphql(seen)
  if ("operation" in graphql) {
    const { type, name, fields, source, variables } = graphql.operation
    // What it does comes before what it is called: names and aliases are the agent's.
    const about = [
      ...[shown("type", type), shown("fields", fields.join(", "))],
      ...[...(name ? [shown("name", name)] : []), shown("document", source, 8000)],
    ]
    const given = variables === undefined ? [] : [jsonPart("variables", variables)]
    return [{ title: "GraphQL", values: about }, ...given, ...rest(/^\/(query|variables)$/)]
  }
  const first = json && !json.unread && (Array.isArray(json.value) ? (json.value[0] as JsonValue) : json.value)
  if (!isObject(first) || first["jsonrpc"] !== "2.0") return []
  const mcp = readMcp(seen)
  if (!("messages" in mcp)) return []
  const messages = mcp.messages.flatMap(({ method, tool, arguments: given }) => [
    { title: "MCP", values: [shown("method", method), ...(tool === undefined ? [] : [shown("tool", tool)])] },
    ...(given === undefined ? [] : [jsonPart("arguments", given)]),
  ])
  if (messages.length > 50) return []
  return [...messages, ...rest(/^(\/\d+)?\/(method|params\/(name|arguments))$/)]
}

async function mailOrJson(value: JsonValue): Promise<ShownPart[]> {
  for (const path of MAILS) {
    const raw = path.reduce<JsonValue | undefined>((at, name) => (isObject(at) ? at[name] : undefined), value)
    if (typeof raw !== "string" || !/^[\w+/=-]+$/.test(raw)) continue
    const mail = await mailParts(Buffer.from(raw, "base64"))
    const place = `/${path.join("/")}`
    if (mail) return [...mail, jsonPart("JSON", value, (pointer) => pointer === place)]
  }
  return [jsonPart("JSON", value)]
}

async function multipartParts(seen: SeenRequest): Promise<ShownPart[] | undefined> {
  const form = await readMultipart(bodyOf(seen))
  if (!("parts" in form)) return undefined
  const values = form.parts.map(({ name, value, file }) =>
    file ? shownBytes(name, file.bytes, `file ${file.name}, ${file.type}`) : shown(name, value),
  )
  return [{ title: "form", values }]
}

/** Slack and others take JSON in the fields of a form: that is shown decoded, beside the field. */
function formParts(seen: SeenRequest): ShownPart[] | undefined {
  const form = formPairs(bodyOf(seen))
  if (!("pairs" in form)) return undefined
  const nested = form.pairs.slice(0, MAX_PAIRS).flatMap((pair) => {
    const [value = ""] = readings(pair.value, "blank")
    const read = /^\s*[[{]/.test(value) ? readJsonText(value) : undefined
    return read && !read.unread ? [jsonPart("JSON in the form", read.value)] : []
  })
  const pairs = splitPairs(bodyOf(seen).bytes.toString("latin1").replaceAll(";", "%3B")) ?? form.pairs
  return [pairsPart("form", pairs, "blank"), ...nested.slice(0, 10)]
}

/** Whatever else it is: as text, where it is one. */
function textParts(bytes: Buffer): ShownPart[] {
  const text = bytes.toString("utf8")
  return text.includes("\ufffd") || text.includes("\0")
    ? []
    : [{ title: "text", values: [shown("as sent", text, 8000)] }]
}
