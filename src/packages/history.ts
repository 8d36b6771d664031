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

/** A package's releases in the order of their publish times, with what was known at each of them. */
interface Timeline {
  /** Ascending; releases without a publish time cannot be placed and are left out. */
  times: readonly number[]
  /** The best provenance among as many of the first releases as the index says. */
  best: readonly (Provenance | undefined)[]
  /** By account, in lower case: when it first published. */
  accounts: ReadonlyMap<string, number>
}

/** A listing asks about every version of a document: what they have in common is worked out once. */
const timelines = new WeakMap<PackageDocument, Timeline>()

function timelineOf(document: PackageDocument): Timeline {
  let timeline = timelines.get(document)
  if (timeline === undefined) {
    timeline = makeTimeline(document)
    timelines.set(document, timeline)
  }
  return timeline
}

function makeTimeline({ releases }: PackageDocument): Timeline {
  const placed: [time: number, release: ReleaseInfo][] = []
  for (const release of releases.values()) if (isTime(release.published)) placed.push([release.published, release])
  placed.sort((a, b) => a[0] - b[0])
  const best: (Provenance | undefined)[] = ["none"]
  const accounts = new Map<string, number>()
  let highest: Provenance = "none"
  let unstated = false
  for (const [time, { provenance, publisher }] of placed) {
    if (provenance === undefined) unstated = true
    else if (RANK[provenance] > RANK[highest]) highest = provenance
    best.push(RANK[highest] >= RANK.attested ? "attested" : unstated ? undefined : highest)
    const account = publisher?.toLowerCase()
    if (account !== undefined && account !== "" && !accounts.has(account)) accounts.set(account, time)
  }
  return { times: placed.map(([time]) => time), best, accounts }
}

/** How many of ascending times are before `time`. */
function countBefore(times: readonly number[], time: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Times of a package's first and newest release up to `now`; a release dated in the future proves no upkeep. */
export function releaseSpan(document: PackageDocument, now: number): { first: number; last: number } | undefined {
  const { times } = timelineOf(document)
  let count = countBefore(times, now)
  while (times[count] === now) count++
  return count === 0 ? undefined : { first: times[0]!, last: times[count - 1]! }
}

/**
 * The best provenance among the releases that were published before this one; "none" where there is none, undefined where
 * the release has no publish time, or where one that states no provenance may have had a better one than those that do.
 * "verified" counts as "attested": it tells what we checked, not what the package had.
 */
export function provenanceBefore(document: PackageDocument, { published }: ReleaseInfo): Provenance | undefined {
  if (!isTime(published)) return undefined
  const { times, best } = timelineOf(document)
  return best[countBefore(times, published)]
}

/** True where `now` is weaker than what the package had before. */
export function isWeakerProvenance(now: Provenance, before: Provenance): boolean {
  return Math.min(RANK[now], RANK.attested) < Math.min(RANK[before], RANK.attested)
}

/**
 * Whether nobody who published an earlier release published this one. A first release changes nothing. A move to trusted
 * publishing is no change where the release is attested (its provenance then says where it came from); without an
 * attestation the account is a new one like any other. Undefined where the accounts or the time are not stated.
 */
export function hasPublisherChanged(document: PackageDocument, release: ReleaseInfo): boolean | undefined {
  const { published, publisher, provenance } = release
  if (!isTime(published) || publisher === undefined || publisher === "") return undefined
  const { times, accounts } = timelineOf(document)
  if (countBefore(times, published) === 0) return false
  const account = publisher.toLowerCase()
  const since = accounts.get(account)
  if (since !== undefined && since < published) return false
  // The first account of all is the first in the map.
  const [first] = accounts.values()
  if (first === undefined || first >= published) return undefined
  const attested = provenance === "attested" || provenance === "verified"
  return !(attested && TRUSTED_PUBLISHERS.has(account))
}
