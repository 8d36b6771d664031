// The findings of one lockfile, one after the other: each fix is tried in the copy, vetted, and kept or taken back.
import type { VetEntry } from "../vet.ts"
import { carryOut, type Workshop } from "./carryOut.ts"
import { findingOf, findingsIn, isGone, newFindings } from "./check.ts"
import { restoreSnapshot, takeSnapshot } from "./copy.ts"
import { type FixStep, Unfixable } from "./types.ts"

export interface Tools {
  /** Vets the lockfile as it is in the copy, with corrections. */
  vet: () => Promise<VetEntry[]>
}

/** Findings of one lockfile that are tried; each takes a run of its package manager. */
const MAX_TRIED = 60
/** Further steps that one step may call for, because what it brings in has to be moved too. */
const MAX_FOLLOWING = 6

interface Settled {
  entries: VetEntry[]
  /** The findings whose moves were made, the first one and those that followed from it. */
  made: VetEntry[]
}

/** Fixes what can be fixed and says of every finding what became of it. Missing evidence is not a finding to fix. */
export async function fixLockfile(
  workshop: Workshop,
  vetted: readonly VetEntry[],
  tools: Tools,
): Promise<{ steps: FixStep[]; lacking: Set<string> }> {
  let entries = [...vetted]
  const steps: FixStep[] = []
  const reasons = new Map<string, string>()
  const lacking = new Set<string>()
  const tried = new Set<string>()
  for (let next = nextFinding(entries, tried); next !== undefined; next = nextFinding(entries, tried)) {
    tried.add(keyOf(next))
    if (tried.size > MAX_TRIED) {
      reasons.set(findingOf(next), `more than ${MAX_TRIED} findings: run it again`)
      break
    }
    const snapshot = takeSnapshot(workshop.copy)
    try {
      const settled = await settle(workshop, entries, next, tools)
      steps.push(...fixedBy(settled.made, entries, settled.entries))
      entries = settled.entries
    } catch (error) {
      if (!(error instanceof Unfixable)) throw error
      restoreSnapshot(workshop.copy, snapshot)
      reasons.set(findingOf(next), error.message)
      if (error.lacks !== undefined) {
        lacking.add(error.lacks)
        for (const entry of findingsIn(entries))
          if (!reasons.has(findingOf(entry))) reasons.set(findingOf(entry), error.message)
        break
      }
    }
  }
  const left = findingsIn(entries).filter(({ verdict }) => verdict.code !== "evidence.missing")
  const seen = new Set<string>()
  for (const entry of left) {
    if (seen.has(findingOf(entry))) continue
    seen.add(findingOf(entry))
    steps.push({
      ...stepOf(entry, entry),
      outcome: "not-fixed",
      why: reasons.get(findingOf(entry)) ?? reasonFor(entry),
    })
  }
  return { steps, lacking }
}

/** Makes the moves for one finding and, while they bring new findings in, for those; throws `Unfixable` where that fails. */
async function settle(workshop: Workshop, before: VetEntry[], finding: VetEntry, tools: Tools): Promise<Settled> {
  const made: VetEntry[] = []
  let next = finding
  for (;;) {
    const { lockfile, dependency, correction } = next
    await carryOut(workshop, { lockfile, dependency, moves: correction!.moves, hashes: correction!.hashes })
    made.push(next)
    const entries = await tools.vet()
    if (!isGone(finding, before, entries)) throw new Unfixable("the finding is still there afterwards")
    const fresh = newFindings(before, entries)
    if (fresh.length === 0) return { entries, made }
    const fixable = fresh.find(
      (entry) => entry.correction !== undefined && !made.some((done) => keyOf(done) === keyOf(entry)),
    )
    if (fixable === undefined || made.length > MAX_FOLLOWING) {
      const { dependency, verdict } = fresh[0]!
      throw new Unfixable(`it would bring in ${dependency.purl}: ${verdict.code}`)
    }
    next = fixable
  }
}

function nextFinding(entries: readonly VetEntry[], tried: ReadonlySet<string>): VetEntry | undefined {
  const open = findingsIn([...entries]).filter((entry) => entry.correction !== undefined && !tried.has(keyOf(entry)))
  return open.find(({ verdict }) => verdict.effect === "deny") ?? open[0]
}

/** A finding with the moves that are meant to fix it: other moves may be tried where the tree has changed since. */
function keyOf(entry: VetEntry): string {
  return findingOf(entry) + JSON.stringify(entry.correction?.moves)
}

/** One line for each finding that a settled step took away. */
function fixedBy(made: readonly VetEntry[], before: VetEntry[], after: VetEntry[]): FixStep[] {
  const left = new Set(findingsIn(after).map(findingOf))
  const steps = new Map<string, FixStep>()
  const add = (entry: VetEntry, by: VetEntry) => {
    const { target, ...step } = stepOf(entry, by)
    const locked = target === undefined ? undefined : (lockedNow(target, after) ?? target)
    steps.set(findingOf(entry), { ...step, ...(locked !== undefined && { target: locked }), outcome: "fixed" })
  }
  for (const entry of made) add(entry, entry)
  for (const entry of findingsIn(before)) {
    const key = findingOf(entry)
    if (left.has(key) || steps.has(key) || entry.verdict.code === "evidence.missing") continue
    add(entry, made[0]!)
  }
  return [...steps.values()]
}

/** The target, or the version that a manager took in its place: allowed like it, or the step would not stand. */
function lockedNow(target: string, after: readonly VetEntry[]): string | undefined {
  const name = (purl: string) => purl.slice(0, purl.lastIndexOf("@"))
  const locked = after.map(({ dependency }) => dependency.purl).filter((purl) => name(purl) === name(target))
  return locked.includes(target) ? target : locked.at(-1)
}

function stepOf(finding: VetEntry, by: VetEntry): Omit<FixStep, "outcome"> {
  const { lockfile, dependency, verdict } = finding
  const { action, target, command } = by.verdict.correction ?? { action: "none" as const }
  return {
    lockfile: lockfile.path,
    purl: dependency.purl,
    code: verdict.code,
    action,
    ...(target !== undefined && action !== "remove" && action !== "request-approval" && { target }),
    ...(command !== undefined && { command }),
  }
}

function reasonFor({ verdict, dependency }: VetEntry): string {
  switch (verdict.correction?.action) {
    case undefined:
      return "no correction is known"
    case "request-approval":
      return "it needs an approval or an exception"
    case "remove":
      return dependency.direct
        ? "no other version is known here: it may have to be removed"
        : "no version is allowed, and other packages want it"
    case "replace":
      return "other packages want it, so it cannot be replaced from here"
    default:
      return "its name or version does not fit a command"
  }
}
