// What a model's provider reports that an answer has used, read as the answer streams by.
import { readMediaType } from "./body.ts"
import { tallyOf } from "./tally.ts"
import type { Usage, UsageMeter } from "./types.ts"

const MAX_DOCUMENT = 1024 * 1024
const SERVICES = new Set(["anthropic", "openai", "google", "aws"])

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

/**
 * Server-sent events (HTML, "Parsing an event stream"): lines end in CR, LF or both; the data of an event may be of several lines.
 * Read as Latin-1: what is looked for is ASCII, and a character may come in two pieces.
 */
function meterEvents(tally: Tally): UsageMeter {
  /** The line that has not ended. */
  let rest = ""
  let data: string[] = []
  /** Of the event, so far. */
  let size = 0
  let afterReturn = false

  const endLine = (line: string) => {
    if (line === "") {
      if (data.length > 0) tally.add(data.join("\n"))
      data = []
      size = 0
      return
    }
    size += line.length + 1
    if (size > MAX_DOCUMENT) data = []
    else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5))
  }

  return {
    push: (chunk) => {
      const read = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1")
      if (read === "") return
      const text = afterReturn && read.startsWith("\n") ? read.slice(1) : read
      afterReturn = read.endsWith("\r")
      const lines = text.split(/\r\n|[\r\n]/)
      lines[0] = rest + (lines[0] ?? "")
      rest = lines.pop() ?? ""
      for (const line of lines) endLine(line)
      if (size + rest.length <= MAX_DOCUMENT) return
      // Passed over to its end: the line counts as one, without what it says.
      size = MAX_DOCUMENT + 1
      data = []
      rest = ":"
    },
    end: () => {
      // An answer may be cut off before its last blank line.
      if (rest !== "") endLine(rest)
      endLine("")
      return tally.end()
    },
  }
}
