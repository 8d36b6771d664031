// Versions that a package could move to, and whether the policy would let them in.
import type { CompiledPolicy } from "../policy/compiled.ts"
import { decide } from "../policy/decide.ts"
import type { Ecosystem, Effect, PackageFacts, PackageSource } from "../policy/types.ts"
import { isPlainVersion } from "./commands.ts"
import { purlOf } from "./purl.ts"
import type { PackageDocument } from "./types.ts"
import { compareVersions, isPrerelease } from "./versions.ts"

/** More releases than this are not looked at: the nearest ones are among the newest anyway. */
const MAX_RELEASES = 5000

/** Decisions that one correction may take, over all packages that it looks at. */
export interface Budget {
  left: number
}

/** What it takes to put a candidate before the policy. */
export interface Judge {
  policy: CompiledPolicy
  /** Milliseconds since the epoch. */
  now: number
  ecosystem: Ecosystem
  /** Facts about a version as if a lockfile pinned it. */
  factsFor: (name: string, version: string) => PackageFacts
  document: (name: string) => PackageDocument | undefined
  /** Where a package would come from. */
  sourceOf: (name: string) => PackageSource
  budget: Budget
  /** Nothing is locked yet: a resolver takes the newest version in a range, whatever the graph has. */
  fresh?: boolean
}

/**
 * Versions of a package to try, nearest to `current` first: upgrades from the smallest on, then downgrades. Taken from the
 * document, else (offline) from the versions that fix the known advisories. Pre-releases only where `current` is one;
 * nothing that its author withdrew.
 */
export function candidateVersions(judge: Judge, name: string, current: string): string[] {
  const { ecosystem } = judge
  const document = judge.document(name)
  const names = document === undefined ? fixedVersions(judge, name, current) : publishedVersions(document)
  const early = isPrerelease(ecosystem, current)
  const usable = names.filter(
    (version) => isPlainVersion(ecosystem, version) && (early || !isPrerelease(ecosystem, version)),
  )
  const newer: string[] = []
  const older: string[] = []
  for (const version of usable) {
    const order = current === "" ? 1 : compareVersions(ecosystem, version, current)
    if (order > 0) newer.push(version)
    else if (order < 0) older.push(version)
  }
  newer.sort((a, b) => compareVersions(ecosystem, a, b))
  older.sort((a, b) => compareVersions(ecosystem, b, a))
  return [...newer, ...older]
}

function publishedVersions(document: PackageDocument): string[] {
  const versions: string[] = []
  for (const release of document.releases.values())
    if (!release.yanked && !release.deprecated) versions.push(release.version)
  return versions.slice(-MAX_RELEASES)
}

function fixedVersions(judge: Judge, name: string, current: string): string[] {
  const advisories = current === "" ? [] : (judge.factsFor(name, current).advisories ?? [])
  return [...new Set(advisories.flatMap((advisory) => advisory.fixed))].slice(0, MAX_RELEASES)
}

/**
 * What the policy says of a version that is not locked yet: locking it would take over the registry's hash, so that hash
 * is what counts. Undefined once the budget is spent.
 */
export function judgeVersion(judge: Judge, name: string, version: string): Effect | undefined {
  if (judge.budget.left <= 0) return undefined
  judge.budget.left--
  const { ecosystem } = judge
  const { integrity: _, ...facts } = judge.factsFor(name, version)
  const hashed = (judge.document(name)?.releases.get(version)?.integrity?.length ?? 0) > 0
  const evidence = { now: judge.now, facts: hashed ? { ...facts, integrity: "match" as const } : facts }
  const action = {
    kind: "package" as const,
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source: judge.sourceOf(name),
  }
  return decide(judge.policy, action, evidence).effect
}

/** The first of the versions that the policy allows; nothing that it asks about or denies is ever a correction. */
export function firstApproved(judge: Judge, name: string, versions: Iterable<string>): string | undefined {
  for (const version of versions) {
    const effect = judgeVersion(judge, name, version)
    if (effect === undefined) return undefined
    if (effect === "allow") return version
  }
  return undefined
}
