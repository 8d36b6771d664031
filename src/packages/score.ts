// The trust score: how much a package's record speaks for one of its versions. docs/trust-score.md explains every number.
import type { Ecosystem, PackageFacts } from "../policy/types.ts"
import { type FactorName, GRADERS, worstAdvisory } from "./factors.ts"
import type { PackageDocument } from "./types.ts"

/** One line of the sum. A ceiling has `of: 0` and negative points: what it takes off the sum of the factors. */
export interface TrustFactor {
  name: string
  points: number
  of: number
  /** From our own templates: numbers and fixed words only. */
  why: string
}

export interface TrustScore {
  /** 0-100: exactly the sum of the factors' points. */
  score: number
  factors: TrustFactor[]
}

/** Points per factor, summing to 100 for each ecosystem; a factor that a registry never states is not in its column. */
const POINTS: Record<Ecosystem, Partial<Record<FactorName, number>>> = {
  npm: {
    "package-age": 12,
    "release-history": 8,
    activity: 8,
    "version-age": 12,
    maintainers: 8,
    publisher: 8,
    provenance: 8,
    "install-scripts": 8,
    license: 4,
    standing: 8,
    advisories: 10,
    name: 6,
  },
  pypi: {
    "package-age": 16,
    "release-history": 10,
    activity: 10,
    "version-age": 16,
    provenance: 12,
    "install-scripts": 8,
    license: 6,
    standing: 8,
    advisories: 10,
    name: 4,
  },
  cargo: {
    "package-age": 16,
    "release-history": 12,
    activity: 12,
    "version-age": 16,
    publisher: 10,
    license: 6,
    standing: 10,
    advisories: 12,
    name: 6,
  },
  golang: {
    "package-age": 20,
    "release-history": 14,
    activity: 14,
    "version-age": 20,
    standing: 12,
    advisories: 14,
    name: 6,
  },
}

/** Share of an ecosystem's points whose evidence must be there for a score to be given. */
const KNOWN_SHARE = 0.6
const ADVISORY_CEILING = [100, 100, 80, 50, 30]

/** The lowest ceiling that the facts set. Missing evidence sets the ceiling that the bad fact would set. */
function findCeiling(facts: PackageFacts): { at: number; why: string } {
  const ceilings: [boolean, number, string][] = [
    [facts.exists === false, 0, "not on the registry"],
    [facts.advisories?.some((advisory) => advisory.kind === "malware") ?? false, 0, "known malware"],
    [facts.lookalike !== null, 30, "look-alike name"],
    [facts.yanked !== false, 40, facts.yanked ? "yanked" : "not known whether yanked"],
    [facts.deprecated !== false, 60, facts.deprecated ? "deprecated" : "not known whether deprecated"],
  ]
  // Advisories that nobody could compare with the version may well be grave.
  const worst = Math.max(worstAdvisory(facts), facts.missing?.advisories === undefined ? 0 : 3)
  ceilings.push([worst > 1, ADVISORY_CEILING[worst]!, "open advisories"])
  let lowest = { at: 100, why: "" }
  for (const [applies, at, why] of ceilings) if (applies && at < lowest.at) lowest = { at, why }
  return lowest
}

/**
 * The trust score of one version with every factor that makes it up, in a fixed order. A factor whose evidence is missing
 * has no points, so missing evidence never raises a score. Undefined, that is, no score, where advisories or
 * look-alike names were not searched or less than 60% of the points have evidence. `now` in milliseconds since the epoch.
 */
export function trustScore(facts: PackageFacts, document: PackageDocument, now: number): TrustScore | undefined {
  if (facts.exists === undefined) return undefined
  if (facts.exists && (facts.advisories === undefined || facts.lookalike === undefined)) return undefined
  const factors: TrustFactor[] = []
  let known = 0
  let sum = 0
  for (const [name, of] of Object.entries(POINTS[document.ecosystem]) as [FactorName, number][]) {
    const graded = GRADERS[name](facts, document, now)
    const points = graded === undefined ? 0 : Math.round(of * graded.share)
    if (graded !== undefined) known += of
    sum += points
    factors.push({ name, points, of, why: graded?.why ?? "evidence missing" })
  }
  const ceiling = findCeiling(facts)
  if (known < KNOWN_SHARE * 100 && ceiling.at > 0) return undefined
  if (sum > ceiling.at) {
    factors.push({ name: "ceiling", points: ceiling.at - sum, of: 0, why: `at most ${ceiling.at}: ${ceiling.why}` })
    sum = ceiling.at
  }
  return { score: sum, factors }
}
