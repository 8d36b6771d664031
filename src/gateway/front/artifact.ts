// The bytes of one version's file: decided with all facts, whatever a listing said, and held to the hash that was promised.
import { Conflict } from "../../store/conflict.ts"
import type { Answer } from "../answer.ts"
import type { FrontRequest, Protocol } from "../types.ts"
import { IntegrityError } from "../upstream/types.ts"
import { decideVersion, isRefused, itemOf, noSuchFile, refuse, refuseUpstream } from "./decide.ts"
import { failed, openFiles } from "./open.ts"
import type { Asked, Front } from "./types.ts"
import { waitForPeople } from "./wait.ts"

type Request = FrontRequest & { kind: "artifact" }

/** Answers a request for bytes: a refusal, 304 where the client has them, or a stream whose last chunk waits for the hash. */
export async function answerArtifact(
  front: Front,
  asked: Asked,
  protocol: Protocol,
  request: Request,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await answerOnce(front, asked, protocol, request)
    } catch (error) {
      // What a person agreed to was used up by another request: it is read again, and decided again.
      if (!(error instanceof Conflict) || tries > 3) throw error
      front.desk.forget(asked.who, front.law().policy)
    }
  }
}

async function answerOnce(
  front: Front,
  asked: Asked,
  protocol: Protocol,
  { name, version, file }: Request,
): Promise<Answer> {
  const law = front.law()
  const { who, ecosystem } = asked
  const opened = await openFiles(front, law, asked, protocol, name, version)
  if (!opened.ok)
    return "answer" in opened ? opened.answer : refuseUpstream(front, law, asked, version, opened.verdict, name)
  const wanted = opened.files.find((one) => one.file === file)
  if (wanted === undefined) return noSuchFile()
  const first = await decideVersion(front, law, asked, opened, version)
  const decided = wanted.metadata ? first : await waitForPeople(front, law, asked, opened, version, first)
  if (isRefused(decided.verdict) && !wanted.metadata) return refuse(front, law, asked, opened, version, decided)

  const { action, evidence, verdict, grants } = decided
  // What only describes a version (PEP 658, Go's .mod) is not consumed, and uses nothing up.
  const isConsumed = !wanted.metadata && !file.endsWith(".metadata")
  const digest = wanted.integrity[0]
  // Side by side with the upstream; nothing of its answer is passed on before the record is durable.
  const recorded = wanted.metadata
    ? front.recorder.listed(who, action.purl, law.policy.hash, { form: "file", file, client: asked.client })
    : front.recorder.decided(who, { action, evidence, verdict }, "released", {
        ...(isConsumed && { item: itemOf(action, digest), grants }),
        detail: { file, client: asked.client },
      })
  const etag = digest === undefined ? undefined : `"${digest}"`
  const headers = { "cache-control": "no-cache", ...(etag !== undefined && { etag }) }
  if (etag !== undefined && asked.etag === etag) {
    await recorded
    if (!wanted.metadata) front.runs.took(who, ecosystem, name, version)
    return { status: 304, headers, body: "" }
  }
  if (asked.raw.method === "HEAD") {
    await recorded
    const length = wanted.size === undefined ? {} : { length: wanted.size }
    return { status: 200, headers: { ...headers, "content-type": wanted.contentType }, body: "", ...length }
  }
  const { base, authorize } = opened
  const request = { url: wanted.url, integrity: wanted.integrity, base, authorize }
  const fetched = front.upstream.artifact(wanted.size === undefined ? request : { ...request, size: wanted.size })
  const [artifact] = await Promise.all([fetched, recorded]).catch(async (error: unknown) => {
    const unread = await fetched
    if (unread.ok) await unread.bytes[Symbol.asyncIterator]().return?.()
    throw error
  })
  if (grants.length > 0) front.desk.forget(who, law.policy)
  const fail = (failure: string) => front.recorder.failed(who, action.purl, law.policy.hash, { file, failure })
  if (!artifact.ok) {
    await fail(artifact.kind === "mismatch" ? "integrity.mismatch" : artifact.kind)
    const answer = failed(law, ecosystem, name, artifact, version)
    return "answer" in answer
      ? { ...answer.answer, recorded: true as const }
      : refuseUpstream(front, law, asked, version, answer.verdict, name)
  }
  // The metadata of a version says which one the client chose: what the correction of its dependencies starts from.
  if (!wanted.metadata) front.runs.took(who, ecosystem, name, version)
  return {
    status: 200,
    headers: { ...headers, "content-type": wanted.contentType },
    body: watch(artifact.bytes, (error) => fail(error instanceof IntegrityError ? "integrity.mismatch" : "broken off")),
    ...(artifact.size !== undefined && { length: artifact.size }),
  }
}

/** The same bytes; what ends them early is told first. */
async function* watch(
  bytes: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => Promise<unknown>,
): AsyncIterable<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    await onError(error)
    throw error
  }
}
