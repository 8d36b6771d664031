// An upstream's document of one package, and everything a request needs to go by it.
import type { DocumentResult } from "../../packages/types.ts"
import type { Verdict } from "../../policy/types.ts"
import { type Answer, errorAnswer, unavailableAnswer } from "../answer.ts"
import type { Subject } from "../evidence.ts"
import { createLru } from "../lru.ts"
import { ListingError, type Protocol, type UpstreamFile } from "../types.ts"
import type { UpstreamFailure } from "../upstream/types.ts"
import { curationVerdict } from "./curation-verdict.ts"
import { shelfOf, shelve } from "./shelf.ts"
import type { Asked, Front, Law } from "./types.ts"

/** A package as decisions need it. */
export interface Known {
  ok: true
  subject: Subject
  result: DocumentResult
  /** The upstream's base address, and the credential for exactly one address. */
  base: string
  authorize: (url: URL) => string | undefined
}

export interface Opened extends Known {
  /** As the protocol parsed it. */
  document: unknown
  /** Body of the further document that the protocol's addresses depend on. */
  prepared?: Buffer
}

/** No document: the answer that says so, or a verdict where the upstream itself refused. */
export type NotOpened = { ok: false; answer: Answer } | { ok: false; verdict: Verdict }

/** Bytes of upstream documents that are kept parsed; as objects they take some four times that. */
const PARSED = 12 * 1024 * 1024
const parsed = createLru<{ id: string; document: unknown; size: number }>(PARSED, ({ size }) => size + 1000)

/** Fetches, parses and keeps the document of a package from the one upstream that may answer for it. */
export async function openPackage(
  front: Front,
  law: Law,
  asked: Asked,
  protocol: Protocol,
  name: string,
): Promise<Opened | NotOpened> {
  const { ecosystem } = asked
  const upstream = law.evidence.upstreamOf(ecosystem, name)
  if (upstream === undefined) return { ok: false, answer: errorAnswer(404, "no registry may answer for this name") }
  const { base, own, authorize } = upstream
  const { url, accept } = protocol.source(name, base, own)
  const further = protocol.prepare?.(base)
  const [metadata, prepared] = await Promise.all([
    front.upstream.metadata({ url, accept, authorize }),
    further && front.upstream.metadata({ ...further, authorize }),
  ])
  if (!metadata.ok) return failed(law, ecosystem, name, metadata)
  if (prepared?.ok === false) return failed(law, ecosystem, name, prepared)
  const key = `${ecosystem}\0${name}\0${base}`
  let kept = parsed.get(key)
  if (kept?.id !== metadata.id) {
    try {
      kept = { id: metadata.id, document: protocol.parse(metadata.body, name, url), size: metadata.body.length }
    } catch (error) {
      if (!(error instanceof ListingError)) throw error
      return { ok: false, answer: unusable(error.message) }
    }
    parsed.set(key, kept)
  }
  const { document } = kept
  const subject = { ecosystem, name: protocol.nameOf?.(document) ?? name, id: metadata.id }
  shelve(key, protocol, { document, name: subject.name, id: metadata.id, base, ...(prepared && { prepared }) })
  const result = await law.evidence.document(subject, () => protocol.facts?.(document, metadata.fetchedAt))
  return { ok: true, subject, document, result, base, authorize, ...(prepared && { prepared: prepared.body }) }
}

/** The same for the files of one version alone: without its document, where what they depend on is known to be as it was. */
export async function openFiles(
  front: Front,
  law: Law,
  asked: Asked,
  protocol: Protocol,
  name: string,
  version: string,
): Promise<(Known & { files: readonly UpstreamFile[] }) | NotOpened> {
  const { ecosystem } = asked
  const upstream = law.evidence.upstreamOf(ecosystem, name)
  if (upstream !== undefined) {
    const { base, own, authorize } = upstream
    const further = protocol.prepare?.(base)
    const id = front.upstream.fresh(protocol.source(name, base, own))
    const prepared = further && front.upstream.fresh(further)
    const shelf = id === undefined ? undefined : shelfOf(`${ecosystem}\0${name}\0${base}`, id, prepared)
    const files = shelf?.files.get(version)
    if (shelf !== undefined && files !== undefined) {
      const subject = { ecosystem, name: shelf.name, id: shelf.id }
      return { ok: true, subject, result: await law.evidence.document(subject), base, authorize, files }
    }
  }
  const opened = await openPackage(front, law, asked, protocol, name)
  return opened.ok ? { ...opened, files: filesOf(protocol, opened, version) } : opened
}

/** Files of a version; none where what their addresses depend on is not what it should be. */
export function filesOf(
  protocol: Protocol,
  { document, base, prepared }: Opened,
  version: string,
): readonly UpstreamFile[] {
  try {
    return protocol.files(document, version, base, prepared)
  } catch (error) {
    if (error instanceof ListingError) return []
    throw error
  }
}

/** What an upstream's failure means to the client: gone is gone, a refusal is a refusal, the rest is not the client's fault. */
export function failed(
  law: Law,
  ecosystem: Asked["ecosystem"],
  name: string,
  failure: UpstreamFailure,
  version = "",
): NotOpened {
  const { kind, detail, curation } = failure
  if (curation !== undefined) return { ok: false, verdict: curationVerdict(law, ecosystem, name, version, curation) }
  if (kind === "not-found") return { ok: false, answer: errorAnswer(404, "the registry has no such package") }
  if (kind === "offline")
    return { ok: false, answer: errorAnswer(504, "not at hand, and this gateway serves offline only") }
  if (kind === "unreachable") return { ok: false, answer: unavailableAnswer(`the upstream cannot be asked: ${detail}`) }
  if (kind === "refused") return { ok: false, answer: errorAnswer(403, `the upstream refuses this: ${detail}`) }
  if (kind === "mismatch") return { ok: false, answer: errorAnswer(403, `integrity.mismatch: ${detail}`) }
  return { ok: false, answer: unusable(detail) }
}

/** The upstream said what cannot be taken for an answer. 403, because clients repeat a 502 for more than a minute, and it stays so. */
const unusable = (detail: string) => errorAnswer(403, `the upstream's answer cannot be used: ${detail}`)
