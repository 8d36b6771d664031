// A source on the web: downloaded, within bounds, to a file that is then read like any other.
import { randomUUID } from "node:crypto"
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../../context.ts"
import { EXIT, NanoguardError } from "../../../errors.ts"
import type { InputItem } from "./item.ts"
import { readFileRecords } from "./path.ts"

const MAX_DOWNLOAD_BYTES = 2 * 2 ** 30
const TOTAL_MS = 30 * 60_000
const IDLE_MS = 60_000
const MAX_REDIRECTS = 5

/** The URL as it may be shown: no credentials, no query, which often holds a signature. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

function failed(url: URL, what: string, cause?: unknown): NanoguardError {
  return new NanoguardError(`advisories could not be downloaded from ${shownUrl(url)}: ${what}`, {
    exit: EXIT.environment,
    hint: "the index in use was not changed; try again, or import a downloaded copy with `--from <file>`",
    cause,
  })
}

/** https, or http to this machine itself: what is imported decides what is refused later. */
function checkProtocol(url: URL): void {
  const loopback = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname)
  if (url.protocol === "https:" || (url.protocol === "http:" && loopback)) return
  throw new NanoguardError(`advisories are only fetched over https, not from ${shownUrl(url)}`, { exit: EXIT.usage })
}

/** Follows redirects itself: each hop has to keep to https. */
async function request(ctx: Context, first: URL, signal: AbortSignal): Promise<Response> {
  let url = first
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    checkProtocol(url)
    const response = await ctx.fetch(url.href, { redirect: "manual", signal, headers: { accept: "*/*" } })
    const location = response.headers.get("location")
    if (response.status < 300 || response.status > 399 || location === null) return response
    await response.body?.cancel()
    if (!URL.canParse(location, url.href)) throw failed(url, "a redirect to no address")
    url = new URL(location, url.href)
  }
  throw failed(first, `more than ${MAX_REDIRECTS} redirects`)
}

/** Downloads to `file`; throws where it is larger or takes longer than the bounds. */
async function download(ctx: Context, url: URL, file: string): Promise<void> {
  const abort = new AbortController()
  const total = setTimeout(() => abort.abort(), TOTAL_MS)
  let idle = setTimeout(() => abort.abort(), IDLE_MS)
  const fd = openSync(file, "wx", 0o600)
  try {
    const response = await request(ctx, url, abort.signal)
    if (response.status !== 200 || !response.body) throw failed(url, `it answered ${response.status}`)
    let size = 0
    for await (const chunk of response.body) {
      size += chunk.length
      if (size > MAX_DOWNLOAD_BYTES) throw failed(url, `more than ${MAX_DOWNLOAD_BYTES / 2 ** 30} GiB`)
      clearTimeout(idle)
      idle = setTimeout(() => abort.abort(), IDLE_MS)
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
    }
  } catch (error) {
    if (error instanceof NanoguardError) throw error
    throw failed(url, abort.signal.aborted ? "it took too long" : "the connection failed", error)
  } finally {
    closeSync(fd)
    clearTimeout(total)
    clearTimeout(idle)
  }
}

/** The records behind a URL: a zip archive, NDJSON or JSON. `directory` takes the download; its owner removes it. */
export async function* readUrl(ctx: Context, url: URL, directory: string): AsyncGenerator<InputItem> {
  const file = join(directory, randomUUID())
  await download(ctx, url, file)
  yield* readFileRecords(file, url.pathname.split("/").at(-1) || url.host)
}
