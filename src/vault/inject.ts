// Puts a credential's value into a request, in the one slot that it is bound to, and says what has to be scrubbed of the answer.
import { signAws } from "./aws.ts"
import { injectBody } from "./inject-body.ts"
import { injectBasic, injectBearer, injectCookie, injectHeader, injectPath, injectQuery } from "./inject-head.ts"
import { type Change, headerOf, type Injected, type OutgoingRequest, type Secret, splitAws } from "./outgoing.ts"
import type { Credential, FoundPlaceholder } from "./types.ts"

/** Hashes of a body that is not the same any more (RFC 9530; RFC 3230; RFC 1864). */
const DIGESTS = new Set(["content-md5", "digest", "content-digest", "repr-digest"])

/**
 * Puts the value where the credential's slot is, if that is empty or holds this run's placeholder. For `oauth-client` the value is the
 * token, for `aws` `<access key id>:<secret key>[:<session token>]`. Pure; `now` (milliseconds) is when a signature is made.
 */
export function injectCredential(
  request: OutgoingRequest,
  { slot }: Pick<Credential, "slot">,
  value: string,
  placeholder: string,
  now: number = Date.now(),
): Injected {
  // Visible latin1 only: nothing that ends a header, or that readers would decode in different ways.
  const fits =
    slot.in === "body" ? !value.includes("\0") && value.isWellFormed() : /^[\x20-\x7e\xa0-\xff]+$/.test(value)
  if (!fits || value === "") return { refused: "value.unfit" }
  const change = ((): Change => {
    switch (slot.in) {
      case "bearer":
      case "oauth-client":
        return injectBearer(request, value, placeholder)
      case "header":
        return injectHeader(request, slot.name, slot.prefix ?? "", value, placeholder)
      case "basic":
        return injectBasic(request, slot.user, value, placeholder)
      case "query":
        return injectQuery(request, slot.name, value, placeholder)
      case "path":
        return injectPath(request, value, placeholder)
      case "cookie":
        return injectCookie(request, slot.name, value, placeholder)
      case "body":
        return injectBody(request, slot, value, placeholder)
      case "aws":
        return signAws(request, slot, value, placeholder, now)
    }
  })()
  if ("refused" in change) return change
  if (change.slot === "own" || change.slot === "absent") return { request, slot: change.slot, secrets: [] }
  const { slot: slotted, ...parts } = change
  const changed = { ...request, ...parts }
  const whole = "body" in change ? withLength(changed) : changed
  return { request: whole, slot: slotted, secrets: secretsOf(slot.in, value, placeholder, whole.headers) }
}

function withLength(request: OutgoingRequest): OutgoingRequest {
  const headers: string[] = []
  for (let at = 0; at + 1 < request.headers.length; at += 2) {
    const name = request.headers[at]!.toLowerCase()
    if (DIGESTS.has(name)) continue
    const value = name === "content-length" ? String(request.body?.length ?? 0) : request.headers[at + 1]!
    headers.push(request.headers[at]!, value)
  }
  return { ...request, headers }
}

function secretsOf(
  slot: Credential["slot"]["in"],
  value: string,
  placeholder: string,
  headers: readonly string[],
): Secret[] {
  if (slot === "aws") {
    const [values, own] = [splitAws(value), splitAws(placeholder)]
    return values.map((part, index) => ({ value: part, replacement: own[index] ?? own[1] ?? placeholder }))
  }
  const secrets: Secret[] = [{ value, replacement: placeholder }]
  if (slot === "basic") {
    const sent = headerOf(headers, "authorization")?.split(" ")[1]
    if (sent !== undefined)
      secrets.push({ value: sent, replacement: Buffer.from(`:${placeholder}`).toString("base64") })
  }
  return secrets
}

const IN_TEXT = new Set(["plain", "percent"])

/**
 * Whether something that was found stands in its credential's own slot. Says where, not yet that nothing else stands there:
 * `injectCredential` replaces whole values only.
 */
export function checkSlot({ where, encoding }: FoundPlaceholder, { slot }: Pick<Credential, "slot">): boolean {
  switch (slot.in) {
    case "bearer":
    case "oauth-client":
    case "aws":
      return where === "authorization" && encoding === "plain"
    case "basic":
      return where === "authorization" && encoding === "base64"
    case "header": {
      const name = slot.name.toLowerCase()
      return where === (name === "authorization" ? name : `header:${name}`) && encoding === "plain"
    }
    case "query":
      return where === `query:${slot.name}` && IN_TEXT.has(encoding)
    case "path":
      return where === "path" && IN_TEXT.has(encoding)
    case "cookie":
      return where === `cookie:${slot.name}` && encoding === "plain"
    case "body":
      if (slot.part !== undefined) return where === "body" && encoding === "plain"
      return where === "body" && (IN_TEXT.has(encoding) || (slot.pointer !== undefined && encoding === "json"))
  }
}
