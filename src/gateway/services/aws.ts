// AWS: the service is the one that a request is signed for (Signature Version 4), the action is where the service's protocol has it.
import { AWS_ROUTES } from "./aws-routes.ts"
import { RPC_SERVICES } from "./aws-rpc.ts"
import { s3Action } from "./aws-s3.ts"
import { bodyOf, formPairs, readMediaType } from "./body.ts"
import { splitPairs, valuesOf } from "./readings.ts"
import { type Found, isRead, type Service } from "./service.ts"
import type { SeenRequest } from "./types.ts"

/** Actions that only read, by how AWS names them (docs.aws.amazon.com/service-authorization: access levels "Read" and "List"). */
const READS =
  /^(BatchDescribe|BatchGet|Count|Describe|Get|Head|List|Lookup|Query|Scan|Search|Select|TransactGet)(?![a-z])/
/** What makes credentials is no reading, whatever its name: sts:GetSessionToken, sso:GetRoleCredentials, cognito-identity:GetId. */
const MINTS = /^Get(\w*(Token|Credentials)\w*|Id)$/
const ACTION = /^[A-Z][A-Za-z0-9]{1,100}$/
/** Services whose query protocol is addressed by path, too: the address of a queue. */
const BY_PATH = new Set(["sqs"])

/** Whether an action only reads. */
export const readsByName = (action: string): boolean => READS.test(action) && !MINTS.test(action)

export interface Signed {
  service: string
  region: string
}

/**
 * What a request is signed for: from the Credential of its Authorization header, or of its query (presigned). Undefined where it is
 * not signed; "" as the service where it is signed for two.
 */
export function readScope(seen: SeenRequest): Signed | undefined {
  const scopes: string[] = []
  for (const [, scope = ""] of (seen.headers["authorization"] ?? "").matchAll(/\bCredential=([^,\s]+)/g))
    scopes.push(scope)
  const pairs = splitPairs(seen.query) ?? []
  scopes.push(...valuesOf(pairs, "X-Amz-Credential", "either"))
  const found = new Map<string, Signed>()
  for (const scope of scopes) {
    // Five parts at the end: an access key may be anything but has no slash. SigV4A has no region.
    const [terminator, service = "", region = ""] = scope.split("/").reverse()
    if (terminator === "aws4_request" && /^[A-Za-z0-9-]{1,40}$/.test(service)) found.set(service, { service, region })
    else found.set("", { service: "", region: "" })
  }
  const [only] = found.values()
  return found.size > 1 ? { service: "", region: "" } : only
}

/** `s3` of `bucket.s3.eu-west-1.amazonaws.com`, `dynamodb` of `dynamodb.eu-west-1.amazonaws.com`. */
function serviceOfHost(host: string): string {
  const labels = host.replace(/\.(amazonaws\.com(\.cn)?|api\.aws)$/, "").split(".")
  if (labels.some((label) => /^s3(-|$)/.test(label))) return "s3"
  const named = labels.filter((label) => !/^([a-z]{2}(-[a-z]+)+-\d|dualstack)$/.test(label)).at(-1) ?? ""
  return /^[a-z0-9-]{1,40}$/.test(named) ? named : ""
}

interface Named {
  actions: readonly string[]
  unread?: Found["unread"]
}

/** An action as `x-amz-target` names it, once; sent twice it is a list, of which nobody knows what the service takes. */
const TARGET = /^[\w.-]+\.([A-Za-z0-9]+)$/
/** Types of a body that names no action: that is in `x-amz-target`. */
const NAMELESS = /^application\/(x-amz-)?(json|cbor)(-1\.[01])?$/

const isNameless = (seen: SeenRequest) =>
  seen.headers["x-amz-target"] !== undefined && NAMELESS.test(readMediaType(seen.headers["content-type"]).type)

/** Where everything is sent to one address. Some services speak REST, too, at others: there nobody looks for a name. */
const isNamed = (seen: SeenRequest, service: string) =>
  RPC_SERVICES.has(service) && (seen.path === "/" || BY_PATH.has(service))

/** Actions by the protocols that send everything to one address: AWS JSON, AWS query, and Smithy RPC v2. */
function namedActions(seen: SeenRequest, service: string): Named {
  if (!RPC_SERVICES.has(service)) return { actions: [] }
  const target = seen.headers["x-amz-target"]
  const targets = target === undefined ? [] : [TARGET.exec(target)?.[1] ?? "ambiguous"]
  const rpc = /^\/service\/[^/]+\/operation\/([A-Za-z0-9]+)$/.exec(seen.path)?.[1]
  if (rpc !== undefined && seen.headers["smithy-protocol"] !== undefined) return { actions: [rpc, ...targets] }
  if (!isNamed(seen, service)) return { actions: [] }
  const actions = [...targets]
  const pairs = splitPairs(seen.query)
  if (!pairs) return { actions, unread: "ambiguous" }
  actions.push(...valuesOf(pairs, "Action", "either"))
  const body = bodyOf(seen)
  if (body.kind === "none" || isNameless(seen)) return { actions }
  // Whatever type it has, or has not: the service may read it as a form all the same.
  const form = formPairs(body)
  if ("unread" in form) return { actions, unread: form.unread }
  actions.push(...valuesOf(form.pairs, "Action", "blank"))
  return { actions }
}

const serviceOf = (seen: SeenRequest) => readScope(seen)?.service ?? serviceOfHost(seen.host)

function classify(seen: SeenRequest): Found {
  const service = serviceOf(seen)
  if (service === "") return { operation: "", access: "write", unread: "ambiguous" }
  const model = service === "bedrock" && { model: true as const }
  const { actions, unread } = service === "s3" || service === "s3express" ? s3(seen) : namedActions(seen, service)
  if (unread || actions.length > 1) return { operation: "", access: "write", unread: unread ?? "ambiguous", ...model }
  const [action] = actions
  if (action === "ambiguous") return { operation: "", access: "write", unread: "ambiguous" }
  const route = action === undefined ? AWS_ROUTES.get(service)?.find(seen.method, seen.path) : undefined
  if (route && !route.exact) return { operation: "", access: "write", unread: "ambiguous", ...model }
  const known = action ?? route?.operation
  if (known !== undefined && ACTION.test(known))
    return { operation: `aws:${service}.${known}`, access: readsByName(known) ? "read" : "write", ...model }
  // REST, and no table of it: its methods mean what they say.
  const access = action === undefined && isRead(seen.method) ? "read" : "write"
  return { operation: `aws:${service}.${seen.method.toLowerCase()}`, access, ...model }
}

function s3(seen: SeenRequest): Named {
  const action = s3Action(seen)
  return { actions: action === "" ? [] : [action] }
}

export const awsService: Service = {
  name: "aws",
  hosts: ["*.amazonaws.com", "*.amazonaws.com.cn", "*.api.aws"],
  needsBody: (head) => isNamed(head, serviceOf(head)) && !isNameless(head),
  route: (seen) => AWS_ROUTES.get(readScope(seen)?.service ?? "")?.find(seen.method, seen.path),
  classify,
}
