// Small readers for values of unknown shape out of a registry's answer: each gives the value or undefined, never throws.
import type { DocumentResult } from "../types.ts"

/** An object, with or without a prototype, that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map)
}

/** A list of at most `most` values, each of which is one. */
export const isList = (value: unknown, most: number, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= most && value.every(isOne)

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

/** A non-empty string of at most `most` characters without control, format or bidi characters. */
export function boundedString(value: unknown, most = 256): string | undefined {
  if (typeof value !== "string" || value === "" || value.length > most) return undefined
  return UNSAFE.test(value) ? undefined : value
}

/** The usable strings among at most 200 values. */
export function stringsOf(values: readonly unknown[]): string[] {
  return values
    .slice(0, 200)
    .map((value) => boundedString(value))
    .filter((value) => value !== undefined)
}

/** ISO 8601 text in milliseconds since the epoch; undefined for anything else, or for a time nobody can mean. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d/.test(value) || value.length > 40) return undefined
  const time = Date.parse(value)
  return time > 0 && time < 8.64e15 ? time : undefined
}

const DIGEST_BYTES = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

/** A hexadecimal digest as `algorithm-base64` (SRI). */
export function sriOfHex(algorithm: keyof typeof DIGEST_BYTES, hex: unknown): string | undefined {
  if (typeof hex !== "string" || hex.length !== DIGEST_BYTES[algorithm] * 2 || !/^[0-9a-fA-F]+$/.test(hex))
    return undefined
  return `${algorithm}-${Buffer.from(hex, "hex").toString("base64")}`
}

/** Answers that need no request. */
export const NOT_A_NAME: DocumentResult = Object.freeze({
  ok: false,
  reason: "invalid",
  detail: "the name is not one that its registry admits",
})
export const ELSEWHERE: DocumentResult = Object.freeze({
  ok: false,
  reason: "unsupported",
  detail: "the package is from another registry than those in use",
})
