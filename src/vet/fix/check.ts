// Whether a step made things better: by the same policy, with the same evidence, and never by the manager's word.
import type { VetResult } from "../vet.ts"

type Entries = VetResult["entries"]
type Entry = Entries[number]

/** Findings: what a policy in force does not allow. Observed ones are shown by vet and left alone here. */
export function findingsIn(entries: Entries): Entry[] {
  return entries.filter(({ verdict }) => verdict.effect !== "allow" && verdict.mode !== "observe")
}

/** What is the same problem before and after a move: a package by name in one lockfile, refused or asked about for one reason. */
function problemOf({ lockfile, dependency, verdict }: Entry): string {
  return JSON.stringify([lockfile.path, dependency.ecosystem, dependency.name, verdict.code])
}

/** The same finding of the same version. */
export function findingOf({ lockfile, dependency, verdict }: Entry): string {
  return JSON.stringify([lockfile.path, dependency.purl, verdict.code])
}

/** Findings that were not there before: more of one problem than there was of it, or a stricter one. */
export function newFindings(before: Entries, after: Entries): Entry[] {
  const left = new Map<string, number>()
  for (const entry of findingsIn(before)) {
    const key = problemOf(entry)
    left.set(key, (left.get(key) ?? 0) + 1)
  }
  const known = new Set(findingsIn(before).map(findingOf))
  const found: Entry[] = []
  const rest: Entry[] = []
  for (const entry of findingsIn(after)) {
    if (!known.has(findingOf(entry))) rest.push(entry)
    else left.set(problemOf(entry), (left.get(problemOf(entry)) ?? 0) - 1)
  }
  for (const entry of rest) {
    const count = left.get(problemOf(entry)) ?? 0
    if (count > 0) left.set(problemOf(entry), count - 1)
    else found.push(entry)
  }
  return found
}

/** Whether a finding is gone, and not merely moved to another version of the package. */
export function isGone(finding: Entry, before: Entries, after: Entries): boolean {
  const key = findingOf(finding)
  const problem = problemOf(finding)
  const count = (entries: Entries) => findingsIn(entries).filter((entry) => problemOf(entry) === problem).length
  return !findingsIn(after).some((entry) => findingOf(entry) === key) && count(after) < count(before)
}
