// A file or a directory of the user's, whatever it holds.
import { closeSync, openSync, statSync } from "node:fs"
import { opendir } from "node:fs/promises"
import { basename, join } from "node:path"
import { EXIT, NanoguardError } from "../../../errors.ts"
import { readInto } from "../read.ts"
import type { InputItem } from "./item.ts"
import { readText } from "./lines.ts"
import { readZip } from "./zip.ts"

const MAX_DEPTH = 12
const NAMES = /\.(json|ndjson|jsonl|zip|(json|ndjson|jsonl)\.gz)$/i

/** By its first bytes, never by its name: "PK" is a zip archive, 1f 8b gzip (RFC 1952, 2.3.1), else text. */
function kindOf(file: string): "zip" | "gzip" | "text" {
  const fd = openSync(file, "r")
  try {
    const start = readInto(Buffer.alloc(4), 4, fd, 0)
    if (start && (start.readUInt32LE(0) === 0x04034b50 || start.readUInt32LE(0) === 0x06054b50)) return "zip"
    return start?.[0] === 0x1f && start[1] === 0x8b ? "gzip" : "text"
  } finally {
    closeSync(fd)
  }
}

/** The records of one file: zip, NDJSON, JSON, the latter two also gzipped. `label` stands for it in problems. */
export async function* readFileRecords(file: string, label: string): AsyncGenerator<InputItem> {
  const kind = kindOf(file)
  if (kind === "zip") yield* readZip(file, label)
  else yield* readText(file, label, kind === "gzip")
}

/** Symbolic links are not followed: a directory of advisories has none, and one could lead anywhere or round. */
async function* readDirectory(directory: string, label: string, depth: number): AsyncGenerator<InputItem> {
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name)
    const where = label === "" ? entry.name : `${label}/${entry.name}`
    if (entry.isDirectory()) {
      if (entry.name === ".git") continue
      if (depth >= MAX_DEPTH) yield { where, problem: `more than ${MAX_DEPTH} directories deep` }
      else yield* readDirectory(path, where, depth + 1)
    } else if (entry.isFile() && NAMES.test(entry.name)) {
      try {
        yield* readFileRecords(path, where)
      } catch (error) {
        yield { where, problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})` }
      }
    }
  }
}

/** The records of a file or of a directory with everything below it. */
export async function* readPath(path: string): AsyncGenerator<InputItem> {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory() && !stat?.isFile()) {
    throw new NanoguardError("there is no such file or directory to import advisories from", {
      exit: EXIT.usage,
      where: { file: path },
    })
  }
  if (stat.isDirectory()) yield* readDirectory(path, "", 0)
  else yield* readFileRecords(path, basename(path))
}
