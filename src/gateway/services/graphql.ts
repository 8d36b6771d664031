// GraphQL over HTTP: which operation a request asks for, and what it selects.
import type { DocumentNode, OperationDefinitionNode, SelectionSetNode } from "graphql"
import type { Unread } from "../../policy/types.ts"
import { type Body, bodyOf, jsonOf } from "./body.ts"
import { isObject, type JsonRead, type JsonValue, memberOf, opensJson, readJsonText } from "./json.ts"
import { readings, splitPairs, valuesOf } from "./readings.ts"
import { byMethod, type Found, isRead, type Service } from "./service.ts"
import type { SeenRequest } from "./types.ts"

const MAX_TEXT = 256 * 1024
const MAX_TOKENS = 20_000
const MAX_DEPTH = 64
const MAX_FIELDS = 1000

/** One operation, as it was asked for. */
export interface GraphqlOperation {
  type: "query" | "mutation" | "subscription"
  /** "" for one without a name. */
  name: string
  /** Its own fields by their names, not their aliases, through fragments; one as often as it is asked for. */
  fields: readonly string[]
  source: string
  variables?: JsonValue
}

export type GraphqlRead = { operation: GraphqlOperation } | { unread: Unread } | { none: true }

interface Asked {
  query: JsonValue | undefined
  operationName: JsonValue | undefined
  variables: JsonValue | undefined
}

const known = new WeakMap<SeenRequest, Promise<GraphqlRead>>()

/**
 * The operation of a request (GraphQL over HTTP; graphql-js parses). Unread: batches, persisted queries, forms and other types that have
 * one, several operations without a name, one in both address and body, and whatever is too large or too deep. None: it asks for nothing.
 */
export function readGraphql(seen: SeenRequest): Promise<GraphqlRead> {
  let read = known.get(seen)
  if (!read) {
    read = readOperation(seen)
    known.set(seen, read)
  }
  return read
}

async function readOperation(seen: SeenRequest): Promise<GraphqlRead> {
  const asked = readAsked(seen)
  if ("unread" in asked || "none" in asked) return asked
  const { query, operationName, variables } = asked
  if (typeof query !== "string") return { unread: "ambiguous" }
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string")
    return { unread: "malformed" }
  if (query.length > MAX_TEXT) return { unread: "too-large" }
  if (nesting(query) > MAX_DEPTH) return { unread: "ambiguous" }
  const { parse } = await import("graphql/language/parser.js")
  let document: DocumentNode
  try {
    document = parse(query, { noLocation: true, maxTokens: MAX_TOKENS })
  } catch {
    return { unread: "malformed" }
  }
  const operations = document.definitions.filter((node) => node.kind === "OperationDefinition")
  const wanted = operationName ? operations.filter((node) => node.name?.value === operationName) : operations
  const [operation] = wanted
  if (!operation || wanted.length > 1) return { unread: "ambiguous" }
  const fields = rootFields(document, operation)
  if (!fields) return { unread: "ambiguous" }
  return {
    operation: {
      type: operation.operation,
      name: operation.name?.value ?? "",
      fields,
      source: query,
      ...(variables !== undefined && { variables }),
    },
  }
}

const IN_QUERY = ["query", "operationName", "variables", "extensions", "documentId"]
/** Members that name a document which only the server has; `id` does where the address says that it is GraphQL. */
const PERSISTED = ["documentId", "doc_id", "queryId"]

function readAsked(seen: SeenRequest): Asked | { unread: Unread } | { none: true } {
  const pairs = splitPairs(seen.query)
  if (!pairs) return { unread: "ambiguous" }
  const inQuery = IN_QUERY.some((name) => valuesOf(pairs, name, "either").length > 0)
  const body = bodyOf(seen)
  if (body.unread) return { unread: body.unread }
  if (body.kind === "none") return inQuery ? fromQuery(pairs) : { none: true }
  if (body.media.type === "application/graphql") {
    if (inQuery) return { unread: "ambiguous" }
    return { query: body.bytes.toString("utf8"), operationName: undefined, variables: undefined }
  }
  const read = jsonOf(body)
  const endpoint = /graphql\/?$/i.test(seen.path)
  if (body.kind !== "json") return mayAsk(body, read, endpoint) || inQuery ? { unread: "ambiguous" } : { none: true }
  if (read.unread) return { unread: read.unread }
  const asked = fromJson(read.value, endpoint)
  return inQuery && !("none" in asked) ? { unread: "ambiguous" } : asked
}

/** Whether a server that does not mind the content-type may find an operation: in JSON, or in the fields of a form. */
function mayAsk(body: Body, read: JsonRead, endpoint: boolean): boolean {
  if (body.kind === "other" && read.unread) return endpoint || opensJson(body.bytes)
  if (body.kind === "other" && !read.unread) return !("none" in fromJson(read.value, endpoint))
  return /(^|[&;"])(query|operations|extensions)["=]/i.test(body.bytes.toString("latin1"))
}

function fromJson(value: JsonValue, endpoint: boolean): Asked | { unread: Unread } | { none: true } {
  if (Array.isArray(value)) {
    const each = (value as readonly JsonValue[]).slice(0, 100).map((one) => fromJson(one, endpoint))
    // A batch: one answer cannot say what several operations are.
    return each.every((one) => "none" in one) ? { none: true } : { unread: "ambiguous" }
  }
  if (!isObject(value)) return { none: true }
  const query = memberOf(value, "query")
  const operationName = memberOf(value, "operationName")
  const variables = memberOf(value, "variables")
  const extensions = memberOf(value, "extensions")
  if ("unread" in query || "unread" in operationName || "unread" in variables || "unread" in extensions)
    return { unread: "ambiguous" }
  const names = endpoint ? [...PERSISTED, "id"] : PERSISTED
  const persisted =
    names.some((name) => name in value) || (isObject(extensions.value) && "persistedQuery" in extensions.value)
  if (persisted) return { unread: "ambiguous" }
  if (query.value === undefined) return { none: true }
  return { query: query.value, operationName: operationName.value, variables: variables.value }
}

function fromQuery(pairs: readonly { name: string; value: string }[]): Asked | { unread: Unread } {
  const one: Record<string, string> = Object.create(null)
  for (const pair of pairs) {
    // Whether a plus is a blank makes no difference to GraphQL but in texts: the stricter reader's way.
    const [name] = readings(pair.name, "blank")
    const [value, other] = readings(pair.value, "blank")
    if (name === undefined || value === undefined || other !== undefined || name in one) return { unread: "ambiguous" }
    one[name] = value
  }
  if (one["extensions"] !== undefined || one["query"] === undefined) return { unread: "ambiguous" }
  const variables = one["variables"] === undefined ? undefined : readJsonText(one["variables"])
  if (variables?.unread) return { unread: variables.unread }
  return { query: one["query"], operationName: one["operationName"], variables: variables?.value }
}

/** How deep brackets nest, those within texts included: an upper bound before the parser, which recurses. */
function nesting(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at]
    if (mark === "{" || mark === "[" || mark === "(") {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (mark === "}" || mark === "]" || mark === ")") depth -= 1
  }
  return deepest
}

/** Undefined where a fragment is missing, twice there, in a circle, or where there are too many fields. */
function rootFields(document: DocumentNode, operation: OperationDefinitionNode): string[] | undefined {
  const fragments = new Map<string, SelectionSetNode | undefined>()
  for (const node of document.definitions) {
    if (node.kind !== "FragmentDefinition") continue
    fragments.set(node.name.value, fragments.has(node.name.value) ? undefined : node.selectionSet)
  }
  const fields: string[] = []
  let visited = 0
  const visit = (set: SelectionSetNode, path: readonly string[]): boolean => {
    for (const selection of set.selections) {
      visited += 1
      if (visited > MAX_FIELDS) return false
      if (selection.kind === "Field") {
        fields.push(selection.name.value)
        continue
      }
      if (selection.kind === "InlineFragment") {
        if (!visit(selection.selectionSet, path)) return false
        continue
      }
      const name = selection.name.value
      const fragment = fragments.get(name)
      if (!fragment || path.includes(name) || !visit(fragment, [...path, name])) return false
    }
    return true
  }
  return visit(operation.selectionSet, []) ? fields : undefined
}

/** What a request to a GraphQL endpoint is: a query reads, mutations and subscriptions do not. */
export async function classifyGraphql(service: string, seen: SeenRequest): Promise<Found> {
  const read = await readGraphql(seen)
  if ("none" in read) return byMethod(seen)
  if ("unread" in read) return { operation: "", access: "write", unread: read.unread }
  const { type } = read.operation
  return { operation: `${service}:${type}`, access: type === "query" ? "read" : "write" }
}

/** Any endpoint that a rule says speaks GraphQL. */
export const graphqlService: Service = {
  name: "graphql",
  hosts: [],
  needsBody: (head) => !isRead(head.method),
  classify: (seen) => classifyGraphql("graphql", seen),
}
