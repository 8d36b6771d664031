// A listing, decided and rendered once for everybody to whom it says the same, for a short while.
import { createHash } from "node:crypto"
import type { ActiveGrant } from "../../approvals/types.ts"
import { compareVersions } from "../../packages/versions.ts"
import type { Verdict } from "../../policy/types.ts"
import { createLru } from "../lru.ts"
import { type Presented, presentVersions } from "../present.ts"
import { blockedPath } from "../refusal.ts"
import type { FrontRequest, Plan, Protocol, Rendered } from "../types.ts"
import { decideListing } from "./decide-listing.ts"
import type { Opened } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

export interface Listing {
  plan: Plan
  versions: readonly string[]
  refused: ReadonlyMap<string, Verdict>
  presented: Presented
  /** What was rendered of it, by form. */
  rendered: Map<string, Rendered & { etag: string }>
}

/** Decisions go by the clock, so none is kept for longer: milliseconds. */
const KEPT = 15_000
/** Bytes, roughly: a version takes some two thousand in a listing that is rendered. */
const MEMORY = 16 * 1024 * 1024
const listings = createLru<Listing>(MEMORY, ({ versions }) => 2_000 * (versions.length + 1))

/** Decides all versions, and how each is shown to this client. */
export async function planListing(
  front: Front,
  law: Law,
  asked: Asked,
  protocol: Protocol,
  opened: Opened,
): Promise<Listing> {
  const { evidence, policy } = law
  const { subject, document, result } = opened
  const { ecosystem, name } = subject
  const now = front.now()
  const grants = await front.desk.grantsFor(asked.who, policy)
  const key = keyOf(law, asked, opened, grants, now)
  const known = listings.get(key)
  if (known !== undefined) return known
  const versions = protocol.versions(document)
  const refused = decideListing({
    ...{ policy, now, ecosystem, versions },
    actionFor: (version) => evidence.actionFor(ecosystem, name, version),
    factsFor: (version) => evidence.listedFacts(subject, result, version),
    grantsFor: (purl) => grants.filter((one) => one.purl === purl).map(({ grant }) => grant),
  })
  const releases = result.ok ? result.document.releases : undefined
  const presented = presentVersions({
    ...{ ecosystem, client: asked.client, versions, refused, tags: protocol.tags(document) },
    deprecated: (version) => Boolean(releases?.get(version)?.deprecated || releases?.get(version)?.yanked),
  })
  const plan: Plan = {
    base: asked.base,
    client: asked.client,
    withheld: presented.withheld,
    replacement: presented.replacement,
    // A version to go back to is the refusal's to recommend, which looks for the nearest one.
    blockedPath: (of, version, file) => {
      const { replacement } = presented
      const isNewer = replacement !== undefined && compareVersions(ecosystem, replacement, version) > 0
      return blockedPath(refused.get(version), isNewer ? replacement : undefined, of, version, file)
    },
  }
  const listing = { plan, versions, refused, presented, rendered: new Map() }
  listings.set(key, listing)
  return listing
}

/** Renders a listing in one form; the entity tag is that of its bytes. */
export function renderListing(
  protocol: Protocol,
  { document }: Opened,
  request: FrontRequest & { kind: "listing" },
  listing: Listing,
) {
  const known = listing.rendered.get(request.form)
  if (known !== undefined) return known
  const rendered = protocol.render(document, request, listing.plan)
  // Bytes, once for all: a text would be copied for every client that is slow to read it.
  const body = Buffer.from(rendered.body)
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`
  const made = { ...rendered, body, etag }
  listing.rendered.set(request.form, made)
  return made
}

function keyOf(
  law: Law,
  { client, base }: Asked,
  { subject }: Opened,
  grants: readonly ActiveGrant[],
  now: number,
): string {
  const { ecosystem, name, id } = subject
  const agreed = grants.map(({ grant, uses }) => `${grant.id}:${uses}`).join()
  return [
    ecosystem,
    name,
    id,
    law.policy.hash,
    client,
    base,
    agreed,
    law.evidence.learnt(subject),
    Math.floor(now / KEPT),
  ].join("\0")
}
