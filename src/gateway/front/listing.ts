// All versions of a package, as policy lets this agent see them.
import type { Verdict } from "../../policy/types.ts"
import type { Answer } from "../answer.ts"
import type { FrontRequest, Plan, Protocol } from "../types.ts"
import { answerArtifact } from "./artifact.ts"
import { decideVersion, isRefused, noSuchFile, refuse, refuseUpstream } from "./decide.ts"
import { type Opened, openPackage } from "./open.ts"
import { planListing, renderListing } from "./plan.ts"
import type { Asked, Front, Law } from "./types.ts"

const SHOWN = 20

/** Answers a request for metadata: of all versions, or of one out of the same document. */
export async function answerListing(
  front: Front,
  asked: Asked,
  protocol: Protocol,
  request: FrontRequest & { kind: "listing" | "release" },
): Promise<Answer> {
  const law = front.law()
  const { who, ecosystem } = asked
  const { name } = request
  const opened = await openPackage(front, law, asked, protocol, name)
  if (!opened.ok)
    return "answer" in opened ? opened.answer : refuseUpstream(front, law, asked, "", opened.verdict, name)
  const listing = await planListing(front, law, asked, protocol, opened)
  const { versions, refused, presented } = listing
  if (request.kind === "release") return answerRelease(front, law, asked, protocol, opened, request, listing.plan)

  if (protocol.refusesListing && versions.length > 0 && presented.replacement === undefined && refused.size > 0) {
    const version = latestOf(protocol, opened, versions)
    const decided = await decideVersion(front, law, asked, opened, version)
    if (isRefused(decided.verdict)) return refuse(front, law, asked, opened, version, decided)
  }
  const { etag, ...rendered } = renderListing(protocol, opened, request, listing)
  const use = presented.replacement
  const { latest } = protocol.tags(opened.document)
  front.runs.listed(who, {
    ecosystem,
    name,
    client: asked.client,
    refused,
    ...(use !== undefined && { use }),
    ...(latest !== undefined && { latest }),
  })
  await front.recorder.listed(who, `pkg:${ecosystem}/${name}`, law.policy.hash, {
    form: request.form,
    client: asked.client,
    versions: versions.length,
    refused: refused.size,
    ...(refused.size > 0 && { withheld: summary(refused) }),
  })
  const headers = { "content-type": rendered.contentType, "cache-control": "no-cache", etag, ...rendered.headers }
  if (asked.etag === etag) return { status: 304, headers, body: "" }
  return { status: 200, headers, body: rendered.body }
}

/** One version's metadata. A tag is read as the listing shows it. */
async function answerRelease(
  front: Front,
  law: Law,
  asked: Asked,
  protocol: Protocol,
  opened: Opened,
  request: FrontRequest & { kind: "release" },
  plan: Plan,
): Promise<Answer> {
  const tags = protocol.tags(opened.document)
  const tagged = Object.hasOwn(tags, request.version) ? tags[request.version]! : request.version
  const version = plan.withheld.has(tagged) && tagged !== request.version ? (plan.replacement ?? tagged) : tagged
  if (!protocol.versions(opened.document).includes(version)) return noSuchFile()
  const file = protocol.releaseFile?.(version)
  if (file !== undefined)
    return answerArtifact(front, asked, protocol, { kind: "artifact", name: request.name, version, file })
  if (protocol.renderRelease === undefined) return noSuchFile()
  const decided = await decideVersion(front, law, asked, opened, version)
  if (isRefused(decided.verdict)) return refuse(front, law, asked, opened, version, decided)
  await front.recorder.listed(asked.who, decided.action.purl, law.policy.hash, {
    form: request.form,
    client: asked.client,
  })
  const rendered = protocol.renderRelease(opened.document, request, version, plan)
  return {
    status: 200,
    headers: { "content-type": rendered.contentType, "cache-control": "no-cache", ...rendered.headers },
    body: rendered.body,
  }
}

function latestOf(protocol: Protocol, { document }: Opened, versions: readonly string[]): string {
  const latest = protocol.tags(document)["latest"]
  return latest !== undefined && versions.includes(latest) ? latest : versions.at(-1)!
}

/** For the record: what was held back and why, shortened. */
function summary(refused: ReadonlyMap<string, Verdict>): string[] {
  const lines = [...refused].slice(-SHOWN).map(([version, { code }]) => `${version} ${code}`)
  return refused.size > SHOWN ? [...lines, `and ${refused.size - SHOWN} more`] : lines
}
