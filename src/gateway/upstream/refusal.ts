// What an upstream says when it refuses: read within bounds, so that a refusal of JFrog Curation can be told from a missing right.
import { readCuration } from "./curation.ts"
import type { Answer } from "./exchange.ts"
import { type Failed, failedStatus } from "./failures.ts"

const MOST = 64 * 1024

/** The failure that a 401 or a 403 is, with what Curation said of it if it was that. */
export async function readRefusal({ statusCode: status, headers, body }: Answer): Promise<Failed> {
  const text = await readText(body)
  const curation = status === 403 ? readCuration({ body: text, notice: headers["npm-notice"] }) : undefined
  const failure = failedStatus(status, undefined)
  if (curation === undefined) return failure
  const detail = curation.pending ? "JFrog Curation has not decided about it yet" : "JFrog Curation blocks it"
  return { ...failure, detail, curation }
}

/** The first 64 KiB of a body as text; what comes after them, or breaks off, is left. */
export async function readText(body: Answer["body"]): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= MOST) break
    }
  } catch {
    // What was read so far is what there is.
  }
  return Buffer.concat(chunks).subarray(0, MOST).toString("utf8")
}
