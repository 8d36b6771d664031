// Requests whose answers hold live tokens, and the tokens in these answers.
import { parseForeignJson } from "../foreign-json.ts"
import { headerOf, type OutgoingRequest } from "./outgoing.ts"
import type { Slot } from "./types.ts"

/** Which answer a request gets. */
export type TokenRequest = "oauth" | "installation" | "aws"

/** A token of an answer. */
export interface LiveToken {
  /** As a credential's value; for AWS `<id>:<secret>[:<session token>]`. */
  value: string
  /** Where it is sent. */
  slots: readonly Slot[]
  /** Milliseconds for which it is good, where the answer says so. */
  life?: number
}

const OAUTH_PATH =
  /\/(?:oauth2?(?:\/v\d+(?:\.\d+)?)?\/(?:token|access_token)|connect\/token|token|oauth\.v2\.access|oauth\.access|[^/]+:generate(?:Access|Id)Token)$/
const INSTALLATION_PATH =
  /\/(?:app\/installations\/\d+\/access_tokens|actions\/runners\/(?:registration|remove)-token)$/
export const STS_ACTION =
  /(?:^|[?&])Action=(?:AssumeRole(?:With(?:SAML|WebIdentity)|Root)?|GetSessionToken|GetFederationToken)(?:&|$)/
// Of a region, with FIPS, of an endpoint in somebody's own network, and by its newer name.
const STS_HOST =
  /(?:^|\.)sts(?:-fips)?(?:\.[a-z0-9-]+){0,3}\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)$/
const AWS_TARGET = /^AWSCognitoIdentityService\.GetCredentialsForIdentity$/

const GRANT = /(?:^|[?&])grant_type=/
const JSON_GRANT = /"grant_type"\s*:/
const JSON_TYPE = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i
/** Slack takes these by any method. */
const BY_ANY_METHOD = /\/oauth\.(?:v2\.)?access$/

/**
 * Whether the answer to a request is one with tokens (RFC 6749, section 4; AWS STS; GitHub Apps), by its address and its body, as they stand there and
 * as a service may decode them.
 */
export function tokenRequest(host: string, request: OutgoingRequest): TokenRequest | undefined {
  const { method, path: url, headers, body } = request
  const [plain] = url.split("?", 1)
  const path = withoutSlashes(decode(plain!))
  if (path.endsWith("/federation/credentials") || AWS_TARGET.test(headerOf(headers, "x-amz-target") ?? "")) return "aws"
  const text = body?.toString("latin1") ?? ""
  const [addresses, bodies] = [
    [url, decode(url)],
    [text, decode(text)],
  ]
  const has = (form: RegExp) =>
    addresses.some((one) => form.test(one)) || (bodies.some((one) => form.test(one)) && !isJson(headers, text))
  if (STS_HOST.test(host) || has(STS_ACTION)) return "aws"
  if (BY_ANY_METHOD.test(path)) return "oauth"
  if (method !== "POST") return undefined
  if (INSTALLATION_PATH.test(path)) return "installation"
  const isGrant = has(GRANT) || [...addresses, ...bodies].some((one) => JSON_GRANT.test(one))
  return OAUTH_PATH.test(path) || isGrant ? "oauth" : undefined
}

/** Whether no service takes a body for a form: what looks like one in it is part of a text, which somebody wrote about forms. */
function isJson(headers: readonly string[], text: string): boolean {
  const types = headers.filter((_, at) => headers[at - 1]?.toLowerCase() === "content-type" && at % 2 === 1)
  return types.length === 1 && JSON_TYPE.test(types[0]!.trim()) && parse(text) !== undefined
}

const FORM_TYPE = /x-www-form-urlencoded/i

/** Whether any header of a request says that its body is a form. */
export const saysForm = (headers: readonly string[]): boolean =>
  headers.some((text, at) => at % 2 === 1 && FORM_TYPE.test(text))

/** Whether a body is what is said to a model: JSON, and by no header a form, that asks for no token itself, whatever its texts are about. */
export function isSaid({ headers, body }: OutgoingRequest): boolean {
  if (saysForm(headers)) return false
  const value = parse(body?.toString("utf8") ?? "")
  return typeof value === "object" && value !== null && !Object.hasOwn(value, "grant_type")
}

/** Without the escapes of forms and addresses, and of JSON. */
export function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})|\\u([0-9a-f]{4})/gi, (_, byte: string | undefined, unit: string | undefined) =>
    String.fromCharCode(Number.parseInt(byte ?? unit!, 16)),
  )
}

function withoutSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === "/") end--
  return path.slice(0, end)
}

const BEARER: readonly Slot[] = [{ in: "bearer" }, { in: "basic" }, { in: "query", name: "access_token" }]
const inBody = (name: string): Slot[] => [
  { in: "body", field: name },
  { in: "body", pointer: `/${name}` },
]

const NAMES: Readonly<Record<string, readonly Slot[]>> = {
  access_token: [...BEARER, ...inBody("subject_token"), ...inBody("token")],
  accessToken: BEARER,
  id_token: [...BEARER, ...inBody("subject_token"), ...inBody("assertion"), ...inBody("id_token_hint")],
  idToken: BEARER,
  refresh_token: [...inBody("refresh_token"), ...inBody("token")],
  refreshToken: inBody("refreshToken"),
}

/** Characters of one set of AWS's credentials. */
const MAX_BLOCK = 16_384
/** Containers inside each other. */
const MAX_DEPTH = 8

/** The tokens of an answer's body (JSON, a form, or STS's XML); undefined where it is none of them. */
export function readTokens(kind: TokenRequest, body: string, now: number): LiveToken[] | undefined {
  const text = body.trim()
  if (text.startsWith("<")) return kind === "aws" ? readXml(text, now) : undefined
  const value = parse(text)
  if (value === undefined && kind === "oauth" && /^[\w.]+=/.test(text))
    return readMembers(kind, Object.fromEntries(new URLSearchParams(text)), now, 0)
  return value === undefined ? undefined : readMembers(kind, value, now, 0)
}

function parse(text: string): unknown {
  try {
    return parseForeignJson(text)
  } catch {
    return undefined
  }
}

function readMembers(kind: TokenRequest, value: unknown, now: number, depth: number): LiveToken[] {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return []
  const members = value as Record<string, unknown>
  const life = lifeOf(members, now)
  const aws = kind === "aws" ? awsToken(members) : undefined
  const found: LiveToken[] = aws === undefined ? [] : [{ ...aws, ...life }]
  for (const [name, member] of Object.entries(members)) {
    if (typeof member === "object") found.push(...readMembers(kind, member, now, depth + 1))
    if (typeof member !== "string" || member === "") continue
    const slots =
      name === "token" && kind === "installation" ? BEARER : Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (slots !== undefined) found.push({ value: member, slots, ...(name.startsWith("refresh") ? {} : life) })
  }
  return found
}

function awsToken(members: Record<string, unknown>): LiveToken | undefined {
  const get = (...names: string[]) =>
    names.map((name) => members[name]).find((value) => typeof value === "string" && value !== "")
  const id = get("AccessKeyId", "accessKeyId")
  const secret = get("SecretAccessKey", "secretAccessKey", "SecretKey")
  const token = get("SessionToken", "sessionToken")
  if (id === undefined || secret === undefined) return undefined
  return { value: [id, secret, ...(token === undefined ? [] : [token])].join(":"), slots: [{ in: "aws" }] }
}

function readXml(text: string, now: number): LiveToken[] {
  // Up to each one's end: nothing is read twice.
  const blocks = text.split("</Credentials>").slice(0, -1)
  return blocks.flatMap((before) => {
    const at = before.lastIndexOf("<Credentials>")
    if (at < 0) return []
    const block = before.slice(at, at + MAX_BLOCK)
    const members = Object.fromEntries(
      [...block.matchAll(/<(\w{1,40})>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value!.trim()]),
    )
    const token = awsToken(members)
    return token === undefined ? [] : [{ ...token, ...lifeOf(members, now) }]
  })
}

/** How long an answer says that its tokens are good. */
function lifeOf(members: Record<string, unknown>, now: number): { life?: number } {
  const seconds = Number(members["expires_in"])
  if (Number.isFinite(seconds) && seconds > 0) return { life: seconds * 1000 }
  for (const name of ["expires_at", "Expiration", "expireTime", "expiration"]) {
    const stated = members[name]
    // AWS has seconds since the epoch in some, its portal milliseconds.
    const time = typeof stated === "number" ? (stated > 1e11 ? stated : stated * 1000) : Date.parse(String(stated))
    if (Number.isFinite(time) && time > now) return { life: time - now }
  }
  return {}
}
