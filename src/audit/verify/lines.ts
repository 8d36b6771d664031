// A file's lines as bytes, each with its newline, within bounds.
import { createReadStream } from "node:fs"
import { resolve } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"

/** Longest line: a record of 256 KiB, its proof and the openings of everybody it names; a header with 64 checkpoints is shorter. */
const MAX_LINE = 8 * 1024 * 1024

const NEWLINE = 0x0a

/** Reads them; the last has no newline where the file ends without one. Throws `NanoguardError` (usage) where it cannot be read. */
export async function* readLines(cwd: string, file: string): AsyncGenerator<Uint8Array, void> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(resolve(cwd, file), { highWaterMark: 256 * 1024 })) {
      const block: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let start = 0
      for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
        yield block.subarray(start, end + 1)
        start = end + 1
      }
      rest = block.subarray(start)
      if (rest.length > MAX_LINE) break
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === undefined) throw cause
    throw new NanoguardError(`the export cannot be read (${code})`, {
      ...{ exit: EXIT.usage, where: { file }, cause },
      hint: "name a file that `nanoguard audit export` wrote",
    })
  }
  if (rest.length > 0) yield rest
}
