// What will happen, in a few words: a verb, and what it is done to, of fixed templates around the request's own values.
import { readScope } from "./aws.ts"
import { readS3Target } from "./aws-s3.ts"
import { bodyOf, formPairs, jsonOf } from "./body.ts"
import { readGraphql } from "./graphql.ts"
import { isObject, type JsonValue } from "./json.ts"
import { serviceNamed } from "./known.ts"
import { readMcp } from "./mcp.ts"
import { formatAmount } from "./money.ts"
import { splitPairs, valuesOf } from "./readings.ts"
import { readStripePath } from "./stripe.ts"
import type { Classified, Described, SeenRequest } from "./types.ts"

const MAX_WORDS = 300
/** A part of a path that people can read as one word; every other one stays as it was sent. */
const PLAIN = /^[\w.@/+:~!$-]+$/
const BY_METHOD: Readonly<Record<string, string>> = {
  GET: "open",
  POST: "send to",
  PUT: "put",
  PATCH: "change",
  DELETE: "delete",
}

/** Verb, resource and amount of a request. */
export async function wordsOf(seen: SeenRequest, classified: Classified): Promise<Omit<Described, "parts">> {
  const amount = classified.service === "stripe" ? amountOf(seen) : undefined
  const resource = (await resourceOf(seen, classified)) || `${seen.host}${seen.path}`
  return {
    verb: verbOf(seen, classified),
    resource: resource.length > MAX_WORDS ? `${resource.slice(0, MAX_WORDS - 3)}...` : resource,
    ...(amount !== undefined && { amount }),
  }
}

/** "merge" of `github:pulls.merge`, "create" of `github:issues.create-comment`, "put" of `aws:s3.PutObject`, "post" of `slack:chat.postMessage`. */
function verbOf(seen: SeenRequest, { operation, access }: Classified): string {
  if (access === "read") return "read"
  const last = operation.split(/[:./]/).at(-1) ?? ""
  const first = /^[A-Z]?[a-z]+/.exec(last)?.[0].toLowerCase()
  if (first !== undefined && operation.includes(":")) return first
  return BY_METHOD[seen.method] ?? (/^[A-Z]{1,20}$/.test(seen.method) ? seen.method.toLowerCase() : "send")
}

async function resourceOf(seen: SeenRequest, classified: Classified): Promise<string> {
  const { service, operation } = classified
  if (operation === "git:push" || operation === "git:fetch") return `repository ${seen.host}${repositoryOf(seen.path)}`
  const route = serviceNamed(service)?.route?.(seen)
  if (route?.resource)
    return route.resource.replace(/\{(\w+)\}/g, (_, name: string) => readable(route.params[name] ?? ""))
  if (service === "aws" && operation.startsWith("aws:s3.")) {
    const target = readS3Target(seen)
    return target ? `s3://${target.bucket}/${target.key}` : ""
  }
  if (service === "aws") {
    const signed = readScope(seen)
    return signed?.region ? `${signed.service} in ${readable(signed.region)}` : ""
  }
  if (service === "slack") return slackResource(seen)
  if (service === "stripe") return stripeResource(seen)
  if (service === "mcp") return mcpResource(seen)
  return isGraphql(operation) ? graphqlResource(seen) : ""
}

const isGraphql = (operation: string) => /:(query|mutation|subscription)$/.test(operation)

const repositoryOf = (path: string) => path.replace(/\/(info\/refs|git-receive-pack|git-upload-pack)$/, "")

function readable(segment: string): string {
  try {
    const decoded = decodeURIComponent(segment)
    return PLAIN.test(decoded) ? decoded : segment
  } catch {
    return segment
  }
}

/** Members of a JSON body, or values of a form or the query, of one name. */
export function argumentsOf(seen: SeenRequest, name: string): string[] {
  const body = bodyOf(seen)
  const found = valuesOf(splitPairs(seen.query) ?? [], name, "either")
  if (body.kind === "form") {
    const form = formPairs(body)
    if ("pairs" in form) found.push(...valuesOf(form.pairs, name, "blank"))
  } else if (body.kind === "json") {
    const read = jsonOf(body)
    const value: JsonValue | undefined = !read.unread && isObject(read.value) ? read.value[name] : undefined
    if (typeof value === "string" || typeof value === "number") found.push(String(value))
  }
  return found
}

function slackResource(seen: SeenRequest): string {
  const named = ["channel", "user", "file", "usergroup", "name"].flatMap((name) =>
    argumentsOf(seen, name).map((value) => `${name} ${value}`),
  )
  return named.slice(0, 3).join(", ")
}

function stripeResource(seen: SeenRequest): string {
  const read = readStripePath(seen.path)
  if (!read) return ""
  // A verb at the end is in the words already.
  const things = read.isVerb && read.names.length > 1 ? read.names.slice(0, -1) : read.names
  const names = things.map((name) => name.replaceAll("_", " ")).join(" / ")
  return read.ids.length > 0 ? `${names} ${read.ids.map(readable).join(" / ")}` : names
}

/** Where the request states one amount and one currency. */
function amountOf(seen: SeenRequest): string | undefined {
  const amounts = ["amount", "unit_amount"].flatMap((name) => argumentsOf(seen, name))
  const currencies = argumentsOf(seen, "currency")
  const [amount, currency] = [amounts[0], currencies[0]]
  if (amounts.length !== 1 || currencies.length !== 1 || amount === undefined || currency === undefined)
    return undefined
  return formatAmount(amount, currency)
}

function mcpResource(seen: SeenRequest): string {
  const read = readMcp(seen)
  if (!("messages" in read)) return ""
  return read.messages.map((one) => (one.tool === undefined ? one.method : `tool ${one.tool}`)).join(", ")
}

async function graphqlResource(seen: SeenRequest): Promise<string> {
  const read = await readGraphql(seen)
  if (!("operation" in read)) return ""
  const counts = new Map<string, number>()
  for (const field of read.operation.fields) counts.set(field, (counts.get(field) ?? 0) + 1)
  return [...counts].map(([field, count]) => (count > 1 ? `${field} (${count} times)` : field)).join(", ")
}
