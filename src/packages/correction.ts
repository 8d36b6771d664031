// The way out of a refusal: the nearest state that the same policy allows, and the command that gets there.
// docs/corrections.md has the order in which ways are tried and what each was checked against.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Correction, Ecosystem, Evidence, PackageFacts, PackageSource, Verdict } from "../policy/types.ts"
import { candidateVersions, firstApproved, type Judge, judgeVersion } from "./candidates.ts"
import { canMove, isPlainName, isPlainVersion, type Move, managerOf, showCommands } from "./commands.ts"
import { writeException } from "./exception.ts"
import { commandWithoutGate, isGateSource } from "./lockfiles/gate-addresses.ts"
import { findParentUpgrade } from "./parentUpgrade.ts"
import { parsePurl, purlOf } from "./purl.ts"
import { suitsAll, type Wish, wishesFor } from "./ranges.ts"
import type { Dependency, Lockfile, PackageDocument } from "./types.ts"
import { compareVersions } from "./versions.ts"

export interface CorrectionInput {
  policy: CompiledPolicy
  /** Milliseconds since the epoch. */
  now: number
  lockfile: Lockfile
  dependency: Dependency
  verdict: Verdict
  /** The registry's document of a package of the same ecosystem; undefined where none is at hand, as offline. */
  document: (name: string) => PackageDocument | undefined
  /** Facts about any version of any package of the same ecosystem, as if a lockfile pinned it. */
  factsFor: (name: string, version: string) => PackageFacts
  /** Goes back to older parents too, before a version is forced: for managers that have no command to force one. */
  olderParents?: boolean
  /** The graph is of what would be installed, and no lockfile holds it. */
  fresh?: boolean
}

export interface CorrectionResult {
  correction: Correction
  /** What the correction was checked against. */
  checked: Evidence[]
  /** The same as data; absent where a name or version is not fit for a command, and for `request-approval`. */
  moves?: Move[]
  /** For `request-approval`: the smallest exception that would let it in, as a line of YAML. */
  exception?: string
}

/** Decisions and so facts that one correction may ask for. */
const MAX_DECISIONS = 400
/** Codes that every version of the package would get: looking for another version is idle. */
const NAME_CODES: ReadonlySet<string> = new Set(["name.lookalike", "source.unverified"])
/** Asked about for what one version is or lacks: another version may be allowed, and then nobody has to be asked. */
const VERSION_CODES =
  /^(vulnerability|release|license|provenance)\.|^(publisher\.changed|trust\.score|package\.approval)$/
const ECOSYSTEMS: ReadonlySet<string> = new Set<Ecosystem>(["npm", "pypi", "cargo", "golang"])

/**
 * The correction for a package that the policy denies or asks about; undefined for one that it allows and where nothing
 * can be said. What it recommends to install was put before the same policy and allowed. Pure, deterministic, and
 * bounded in work.
 */
export function correct(input: CorrectionInput): CorrectionResult | undefined {
  const { verdict, dependency, policy, now } = input
  if (verdict.effect === "allow" || !ECOSYSTEMS.has(dependency.ecosystem)) return undefined
  if (verdict.code === "source.unverified" && isGateSource(dependency.source)) return writeAnew(input)
  const judge: Judge = {
    policy,
    now,
    ecosystem: dependency.ecosystem as Ecosystem,
    factsFor: input.factsFor,
    document: input.document,
    sourceOf: (name) => registryOf(input.lockfile, dependency, name),
    budget: { left: MAX_DECISIONS },
    fresh: input.fresh === true,
  }
  if (verdict.effect === "ask") {
    const movable = VERSION_CODES.test(verdict.code) && dependency.source.kind === "registry"
    return (movable ? moveVersion(input, judge) : undefined) ?? requestApproval(input)
  }
  return (
    (NAME_CODES.has(verdict.code) || dependency.source.kind !== "registry" ? undefined : moveVersion(input, judge)) ??
    replaceName(input, judge) ??
    removePackage(input)
  )
}

/** The registry that the lockfile has a package from; what is not in it would come from the default one. */
function registryOf(lockfile: Lockfile, dependency: Dependency, name: string): PackageSource {
  const isIt = (entry: Dependency) => entry.name === name && entry.source.kind === "registry"
  const locked = isIt(dependency) ? dependency : lockfile.dependencies.find(isIt)
  return locked?.source ?? { kind: "registry", origin: "default" }
}

/** The package is not the trouble, its address is a gate's: the same version, locked anew. */
function writeAnew({ lockfile, dependency }: CorrectionInput): CorrectionResult | undefined {
  const command = commandWithoutGate(lockfile)
  if (command === undefined) return undefined
  return { correction: { action: "replace", target: dependency.purl, command }, checked: [] }
}

/** Ways a to c: inside the parents' ranges, by a newer parent, by an override. */
function moveVersion(input: CorrectionInput, judge: Judge): CorrectionResult | undefined {
  const { lockfile, dependency } = input
  const { name, version } = dependency
  const wishes = wishesFor(lockfile, dependency, judge.document)
  const hard = wishes.filter((wish) => wish.parent !== undefined)
  const candidates = candidateVersions(judge, name, version)
  const result = (way: string, move: Move & { version: string }) =>
    report(input, judge, way, { name, from: version, to: move.version }, [move])

  const inside = candidates.filter((candidate) => suitsAll(judge.ecosystem, candidate, wishes))
  const nearest = wishes.length > 0 ? firstApproved(judge, name, inside) : undefined
  if (nearest !== undefined) {
    return result("in-range", settleInside(input, judge, inside, nearest, wishes))
  }
  if (hard.length === 0 && (dependency.direct || wishes.length > 0)) {
    // Only the project itself wants it: its own range is the project's to change.
    const to = firstApproved(judge, name, candidates)
    return to === undefined ? undefined : result("direct", { kind: "direct", name, version: to })
  }
  const step =
    findParentUpgrade(judge, lockfile, dependency) ??
    (input.olderParents ? findParentUpgrade(judge, lockfile, dependency, "down") : undefined)
  if (step !== undefined) {
    const { parent, to } = step
    const move: Move = { kind: parent.direct ? "direct" : "exact", name: parent.name, version: to }
    return report(input, judge, "parent", { name: parent.name, from: parent.version, to }, [move])
  }
  const to = firstApproved(judge, name, candidates)
  if (to === undefined) return undefined
  return result("override", { kind: "override", name, version: to, range: hard[0]?.range ?? "" })
}

/**
 * Which version inside the ranges to name, so that the command brings exactly that one: where a manager can only move to
 * the newest in range, that one if it is allowed, else the nearest one, held by an override.
 */
function settleInside(
  { lockfile, dependency }: CorrectionInput,
  judge: Judge,
  inside: readonly string[],
  nearest: string,
  wishes: readonly Wish[],
): Move & { version: string } {
  const { name } = dependency
  const manager = managerOf(lockfile)
  if (canMove(manager, "exact")) return { kind: "exact", name, version: nearest }
  if (wishes.some((wish) => wish.parent === undefined)) return { kind: "direct", name, version: nearest }
  // Where the one that is there now is the newest, the manager would only take it again.
  const newest = [dependency.version, ...inside].reduce((a, b) => (compareVersions(judge.ecosystem, a, b) >= 0 ? a : b))
  if (canMove(manager, "newest") && judgeVersion(judge, name, newest) === "allow") {
    return { kind: "newest", name, version: newest }
  }
  const range = wishes.find((wish) => wish.parent !== undefined)?.range ?? ""
  return { kind: "override", name, version: nearest, range, inRange: true }
}

/** The way out where no version is allowed without one: a person's yes, or an exception in the policy. */
function requestApproval({ dependency, verdict, now }: CorrectionInput): CorrectionResult {
  const exception = writeException(dependency, verdict, now)
  const correction: Correction = { action: "request-approval", target: dependency.purl }
  return { correction, checked: [], ...(exception !== undefined && { exception }) }
}

/** Way d: what the rule says to use instead, or the name that was meant. */
function replaceName(input: CorrectionInput, judge: Judge): CorrectionResult | undefined {
  const { dependency, verdict, policy } = input
  const instead = policy.listRules.find((rule) => rule.label === verdict.rule)?.instead
  const parsed = instead === undefined ? undefined : parsePurl(instead)
  const meant = judge.factsFor(dependency.name, dependency.version).lookalike?.of
  const name = parsed?.ecosystem === judge.ecosystem ? parsed.name : meant
  if (name === undefined || name === dependency.name) return undefined
  const wanted = parsed?.version === undefined || parsed.version === "" ? undefined : [parsed.version]
  const newestFirst = candidateVersions(judge, name, "").reverse()
  const to = firstApproved(judge, name, wanted ?? newestFirst)
  if (to === undefined && (wanted !== undefined || judgeVersion(judge, name, "") !== "allow")) return undefined
  const { name: old, direct } = dependency
  const moves: Move[] =
    direct && to !== undefined
      ? [
          { kind: "remove", name: old },
          { kind: "direct", name, version: to },
        ]
      : []
  return report(input, judge, "replace", { name, from: "", to: to ?? "" }, moves, "replace")
}

/** The last way: without it. A command only for what the project itself names. */
function removePackage({ dependency, lockfile }: CorrectionInput): CorrectionResult {
  const { name, ecosystem, direct, purl } = dependency
  const moves = direct ? fitting(ecosystem, [{ kind: "remove", name }]) : undefined
  const command = moves && showCommands(managerOf(lockfile), moves)
  const correction: Correction = { action: "remove", target: purl, ...(command !== undefined && { command }) }
  return { correction, checked: [], ...(moves && { moves }) }
}

/** The moves, if every name and version in them may be a word of a command. */
function fitting(ecosystem: string, moves: readonly Move[]): Move[] | undefined {
  const fit = moves.every(
    (move) => isPlainName(ecosystem, move.name) && (move.kind === "remove" || isPlainVersion(ecosystem, move.version)),
  )
  return fit && moves.length > 0 ? [...moves] : undefined
}

function report(
  { lockfile }: CorrectionInput,
  judge: Judge,
  way: string,
  change: { name: string; from: string; to: string },
  wanted: readonly Move[],
  action?: Correction["action"],
): CorrectionResult {
  const { name, from, to } = change
  const moves = fitting(judge.ecosystem, wanted)
  const command = moves && showCommands(managerOf(lockfile), moves)
  const upward = from === "" || compareVersions(judge.ecosystem, to, from) > 0
  const target = purlOf(judge.ecosystem, name, to)
  const online = judge.document(name) !== undefined
  const forced = way === "override" ? "override" : undefined
  return {
    correction: {
      action: action ?? forced ?? (upward ? "upgrade" : "downgrade"),
      target,
      ...(command !== undefined && { command }),
    },
    checked: [{ kind: "correction", way, target, against: online ? "policy" : "advisories only", effect: "allow" }],
    ...(moves && { moves }),
  }
}
