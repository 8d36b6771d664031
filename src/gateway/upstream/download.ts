// One download for all who ask for it: paced by the disk alone, so that no client holds up another, and ended when nobody waits
// for it any more. What breaks off is taken up again where it broke off, where a promised hash will tell whether it fits.
import { askAboutWaivers } from "./ask-waiver.ts"
import type { CacheDirectory, Draft } from "./directory.ts"
import { type Answer, type Exchanger, isFailed } from "./exchange.ts"
import { failed, failedError } from "./failures.ts"
import { type Check, createCheck, type Promised } from "./integrity.ts"
import { isContentType } from "./references.ts"
import { createSpool, DiskError, type Spool } from "./spool.ts"
import {
  type ArtifactRequest,
  IntegrityError,
  TransferError,
  type UpstreamFailure,
  type UpstreamLimits,
} from "./types.ts"

export interface Downloaded {
  /** The file with all of the bytes: to be kept or dropped. Throws where the disk does not take them. */
  store: () => Promise<Draft>
  sha256: string
  /** The promised hash that held, `algorithm-base64`. */
  held: string
}

export interface Download {
  spool: Spool
  contentType?: string
  /** Bytes in all, once the upstream has said so. */
  expected?: number
  /** Why there is nothing to read; set before the spool fails. */
  failure?: UpstreamFailure
  /** Whether the answer has begun. */
  begun: boolean
  /** Resolves when there is a failure, the whole, or enough of it to begin with. */
  ready: Promise<void>
  /** Settles with what is known of the whole, checked artifact, or undefined. Never throws. */
  whole: Promise<Downloaded | undefined>
  cancel: () => void
}

export interface DownloadServices {
  exchanger: Exchanger
  directory: CacheDirectory
  limits: UpstreamLimits
}

interface Receipt {
  request: ArtifactRequest
  promised: Promised | "none"
  download: Download
  check: Check
  signal: AbortSignal
  onBegin: () => void
  onBytes: () => void
}

/** Bytes that nobody gets before they are checked, if they come within `PATIENCE` milliseconds: most artifacts are whole then. */
const HELD = 256 * 1024
const PATIENCE = 1_000

/** Starts one. `onLost`: it failed, or its last reader left while it was under way: nobody may join it any more. */
export function startDownload(
  services: DownloadServices,
  request: ArtifactRequest,
  promised: Promised | "none",
  onLost: () => void,
): Download {
  let draft: Draft | undefined
  const openDraft = async () => {
    draft = await services.directory.draft()
    return draft.handle
  }
  const controller = new AbortController()
  let running = true
  const cancel = () => controller.abort()
  const spool = createSpool(openDraft, () => {
    if (!running) return
    onLost()
    cancel()
  })
  const ready = Promise.withResolvers<void>()
  const download: Download = {
    spool,
    begun: false,
    ready: ready.promise,
    whole: Promise.resolve(undefined),
    cancel,
  }
  const check = createCheck(promised)
  let patience: NodeJS.Timeout | undefined
  const onBegin = () => {
    patience ??= setTimeout(ready.resolve, PATIENCE)
  }
  const onBytes = () => {
    if (spool.released > HELD) ready.resolve()
  }
  download.whole = receive(services, {
    request,
    promised,
    download,
    check,
    signal: controller.signal,
    onBegin,
    onBytes,
  })
    .then((failure): Downloaded | undefined => {
      if (failure === undefined) {
        const { sha256, held } = check.end()
        if (held !== undefined) {
          running = false
          download.expected = spool.size
          spool.finish()
          const store = async () => {
            await spool.store()
            return draft!
          }
          return { store, sha256, held }
        }
      }
      download.failure = failure ?? failed("mismatch", "the artifact is not the one that was promised")
      return undefined
    })
    .catch((error: unknown) => {
      download.failure = failedError(error, services.limits)
      return undefined
    })
    .then(async (result) => {
      running = false
      clearTimeout(patience)
      ready.resolve()
      const { failure } = download
      if (failure === undefined) return result
      onLost()
      spool.fail(failure.kind === "mismatch" ? new IntegrityError(failure.detail) : new TransferError(failure.detail))
      await spool.letGo()
      if (draft !== undefined) await services.directory.drop(draft.path)
      return undefined
    })
  return download
}

/** Fills the spool. Undefined when the upstream has said it was all. */
async function receive(
  { exchanger, limits }: DownloadServices,
  { request, promised, download, check, signal, onBegin, onBytes }: Receipt,
): Promise<UpstreamFailure | undefined> {
  const { spool } = download
  const most = Math.min(request.size ?? limits.artifactBytes, limits.artifactBytes)
  for (let tries = 0; ; tries++) {
    const from = spool.size
    const answer = await exchanger.ask(
      {
        request,
        headers: { "accept-encoding": "identity", ...(from > 0 && { range: `bytes=${from}-` }) },
        statuses: from > 0 ? [200, 206] : [200],
        isArtifact: true,
        total: limits.artifactTotal,
        retries: limits.retries,
        signal,
      },
      async (received) => received,
    )
    if (isFailed(answer))
      return answer.curation === undefined ? answer : askAboutWaivers(exchanger, limits, request, answer)
    const wrong = readHead(answer, request, from, most, download, promised)
    if (wrong !== undefined) {
      answer.body.destroy()
      return wrong
    }
    onBegin()
    try {
      let skip = answer.statusCode === 206 ? 0 : from
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        const bytes = skip > 0 ? chunk.subarray(Math.min(skip, chunk.length)) : chunk
        skip -= chunk.length - bytes.length
        if (spool.size + bytes.length > most)
          return request.size === undefined ? tooLarge(most) : failed("mismatch", WRONG_SIZE)
        check.update(bytes)
        await spool.append(bytes)
        onBytes()
      }
      if (request.size !== undefined && spool.size !== request.size) return failed("mismatch", WRONG_SIZE)
      return undefined
    } catch (error) {
      if (error instanceof DiskError) return failed("unreachable", "the gateway's cache cannot be written to")
      const failure = failedError(error, limits)
      if (signal.aborted || promised === "none" || !failure.retry || tries >= limits.retries) return failure
    }
  }
}

const tooLarge = (most: number) => failed("too-large", `the registry's answer is larger than ${most} bytes`)

const WRONG_SIZE = "the artifact has another size than was promised"

/** Notes what an answer says of its body; a failure where it cannot be the promised one, or not be the rest of it. */
function readHead(
  { statusCode, headers }: Answer,
  request: ArtifactRequest,
  from: number,
  most: number,
  download: Download,
  promised: Promised | "none",
): UpstreamFailure | undefined {
  const encoding = headers["content-encoding"] ?? "identity"
  // Some servers call an archive's own gzip a content encoding: the promised hash tells whether these are its bytes.
  if (encoding !== "identity" && promised === "none")
    return failed("invalid", "the registry answered in an encoding that was not asked for")
  const stated = headers["content-length"]
  const length = typeof stated === "string" && /^\d{1,15}$/.test(stated) ? Number(stated) : undefined
  if (statusCode === 206) {
    const range = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d{1,15}|\*)$/.exec(String(headers["content-range"]))
    if (Number(range?.[1]) !== from)
      return failed("invalid", "the registry answered with another part than was asked for")
  }
  const total = length === undefined ? undefined : statusCode === 206 ? from + length : length
  if (total !== undefined) {
    if (request.size !== undefined && total !== request.size) return failed("mismatch", WRONG_SIZE)
    if (total > most) return tooLarge(most)
    if (download.begun && download.expected !== undefined && download.expected !== total)
      return failed("mismatch", WRONG_SIZE)
    download.expected ??= total
  }
  if (!download.begun) {
    const type = headers["content-type"]
    if (isContentType(type)) download.contentType = type
  }
  download.begun = true
  return undefined
}
