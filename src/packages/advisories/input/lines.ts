// NDJSON and single JSON values, plain or gzipped, from a file of any size.
import { createReadStream } from "node:fs"
import { createGunzip } from "node:zlib"
import { parseForeignJson } from "../../../foreign-json.ts"
import { type InputItem, MAX_JSON_BYTES, MAX_RECORD_BYTES } from "./item.ts"

const NEWLINE = 10

async function* chunksOf(file: string, gzipped: boolean): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { highWaterMark: 1 << 20 })
  if (!gzipped) {
    yield* raw
    return
  }
  const unzipped = createGunzip({ chunkSize: 256 << 10 })
  raw.on("error", (error) => unzipped.destroy(error))
  try {
    yield* raw.pipe(unzipped)
  } finally {
    raw.destroy()
  }
}

/** Lines as text; a line above the bound is undefined, and skipped without being held. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string | undefined> {
  let pieces: Buffer[] = []
  let size = 0
  const take = (last: Buffer): string | undefined => {
    const line = size + last.length > MAX_RECORD_BYTES ? undefined : Buffer.concat([...pieces, last]).toString()
    pieces = []
    size = 0
    return line
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield take(chunk.subarray(from, end))
      from = end + 1
    }
    size += chunk.length - from
    if (size <= MAX_RECORD_BYTES) pieces.push(chunk.subarray(from))
    else pieces = []
  }
  if (size > 0) yield take(Buffer.alloc(0))
}

function parses(line: string | undefined): boolean {
  if (line === undefined) return true // too long for a line, and so for a record: reported as one
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

/** The records of one JSON value: a list stands for its members. */
function* recordsOf(where: string, text: string): Generator<InputItem> {
  let value: unknown
  try {
    value = parseForeignJson(text)
  } catch {
    yield { where, problem: "not JSON" }
    return
  }
  if (!Array.isArray(value)) yield { where, text }
  else for (const [i, member] of value.entries()) yield { where: `${where}[${i}]`, text: JSON.stringify(member) }
}

/**
 * The records of a text file: one for each line where the first line is JSON by itself, else the whole file as one
 * JSON value. `.ndjson` and `.jsonl` files are always read by line, so that one bad line costs one record.
 */
export async function* readText(file: string, where: string, gzipped: boolean): AsyncGenerator<InputItem> {
  const byName = /\.(ndjson|jsonl)(\.gz)?$/i.test(where)
  let number = 0
  let whole: string[] | undefined
  let size = 0
  try {
    for await (const line of linesOf(chunksOf(file, gzipped))) {
      number++
      if (number === 1 && !byName && !parses(line?.trim() || "!")) whole = []
      if (whole) {
        size += (line?.length ?? MAX_JSON_BYTES) + 1
        if (size > MAX_JSON_BYTES) {
          yield { where, problem: `larger than ${MAX_JSON_BYTES >> 20} MiB` }
          return
        }
        whole.push(line!)
      } else if (line === undefined) {
        yield { where: `${where}:${number}`, problem: `a line longer than ${MAX_RECORD_BYTES >> 20} MiB` }
      } else if (line.trim() !== "") {
        yield { where: `${where}:${number}`, text: line }
      }
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ""
    yield { where, problem: code.startsWith("Z_") ? "damaged gzip data" : `cannot be read (${code})` }
    return
  }
  if (whole) yield* recordsOf(where, whole.join("\n"))
}
