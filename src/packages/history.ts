// What a package's earlier releases say about one of its versions. Everything goes by publish time, because version
// numbers are the publisher's own choice and a takeover may pick any of them.
import type { Provenance } from "../policy/types.ts"
import type { PackageDocument, ReleaseInfo } from "./types.ts"

const RANK: Record<Provenance, number> = { none: 0, signed: 1, attested: 2, verified: 3 }

/**
 * Accounts that registries show for a release by trusted publishing (OIDC from CI), in lower case. They stand for a
 * workflow that the maintainers configured, not for a person.
 */
const TRUSTED_PUBLISHERS = new Set(["github actions", "gitlab ci/cd", "circleci", "npm-oidc-no-reply"])

/** A publish time that can be one: a positive, finite number of milliseconds. */
export function isTime(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0
}

/** Times of a package's first and newest release up to `now`; a release dated in the future proves no upkeep. */
export function releaseSpan(document: PackageDocument, now: number): { first: number; last: number } | undefined {
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const { published } of document.releases.values()) {
    if (!isTime(published) || published > now) continue
    if (published < first) first = published
    if (published > last) last = published
  }
  return last === 0 ? undefined : { first, last }
}

/** Releases that were published before this one; those without a publish time cannot be placed and are left out. */
export function earlierReleases(document: PackageDocument, release: ReleaseInfo): ReleaseInfo[] {
  if (!isTime(release.published)) return []
  const earlier: ReleaseInfo[] = []
  for (const other of document.releases.values()) {
    if (isTime(other.published) && other.published < release.published) earlier.push(other)
  }
  return earlier
}

/**
 * The best provenance among earlier releases; "none" where there is no earlier release, undefined where a release that
 * states none may have had a better one than those that do. "verified" counts as "attested": it tells what we checked,
 * not what the package had.
 */
export function bestProvenance(earlier: readonly ReleaseInfo[]): Provenance | undefined {
  if (earlier.length === 0) return "none"
  let best: Provenance = "none"
  let unstated = false
  for (const { provenance } of earlier) {
    if (provenance === undefined) unstated = true
    else if (RANK[provenance] > RANK[best]) best = provenance
  }
  if (RANK[best] >= RANK.attested) return "attested"
  return unstated ? undefined : best
}

/** True where `now` is weaker than what the package had before. */
export function isWeakerProvenance(now: Provenance, before: Provenance): boolean {
  return Math.min(RANK[now], RANK.attested) < Math.min(RANK[before], RANK.attested)
}

/**
 * Whether nobody who published an earlier release published this one. A first release changes nothing. A move to trusted
 * publishing is no change where the release is attested (its provenance then says where it came from); without an
 * attestation the account is a new one like any other. Undefined where the accounts are not stated.
 */
export function hasPublisherChanged(release: ReleaseInfo, earlier: readonly ReleaseInfo[]): boolean | undefined {
  if (release.publisher === undefined || release.publisher === "") return undefined
  if (earlier.length === 0) return false
  const publisher = release.publisher.toLowerCase()
  let known = false
  for (const other of earlier) {
    if (other.publisher === undefined || other.publisher === "") continue
    if (other.publisher.toLowerCase() === publisher) return false
    known = true
  }
  if (!known) return undefined
  const attested = release.provenance === "attested" || release.provenance === "verified"
  return !(attested && TRUSTED_PUBLISHERS.has(publisher))
}
