// multipart/form-data (RFC 7578), by @fastify/busboy; what other readers would take apart differently is not read.
import type { Unread } from "../../policy/types.ts"
import type { Body } from "./body.ts"

export interface FormPart {
  name: string
  /** "" for a file. */
  value: string
  file?: { name: string; type: string; bytes: Buffer }
}

export type FormRead = { parts: readonly FormPart[] } | { unread: Unread }

const LIMITS = { fieldNameSize: 1000, fieldSize: 1024 * 1024, parts: 1000, headerPairs: 20, headerSize: 8192 }

const known = new WeakMap<Body, Promise<FormRead>>()

/**
 * The parts of a form in their order. `ambiguous`: a part in a charset or transfer encoding of its own, with two names or an extended
 * one (RFC 5987), or without one, a file whose name is empty, and what stands before, behind or between the parts.
 */
export function readMultipart(body: Body): Promise<FormRead> {
  let read = known.get(body)
  if (!read) {
    read = readParts(body)
    known.set(body, read)
  }
  return read
}

async function readParts(body: Body): Promise<FormRead> {
  const boundary = body.media.parameters["boundary"]
  if (!boundary || boundary.length > 70) return { unread: "malformed" }
  const doubt = doubtful(body.bytes, boundary)
  if (doubt) return { unread: doubt }
  const { Busboy } = await import("@fastify/busboy")
  const parts: FormPart[] = []
  return new Promise((resolve) => {
    let unread: Unread | undefined
    const fail = (why: Unread) => {
      unread ??= why
    }
    try {
      const parser = new Busboy({
        headers: { "content-type": `multipart/form-data; boundary="${boundary}"` },
        limits: LIMITS,
        preservePath: true,
      })
      parser.on("field", (name, value, nameCut, valueCut) => {
        if (name === undefined) fail("ambiguous")
        else if (nameCut || valueCut) fail("too-large")
        else parts.push({ name, value })
      })
      parser.on("file", (name, stream, filename, _encoding, type) => {
        const chunks: Buffer[] = []
        if (name === undefined || filename === undefined || filename === "") fail("ambiguous")
        const part: FormPart = {
          name: name ?? "",
          value: "",
          file: { name: filename ?? "", type, bytes: Buffer.alloc(0) },
        }
        parts.push(part)
        stream.on("data", (chunk: Buffer) => chunks.push(chunk))
        stream.on("error", () => fail("malformed"))
        stream.on("end", () => {
          if (part.file) part.file.bytes = Buffer.concat(chunks)
        })
      })
      parser.on("partsLimit", () => fail("too-large"))
      parser.on("error", () => resolve({ unread: "malformed" }))
      parser.on("finish", () => resolve(unread ? { unread } : { parts }))
      parser.end(body.bytes)
    } catch {
      resolve({ unread: "malformed" })
    }
  })
}

/** The heads of the parts, looked at as text before the parser drops what it does not use. */
function doubtful(bytes: Buffer, boundary: string): Unread | undefined {
  const text = bytes.toString("latin1")
  const mark = `--${boundary}`
  if (!text.startsWith(`${mark}\r\n`)) return "ambiguous"
  const pieces = text.split(`\r\n${mark}`)
  const last = pieces.pop()
  if (pieces.length === 0 || pieces.length > LIMITS.parts || !/^--(\r\n)?$/.test(last ?? "")) return "malformed"
  for (const [index, piece] of pieces.entries()) {
    const part = index === 0 ? piece.slice(mark.length) : piece
    const end = part.indexOf("\r\n\r\n")
    if (!part.startsWith("\r\n") || end < 0 || end > LIMITS.headerSize) return "malformed"
    const head = part.slice(2, end)
    if (!isPlainHead(head)) return "ambiguous"
  }
  return undefined
}

function isPlainHead(head: string): boolean {
  const seen = new Set<string>()
  for (const line of head.split("\r\n")) {
    const [, name, value] = /^([A-Za-z-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? []
    const key = name?.toLowerCase()
    if (key === undefined || value === undefined || seen.has(key)) return false
    seen.add(key)
    if (key === "content-transfer-encoding" && !/^(7bit|8bit|binary)$/i.test(value.trim())) return false
    if (key === "content-type" && /charset/i.test(value) && !/charset="?utf-?8"?\s*(;|$)/i.test(value)) return false
    if (key === "content-disposition" && !DISPOSITION.test(value)) return false
  }
  return seen.has("content-disposition")
}

/** One name, then at most one file name, each in quotes; an escaped quote only as browsers write it (%22). */
const DISPOSITION = /^form-data;[ \t]*name="[^"\\]*"(;[ \t]*filename="[^"\\]*")?[ \t]*$/i
