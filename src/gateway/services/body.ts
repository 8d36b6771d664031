// The body of a request, read once as what its content-type says.
import type { Unread } from "../../policy/types.ts"
import { type JsonRead, readJson } from "./json.ts"
import { type Pair, splitPairs } from "./readings.ts"
import type { SeenRequest } from "./types.ts"

export interface MediaType {
  /** `application/json`, lower case; "" where there is none that can be read. */
  type: string
  parameters: Readonly<Record<string, string>>
}

// No two parts that follow each other take the same characters: each text is matched in one way, and in a time that grows with its length.
const MEDIA = /^([\w!#$&^.+-]+\/[\w!#$&^.+-]+)[ \t]*((?:;[ \t]*(?:[\w!#$&^.+-]+=(?:[^\s;,"\\]+|"[^"\\]*")[ \t]*)?)*)$/
const PARAMETER = /([\w!#$&^.+-]+)=(?:"([^"]*)"|([^\s;,"]+))/g

/**
 * A content-type as RFC 9110, section 8.3 writes it. Several of them in one header, a parameter twice, or anything that is not of that
 * form have the type "": servers differ about them.
 */
export function readMediaType(header: string | undefined): MediaType {
  const found = header !== undefined && header.length <= 500 ? MEDIA.exec(header.trim()) : null
  if (!found) return { type: "", parameters: {} }
  const parameters: Record<string, string> = Object.create(null)
  for (const [, name, quoted, plain] of (found[2] ?? "").matchAll(PARAMETER)) {
    const key = (name ?? "").toLowerCase()
    if (key in parameters) return { type: "", parameters: {} }
    parameters[key] = quoted ?? plain ?? ""
  }
  return { type: (found[1] ?? "").toLowerCase(), parameters }
}

export type BodyKind = "json" | "form" | "multipart" | "other" | "none"

export interface Body {
  kind: BodyKind
  media: MediaType
  bytes: Buffer
  /** Why it cannot be looked into at all. */
  unread?: Unread
}

const known = new WeakMap<SeenRequest, Body>()
const documents = new WeakMap<Body, JsonRead>()

/** The body of a request and what it is. A charset other than UTF-8, or bytes that were not handed over, are `unread`. */
export function bodyOf(seen: SeenRequest): Body {
  let body = known.get(seen)
  if (!body) {
    body = openBody(seen)
    known.set(seen, body)
  }
  return body
}

function openBody(seen: SeenRequest): Body {
  const media = readMediaType(seen.headers["content-type"])
  const bytes = seen.body ?? Buffer.alloc(0)
  if (seen.unread) return { kind: "other", media, bytes, unread: seen.unread }
  if (bytes.length === 0)
    return hasBody(seen) && !seen.body
      ? { kind: "other", media, bytes, unread: "stream" }
      : { kind: "none", media, bytes }
  const kind = kindOf(media.type)
  const charset = media.parameters["charset"]?.toLowerCase()
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8" && kind !== "multipart")
    return { kind, media, bytes, unread: "encoded" }
  return { kind, media, bytes }
}

function kindOf(type: string): BodyKind {
  if (type === "application/json" || type === "text/json" || type.endsWith("+json")) return "json"
  if (type === "application/x-www-form-urlencoded") return "form"
  return type === "multipart/form-data" ? "multipart" : "other"
}

/** Whether its head says that a body follows (RFC 9112, section 6.3). */
export function hasBody(head: SeenRequest): boolean {
  const length = head.headers["content-length"]
  return head.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0")
}

/** The body as one JSON document, whatever its content-type says. */
export function jsonOf(body: Body): JsonRead {
  if (body.unread) return { unread: body.unread }
  let read = documents.get(body)
  if (!read) {
    read = readJson(body.bytes)
    documents.set(body, read)
  }
  return read
}

/** The pairs of an urlencoded body. */
export function formPairs(body: Body): { pairs: readonly Pair[] } | { unread: Unread } {
  if (body.unread) return { unread: body.unread }
  // Bytes that no browser leaves unescaped: servers differ about their charset.
  if (body.bytes.some((byte) => byte >= 0x80)) return { unread: "ambiguous" }
  const pairs = splitPairs(body.bytes.toString("latin1"))
  return pairs ? { pairs } : { unread: "too-large" }
}
