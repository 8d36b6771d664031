// What a value may be: something that its slot can carry, and that can be told from ordinary text when it comes back.
import { EXIT } from "../errors.ts"
import { vaultError } from "./errors.ts"
import type { Slot } from "./types.ts"

/** Fewest characters: whatever is shorter stands in ordinary texts, too, and could not be scrubbed from an answer. */
const MIN_VALUE = 8

/** Most bytes. */
export const MAX_VALUE = 65_536

/** Slots whose value goes into a header: visible ASCII (RFC 9110, 5.5), and no line of its own. */
const HEADER = new Set<Slot["in"]>(["bearer", "header", "basic", "cookie", "aws", "oauth-client"])

/** The value of a text as it was read: without the line end that editors and `echo` add. */
export const trimValue = (text: string): string => text.replace(/\r?\n$/, "")

/** What is wrong with a value for a slot; undefined where nothing is. Never quotes it. */
export function checkValue(value: string, slot: Slot): string | undefined {
  if (value.length < MIN_VALUE) return `it is shorter than ${MIN_VALUE} characters`
  if (Buffer.byteLength(value) > MAX_VALUE) return `it is larger than ${MAX_VALUE} bytes`
  if (!value.isWellFormed() || value.includes("\0")) return "it is no text"
  if (HEADER.has(slot.in)) {
    if (/[^\x20-\x7e]/.test(value)) return "it holds a line end or another character that no header can carry"
    if (value !== value.trim()) return "it begins or ends with a space"
  }
  if (slot.in === "cookie" && /[\s",;\\]/.test(value)) return "it holds what no cookie can carry"
  if (slot.in === "aws" && !/^[A-Z0-9]{16,128}:[A-Za-z0-9+/=]{16,256}(?::[\x21-\x7e]+)?$/.test(value))
    return "it is not <access key id>:<secret key>[:<session token>]"
  if (slot.in === "oauth-client" && !/^[^:]+:./.test(value)) return "it is not <client id>:<client secret>"
  if (slot.in === "path" && /[/?#\s]/.test(value)) return "it is no segment of a path"
  return undefined
}

/** Throws `NanoguardError` (`exit`) where a value does not fit its slot. */
export function requireValue(name: string, value: string, slot: Slot, exit: 2 | 5 = EXIT.usage): string {
  const wrong = checkValue(value, slot)
  if (wrong === undefined) return value
  throw vaultError(`the value of ${name} cannot be used: ${wrong}`, "look at where it comes from", exit)
}
