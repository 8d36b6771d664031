// How each part of the evidence is graded for the trust score: docs/trust-score.md explains every step.
import type { PackageFacts, Severity } from "../policy/types.ts"
import { isWeakerProvenance, releaseSpan } from "./history.ts"
import type { PackageDocument } from "./types.ts"

export type FactorName =
  | "package-age"
  | "release-history"
  | "activity"
  | "version-age"
  | "maintainers"
  | "publisher"
  | "provenance"
  | "install-scripts"
  | "license"
  | "standing"
  | "advisories"
  | "name"

const DAY = 86_400_000
const YEAR = 365.25 * DAY
const SEVERITY_RANK: Record<Severity, number> = { low: 1, medium: 2, high: 3, critical: 4 }
const ADVISORY_SHARE = [1, 0.7, 0.4, 0, 0]
/** A share of a factor's points (0-1) with its reason, or undefined where the evidence is missing. */
type Graded = { share: number; why: string } | undefined

/** The grade of the first step that `value` reaches; steps run from the best down and end with one that all reach. */
function gradeBySteps(value: number, steps: readonly (readonly [number, number])[]): number {
  for (const [least, share] of steps) if (value >= least) return share
  return 0
}

function describeAge(milliseconds: number): string {
  const days = Math.max(0, Math.floor(milliseconds / DAY))
  return days < 730 ? `${days} day${days === 1 ? "" : "s"}` : `${Math.floor(milliseconds / YEAR)} years`
}

/** The worst open advisory: 0 none, 1 low ... 4 critical; an advisory without a severity counts as high. */
export function worstAdvisory(facts: PackageFacts): number {
  let worst = 0
  for (const { severity } of facts.advisories ?? []) worst = Math.max(worst, SEVERITY_RANK[severity ?? "high"])
  return worst
}

/** One grader per factor: pure, and undefined where its evidence is missing. */
export const GRADERS: Record<FactorName, (facts: PackageFacts, document: PackageDocument, now: number) => Graded> = {
  "package-age": (_, document, now) => {
    const span = releaseSpan(document, now)
    if (span === undefined) return undefined
    const age = now - span.first
    const share = gradeBySteps(age / DAY, [
      [1095, 1],
      [365, 0.8],
      [180, 0.6],
      [30, 0.3],
    ])
    return { share, why: `first released ${describeAge(age)} ago` }
  },
  "release-history": (_, document) => {
    const count = document.releases.size
    if (count === 0) return undefined
    const share = gradeBySteps(count, [
      [20, 1],
      [10, 0.8],
      [5, 0.5],
      [2, 0.2],
    ])
    return { share, why: `${count} release${count === 1 ? "" : "s"}` }
  },
  activity: (_, document, now) => {
    const span = releaseSpan(document, now)
    if (span === undefined) return undefined
    const idle = now - span.last
    const share = idle <= YEAR ? 1 : idle <= 2 * YEAR ? 0.7 : idle <= 4 * YEAR ? 0.3 : 0
    return { share, why: `last release ${describeAge(idle)} ago` }
  },
  "version-age": ({ published }, _, now) => {
    if (published === undefined) return undefined
    const share = gradeBySteps((now - published) / DAY, [
      [90, 1],
      [30, 0.8],
      [7, 0.5],
      [3, 0.2],
    ])
    return { share, why: `this version published ${describeAge(now - published)} ago` }
  },
  maintainers: (_, { maintainers }) => {
    const count = maintainers.length
    if (count === 0) return undefined
    const share = count >= 3 ? 1 : count === 2 ? 0.8 : 0.5
    return { share, why: `${count} maintainer account${count === 1 ? "" : "s"}` }
  },
  publisher: ({ publisherChanged }) => {
    if (publisherChanged === undefined) return undefined
    return publisherChanged
      ? { share: 0, why: "published by an account that published no earlier version" }
      : { share: 1, why: "published by an account that is not new to it" }
  },
  provenance: ({ provenance, provenanceBefore }) => {
    if (provenance === undefined) return undefined
    // Not knowing what came before counts as what came before being better: only an attested one cannot be weaker.
    const before = provenanceBefore ?? "attested"
    if (isWeakerProvenance(provenance, before)) {
      const than = provenanceBefore === undefined ? "earlier versions not known" : `an earlier version was ${before}`
      return { share: 0, why: `${provenance}, ${than}` }
    }
    const share = { none: 0, signed: 0.3, attested: 0.8, verified: 1 }[provenance]
    return { share, why: provenance }
  },
  "install-scripts": ({ installScripts }) => {
    if (installScripts === undefined) return undefined
    const count = installScripts.length
    return count === 0
      ? { share: 1, why: "runs nothing when installed" }
      : { share: 0, why: `runs ${count} script${count === 1 ? "" : "s"} when installed` }
  },
  license: ({ license }) => {
    if (license === undefined) return undefined
    return license === "" ? { share: 0, why: "no licence stated" } : { share: 1, why: "licence stated" }
  },
  standing: ({ deprecated, yanked }) => {
    if (deprecated || yanked) return { share: 0, why: yanked ? "yanked" : "deprecated" }
    if (deprecated === undefined || yanked === undefined) return undefined
    return { share: 1, why: "neither deprecated nor yanked" }
  },
  advisories: (facts) => {
    if (facts.advisories === undefined || facts.missing?.advisories !== undefined) return undefined
    const count = facts.advisories.length
    const worst = worstAdvisory(facts)
    if (count === 0) return { share: 1, why: "no advisory known for this version" }
    const severity = ["", "low", "medium", "high", "critical"][worst]!
    return {
      share: ADVISORY_SHARE[worst]!,
      why: `${count} open advisor${count === 1 ? "y" : "ies"}, the worst ${severity}`,
    }
  },
  name: ({ lookalike }) => {
    if (lookalike === undefined) return undefined
    return lookalike === null
      ? { share: 1, why: "not mistakable for a well-known name" }
      : { share: 0, why: "may be mistaken for a well-known name" }
  },
}
