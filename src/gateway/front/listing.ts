// All versions of a package, as policy lets this agent see them.
import { createHash } from "node:crypto"
import type { Verdict } from "../../policy/types.ts"
import type { Answer } from "../answer.ts"
import { createLru } from "../lru.ts"
import { type Presented, presentVersions } from "../present.ts"
import { blockedPath } from "../refusal.ts"
import type { FrontRequest, Plan, Protocol, Rendered } from "../types.ts"
import { answerArtifact } from "./artifact.ts"
import { decideVersion, isRefused, noSuchFile, refuse, refuseUpstream } from "./decide.ts"
import { decideListing } from "./decide-listing.ts"
import { type Opened, openPackage } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** A listing that was rendered once, for everybody to whom it says the same. */
interface Made {
  rendered: Rendered
  etag: string
  refused: ReadonlyMap<string, Verdict>
  presented: Presented
}

const MADE = 32 * 1024 * 1024
const made = createLru<Made>(MADE, ({ rendered }) => rendered.body.length + 2000)
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
  const { plan, refused, presented } = await planListing(front, law, asked, protocol, opened)
  if (request.kind === "release") return answerRelease(front, law, asked, protocol, opened, request, plan)

  const versions = protocol.versions(opened.document)
  if (protocol.refusesListing && versions.length > 0 && presented.replacement === undefined && refused.size > 0) {
    const version = latestOf(protocol, opened, versions)
    const decided = await decideVersion(front, law, asked, opened, version)
    if (isRefused(decided.verdict)) return refuse(front, law, asked, opened, version, decided)
  }
  const { rendered, etag } = render(law, asked, protocol, opened, request, plan, refused, presented)
  front.runs.listed(who, ecosystem, name, refused, presented.replacement)
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

/** Decides all versions, and how each is shown to this client. */
async function planListing(
  front: Front,
  law: Law,
  asked: Asked,
  protocol: Protocol,
  { subject, document, result }: Opened,
) {
  const { ecosystem, name } = subject
  const { evidence, policy } = law
  const versions = protocol.versions(document)
  const grants = await front.desk.grantsFor(asked.who, policy)
  const refused = decideListing({
    policy,
    now: front.now(),
    ecosystem,
    versions,
    actionFor: (version) => evidence.actionFor(ecosystem, name, version),
    factsFor: (version) => evidence.listedFacts(subject, result, version),
    grantsFor: (purl) => grants.filter((one) => one.purl === purl).map(({ grant }) => grant),
  })
  const presented = presentVersions({
    ecosystem,
    client: asked.client,
    versions,
    refused,
    tags: protocol.tags(document),
  })
  const plan: Plan = {
    base: asked.base,
    client: asked.client,
    withheld: presented.withheld,
    replacement: presented.replacement,
    blockedPath: (of, version, file) => blockedPath(refused.get(version), presented.replacement, of, version, file),
  }
  return { plan, refused, presented }
}

function render(
  law: Law,
  asked: Asked,
  protocol: Protocol,
  { subject, document }: Opened,
  request: FrontRequest & { kind: "listing" },
  plan: Plan,
  refused: ReadonlyMap<string, Verdict>,
  presented: Presented,
): Made {
  const shown = createHash("sha256")
  for (const [version, { presentation, verdict }] of presented.withheld)
    shown.update(`${version}\0${presentation}\0${verdict.code}\0`)
  const key = [
    subject.ecosystem,
    subject.name,
    subject.id,
    request.form,
    asked.client,
    asked.base,
    law.policy.hash,
    shown.digest("hex"),
  ].join("\0")
  const known = made.get(key)
  if (known !== undefined) return known
  const rendered = protocol.render(document, request, plan)
  const etag = `"${createHash("sha256").update(rendered.body).digest("base64url")}"`
  const entry = { rendered, etag, refused, presented }
  made.set(key, entry)
  return entry
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
