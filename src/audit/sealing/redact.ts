// Secrets never enter the log: each is replaced by a keyed commitment before anything is hashed, so that equal ones stay
// provably equal. Exact where the value is known; by shape for the rest, which finds the well-known kinds and no others.
import { createHmac } from "node:crypto"
import type { SecretCommitment } from "../types.ts"
import { addMember } from "./canonical.ts"
import { type Found, findKnown, type KnownSecrets } from "./known-secrets.ts"
import { maySecretBeIn, SECRET_NAME, SECRET_SHAPES } from "./secret-shapes.ts"
import { spanOf, viewsOf } from "./secret-views.ts"

/** Longest string of a record, and longest member name, in UTF-16 units. */
export const MAX_TEXT = 4096
const MAX_NAME = 256

/** Of a longer text only this much is searched, and nothing is kept within `MAX_SECRET` of where the search ended. */
const WINDOW = 65_536
const MAX_SECRET = 16_384

const COMMITMENT = /(?:person|secret):[A-Za-z0-9_-]{43}/g

/** Secrets that one redactor replaces one by one; after that many, a string that may hold more is committed to as a whole. */
const MOST_FOUND = 1024

/** One for each member of a record: the work for it is bounded, for others wait for the log meanwhile. */
export interface Redactor {
  /** 32 bytes: the log's own key. */
  commitKey: Uint8Array
  known?: KnownSecrets | undefined
  /** Secrets replaced until now. */
  found?: number
}

/** The commitment to a secret: base64url of HMAC-SHA256 (RFC 2104) over its UTF-8 bytes. */
export function commitSecret(value: string, commitKey: Uint8Array): SecretCommitment {
  return `secret:${createHmac("sha256", commitKey).update(value, "utf8").digest("base64url")}`
}

/** Whether a text, or data as JSON text, may hold a secret: false is certain, true is worth a search. */
export function mayHoldSecret(text: string, known: KnownSecrets | undefined): boolean {
  return maySecretBeIn(text) || known?.prefilters.some((one) => one.test(text)) === true
}

/**
 * The text with each secret in it replaced by its commitment, and cut to `max` UTF-16 units: then its length and a commitment
 * to the whole follow. Time is linear in the text.
 */
export function redactText(text: string, redactor: Redactor, max = MAX_TEXT): string {
  if ((redactor.found ?? 0) >= MOST_FOUND && mayHoldSecret(text, redactor.known)) return commitLong(text, redactor)
  if (text.length <= max) return replaceSecrets(text, redactor)
  const searched = text.slice(0, WINDOW)
  const clean = replaceSecrets(searched, redactor)
  const margin = searched.length < text.length ? Math.max(MAX_SECRET, (redactor.known?.longest ?? 0) * 6) : 0
  const kept = clean.slice(0, Math.max(0, Math.min(max, clean.length - margin))).toWellFormed()
  if (kept.length === clean.length && margin === 0) return clean
  return `${kept} ${commitLong(text, redactor)}`
}

function commitLong(text: string, { commitKey }: Redactor): string {
  return `[cut: ${text.length} characters, ${commitSecret(text.toWellFormed(), commitKey)}]`
}

/**
 * Plain data with every string, member name and value of a member with a secret's name redacted. `named`: the value belongs
 * to such a member.
 */
export function redactValue(value: unknown, redactor: Redactor, named = false): unknown {
  if (typeof value === "string") return named ? commitWhole(value, redactor) : redactText(value, redactor)
  if (typeof value === "number") return redactNumber(value, redactor, named)
  if (value === null || typeof value !== "object") return value
  if (Array.isArray(value)) return value.map((element) => redactValue(element, redactor, named))
  const copy: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const clean = redactText(name, redactor, MAX_NAME)
    const after = redactValue(member, redactor, named || SECRET_NAME.test(name))
    if (clean === "__proto__" || Object.hasOwn(copy, clean)) addMember(copy, clean, after)
    else copy[clean] = after
  }
  return copy
}

/** A known secret of digits alone may come as a number. */
function redactNumber(value: number, redactor: Redactor, named: boolean): number | string {
  const text = String(value)
  if (named) return commitSecret(text, redactor.commitKey)
  const clean = redactor.known === undefined ? text : replaceSecrets(text, redactor)
  return clean === text ? value : clean
}

function commitWhole(value: string, { commitKey }: Redactor): string {
  COMMITMENT.lastIndex = 0
  return value === "" || COMMITMENT.exec(value)?.[0] === value ? value : commitSecret(value.toWellFormed(), commitKey)
}

/** Once a secret is replaced, another that was glued to it may stand free. */
const MAX_ROUNDS = 4

function replaceSecrets(text: string, redactor: Redactor): string {
  let result = text
  for (let round = 0; round < MAX_ROUNDS && mayHoldSecret(result, redactor.known); round++) {
    const found = mergeOverlaps(result, findSecrets(result, redactor))
    if (found.length === 0) break
    result = replaceFound(result, found, redactor)
    redactor.found = (redactor.found ?? 0) + found.length
  }
  return result
}

function findSecrets(text: string, { known }: Redactor): Found[] {
  if (!known) return findShapes(text)
  // A secret that is a word of ours, such as "secret", is not in the commitments.
  const ours = [...text.matchAll(COMMITMENT)].map(({ index }) => index)
  const inWord = ({ start, end }: Found) => ours.some((at) => start >= at && end <= at + "secret:".length)
  return [...findShapes(text), ...findKnown(text, known).filter((found) => !inWord(found))]
}

function replaceFound(text: string, found: readonly Found[], { commitKey }: Redactor): string {
  let result = ""
  let at = 0
  for (const { start, end, value } of found) {
    result += text.slice(at, start) + commitSecret(value.toWellFormed(), commitKey)
    at = end
  }
  return result + text.slice(at)
}

function findShapes(text: string): Found[] {
  const found: Found[] = []
  for (const view of viewsOf(text)) {
    if (!maySecretBeIn(view.text)) continue
    const open = view.text.replace(COMMITMENT, (commitment) => " ".repeat(commitment.length))
    for (const { pattern } of SECRET_SHAPES) {
      for (const match of open.matchAll(pattern)) {
        const groups = match.indices!.slice(1).filter((place) => place !== undefined)
        for (const [start, end] of groups.length > 0 ? groups : [match.indices![0]!])
          found.push({ ...spanOf(view, start, end), value: view.text.slice(start, end) })
      }
    }
  }
  return found
}

/** In order and apart: what overlaps becomes one, with the value of the one that covers all of it, else the text there. */
function mergeOverlaps(text: string, found: Found[]): Found[] {
  const merged: Found[] = []
  for (const next of found.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1)
    if (!last || next.start >= last.end) merged.push({ ...next })
    else if (next.end > last.end) {
      last.end = next.end
      last.value = text.slice(last.start, last.end)
    }
  }
  return merged
}
