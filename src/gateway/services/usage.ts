// What a model's provider reports that an answer has used, read as the answer streams by.
import { readMediaType } from "./body.ts"
import { tallyOf } from "./tally.ts"
import type { Usage, UsageMeter } from "./types.ts"

const MAX_DOCUMENT = 1024 * 1024
const SERVICES = new Set(["anthropic", "openai", "google"])

/**
 * A meter for the answers of a service with this content-type; undefined where none is reported. It keeps one event, or one document,
 * of 1 MiB at most: what is longer is passed over, and reports nothing.
 */
export function createUsageMeter(service: string, contentType: string): UsageMeter | undefined {
  if (!SERVICES.has(service)) return undefined
  const { type } = readMediaType(contentType)
  const tally = tallyOf()
  if (type === "text/event-stream") return meterEvents(tally)
  return type === "application/json" || type.endsWith("+json") ? meterDocument(tally) : undefined
}

interface Tally {
  add: (json: string) => void
  end: () => Usage
}

function meterDocument(tally: Tally): UsageMeter {
  let chunks: Uint8Array[] = []
  let size = 0
  return {
    push: (chunk) => {
      size += chunk.length
      if (size <= MAX_DOCUMENT) chunks.push(Uint8Array.from(chunk))
      else chunks = []
    },
    end: () => {
      if (size > 0 && size <= MAX_DOCUMENT) tally.add(Buffer.concat(chunks).toString("utf8"))
      chunks = []
      return tally.end()
    },
  }
}

const LF = 0x0a
const CR = 0x0d

/** Server-sent events (HTML, "Parsing an event stream"): lines end in CR, LF or both; the data of an event may be of several lines. */
function meterEvents(tally: Tally): UsageMeter {
  let line: Uint8Array[] = []
  let lineSize = 0
  let data: string[] = []
  let size = 0
  let afterReturn = false

  const keep = (piece: Uint8Array) => {
    lineSize += piece.length
    size += piece.length
    if (size > MAX_DOCUMENT) {
      line = []
      data = []
    } else if (piece.length > 0) line.push(Uint8Array.from(piece))
  }
  const endEvent = () => {
    if (data.length > 0 && size <= MAX_DOCUMENT) tally.add(data.join("\n"))
    data = []
    size = 0
  }
  const endLine = () => {
    const empty = lineSize === 0
    const text = empty || size > MAX_DOCUMENT ? "" : Buffer.concat(line).toString("utf8")
    line = []
    lineSize = 0
    if (empty) endEvent()
    else if (text.startsWith("data:")) data.push(text.slice(text[5] === " " ? 6 : 5))
  }

  return {
    push: (chunk) => {
      let from = 0
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at]
        if (byte === LF && afterReturn) from = at + 1
        else if (byte === LF || byte === CR) {
          keep(chunk.subarray(from, at))
          endLine()
          from = at + 1
        }
        afterReturn = byte === CR
      }
      keep(chunk.subarray(from))
    },
    end: () => {
      // An answer may be cut off before its last blank line.
      if (lineSize > 0) endLine()
      endEvent()
      return tally.end()
    },
  }
}
