// The binding of a request: its canonical text, its digest, and the short names that people type.
import { createHash, randomBytes } from "node:crypto"
import { canonicalText } from "../audit/sealing/canonical.ts"
import { cleanText } from "../render/clean.ts"
import type { Asked, Binding, NetworkArguments } from "./types.ts"

/** What an id looks like: `ap-` and eight characters of base32. */
export const APPROVAL_ID = /^ap-[a-z2-7]{8}$/

/** Fewest hex digits of a digest that a person may give. */
const MIN_PREFIX = 8

/** Longest text of an agent that a person is shown. */
const MAX_REASON = 400

/** What a request binds, with a nonce of its own. The agent's words become one clean line. */
export function bindRequest(asked: Asked, now: number): Binding {
  const { wait, boxed: _, reason, operator, run, ...rest } = asked
  const nonce = randomBytes(16).toString("base64url")
  return {
    ...rest,
    ...(operator !== undefined && { operator }),
    ...(run !== undefined && { run }),
    ...(reason !== undefined && reason !== "" && { reason: cleanText(reason, MAX_REASON) }),
    ...{ v: 1, nonce, requested: now, expires: now + wait },
  }
}

/** `sha256:<hex>` of a text. */
export function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`
}

/**
 * What makes two requests the same one: all that is asked, whatever words come with it. Requests of the network go by the rules that ask, not
 * by the whole policy, and not by how they are shown.
 */
export function topicOf({ wait: _, boxed: __, reason: ___, ...asked }: Asked): string {
  const { ruleHash, policyHash, arguments: bound, ...rest } = asked
  if (ruleHash === undefined) return digestOf(canonicalText({ ...rest, policyHash, arguments: bound }))
  const { shown: _shown, provenance: _provenance, reason: _reason, ...same } = bound as unknown as NetworkArguments
  return digestOf(canonicalText({ ...rest, ruleHash, arguments: same }))
}

/** The id of a request: the first 40 bits of its digest (RFC 4648 base32, lower case), so that neither can be another's. */
export function idOf(digest: string): string {
  const bits = BigInt(`0x${digest.slice("sha256:".length, "sha256:".length + 10)}`)
  const digits = Array.from(
    { length: 8 },
    (_, i) => "abcdefghijklmnopqrstuvwxyz234567"[Number((bits >> BigInt(35 - 5 * i)) & 31n)],
  )
  return `ap-${digits.join("")}`
}

/** The digest as people compare and type it: its first 16 hex digits in groups of four. */
export function shortDigest(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 16).replace(/(?<=^.{4}|^.{8}|^.{12})/g, "-")
}

/** Whether what a person typed is this digest or a beginning of it, at least eight hex digits; `sha256:` and dashes may be left out. */
export function matchesDigest(typed: string, digest: string): boolean {
  const hex = typed
    .toLowerCase()
    .replace(/^sha256:/, "")
    .replaceAll("-", "")
  return hex.length >= MIN_PREFIX && /^[0-9a-f]+$/.test(hex) && digest.slice("sha256:".length).startsWith(hex)
}

/** The binding in a stored text, where that is what the digest and the id are of. */
export function readBinding(id: string, digest: string, text: string): Binding | undefined {
  if (digestOf(text) !== digest || idOf(digest) !== id) return undefined
  try {
    const binding = JSON.parse(text) as Binding
    return binding.v === 1 && isSound(binding) ? binding : undefined
  } catch {
    return undefined
  }
}

/** Longest name of an agent, a run, an operator or a policy: the record keeps no longer ones. */
const MAX_NAME = 512
/** Furthest from the epoch that a date can be, in milliseconds. */
const MAX_DATE = 8.64e15

/** Whether what everybody looks at first is of its shape: whoever may write rows may write any, and one must not keep the others from being seen. */
function isSound(binding: Binding): boolean {
  const { kind, agent, operator = agent, run = agent, subject, arguments: bound, approvers, policyHash } = binding
  if (typeof kind !== "string" || typeof subject !== "string" || subject === "" || !isObject(bound)) return false
  if (![agent, operator, run, policyHash].every(isName) || ![binding.requested, binding.expires].every(isDate))
    return false
  if (!isObject(approvers)) return false
  const { group, people, quorum } = approvers
  return typeof group === "string" && Number.isSafeInteger(quorum) && (people === "anyone" || Array.isArray(people))
}

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value)
const isName = (value: unknown) => typeof value === "string" && value !== "" && value.length <= MAX_NAME
const isDate = (value: number) => Number.isSafeInteger(value) && Math.abs(value) <= MAX_DATE
