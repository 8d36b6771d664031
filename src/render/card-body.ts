// The body of a request as a person can look at it: text with what is hidden in it shown, anything else as hex.

import { isUtf8 } from "node:buffer"
import { createHash } from "node:crypto"
import { cleanText, countOf } from "./clean.ts"

/** Most of a body that is shown, in bytes: who needs more looks at the file. */
const MAX_BODY = 256 * 1024
const HEX_BYTES = 16

/** A body as clean lines, the first of which says whether it is the one that was signed for. */
export function bodyLines(bytes: Buffer, bound: { sha256: string; size: number; type: string }): string[] {
  const sha256 = createHash("sha256").update(bytes).digest("hex")
  if (sha256 !== bound.sha256) return ["what the gate has is another body than the one that is asked about: deny it"]
  const shown = bytes.subarray(0, MAX_BODY)
  const left = bytes.length - shown.length
  const lines = isText(shown) ? textLines(shown.toString("utf8")) : hexLines(shown)
  return [
    `${countOf(bytes.length, "byte")} of ${cleanText(bound.type || "no stated type", 100)}, as it was sent`,
    ...lines,
    ...(left > 0 ? [`(and ${countOf(left, "more byte")})`] : []),
  ]
}

/** Cut in the middle of a character it is text all the same. */
function isText(bytes: Buffer): boolean {
  for (let end = bytes.length; end > bytes.length - 4 && end >= 0; end--) {
    if (isUtf8(bytes.subarray(0, end)))
      return !/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(bytes.subarray(0, Math.min(end, 4096)).toString("latin1"))
  }
  return false
}

const textLines = (text: string) => text.split(/\r?\n/).map((line) => cleanText(line, 12 * line.length + 40))

function hexLines(bytes: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += HEX_BYTES) {
    const part = bytes.subarray(at, at + HEX_BYTES)
    const hex = part
      .toString("hex")
      .replace(/(..)(?=.)/g, "$1 ")
      .padEnd(HEX_BYTES * 3 - 1)
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex}  ${part.toString("latin1").replace(/[^\x20-\x7e]/g, ".")}`)
  }
  return lines
}
