// MCP over Streamable HTTP: one JSON-RPC message a POST, or a batch of them (revision 2025-03-26).
import type { Unread } from "../../policy/types.ts"
import { bodyOf, jsonOf } from "./body.ts"
import { isObject, type JsonValue, memberOf, opensJson } from "./json.ts"
import { type Found, isRead, type Service, strictest } from "./service.ts"
import type { SeenRequest } from "./types.ts"

export interface McpMessage {
  /** "" for an answer to what the server asked. */
  method: string
  /** Name of the tool, of a `tools/call`. */
  tool?: string
  arguments?: JsonValue
}

/** Methods as the protocol spells them; any other text is nobody's operation. */
const NAME = /^[\w$./-]{1,100}$/

export type McpRead = { messages: readonly McpMessage[] } | { unread: Unread } | { none: true }

/** Methods that change nothing but the session; every other one may. */
const READS = new Set([
  "initialize",
  "ping",
  "tools/list",
  "resources/list",
  "resources/read",
  "resources/templates/list",
  "prompts/list",
  "prompts/get",
  "completion/complete",
  "server/discover",
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/progress",
])

/** The messages of a request. `ambiguous`: the headers Mcp-Method or Mcp-Name (revision 2026-07-28) say something else than the body. */
export function readMcp(seen: SeenRequest): McpRead {
  const body = bodyOf(seen)
  if (body.unread) return { unread: body.unread }
  if (body.kind === "none") return { none: true }
  const read = jsonOf(body)
  // What is no JSON by its type, and not by its bytes, is no message to anybody.
  if (read.unread) return body.kind === "json" || opensJson(body.bytes) ? { unread: read.unread } : { none: true }
  const list: readonly JsonValue[] = Array.isArray(read.value) ? read.value : [read.value]
  if (!list.some(mayBeMessage)) return list.length === 0 ? { unread: "malformed" } : { none: true }
  if (body.kind !== "json") return { unread: "ambiguous" }
  const messages: McpMessage[] = []
  for (const one of list) {
    const message = readMessage(one)
    if ("unread" in message) return message
    messages.push(message)
  }
  const said = seen.headers["mcp-method"]
  if (said !== undefined && messages.some((message) => message.method !== said)) return { unread: "ambiguous" }
  const named = seen.headers["mcp-name"]
  const tools = messages.filter((message) => message.tool !== undefined)
  if (named !== undefined && tools.some((message) => message.tool !== named)) return { unread: "ambiguous" }
  return { messages }
}

const mayBeMessage = (value: JsonValue): boolean =>
  isObject(value) && Object.keys(value).some((name) => /^(jsonrpc|method)$/i.test(name))

function readMessage(value: JsonValue): McpMessage | { unread: Unread } {
  if (!isObject(value)) return { unread: "malformed" }
  const method = memberOf(value, "method")
  const params = memberOf(value, "params")
  if ("unread" in method || "unread" in params) return { unread: "ambiguous" }
  if (method.value === undefined) return { method: "" }
  if (typeof method.value !== "string") return { unread: "malformed" }
  if (method.value !== "tools/call") return { method: method.value }
  const name = isObject(params.value) ? memberOf(params.value, "name") : { value: undefined }
  if ("unread" in name) return name
  if (typeof name.value !== "string") return { unread: "malformed" }
  const given = isObject(params.value) ? params.value["arguments"] : undefined
  return { method: method.value, tool: name.value, ...(given !== undefined && { arguments: given }) }
}

function classify(seen: SeenRequest): Found {
  // A server that takes a message from any request takes it from this one, too.
  if (isRead(seen.method) && bodyOf(seen).kind !== "none") return strictest(bodyOf(seen).unread)
  if (isRead(seen.method)) return { operation: "mcp:stream", access: "read" }
  // The end of a session, as its client asks for it.
  if (seen.method === "DELETE") return { operation: "mcp:session.delete", access: "write" }
  const read = readMcp(seen)
  if ("none" in read) return { operation: "", access: "write" }
  if ("unread" in read) return { operation: "", access: "write", unread: read.unread }
  const methods = [...new Set(read.messages.map((message) => message.method))]
  const [only] = methods
  return {
    operation: methods.length === 1 && only && NAME.test(only) ? `mcp:${only}` : "",
    access: methods.every((method) => method === "" || READS.has(method)) ? "read" : "write",
    // Several methods are no one operation: whatever names operations has to look at each.
    ...(methods.length > 1 && { unread: "ambiguous" as const }),
  }
}

export const mcpService: Service = {
  name: "mcp",
  hosts: [],
  needsBody: (head) => head.method === "POST",
  classify,
}
