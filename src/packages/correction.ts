// The way out of a refusal: the nearest state that the same policy allows, and the command that gets there.
// docs/corrections.md has the order in which ways are tried and what each was checked against.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Correction, Ecosystem, Evidence, PackageFacts, PackageSource, Verdict } from "../policy/types.ts"
import { candidateVersions, firstApproved, type Judge, judgeVersion } from "./candidates.ts"
import { commandsOf, isPlainName, isPlainVersion, managerOf } from "./commands.ts"
import { writeException } from "./exception.ts"
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
}

export interface CorrectionResult {
  correction: Correction
  /** What the correction was checked against. */
  checked: Evidence[]
  /** For `request-approval`: the smallest exception that would let it in, as a line of YAML. */
  exception?: string
}

/** Decisions and so facts that one correction may ask for. */
const MAX_DECISIONS = 400
/** Codes that every version of the package would get: looking for another version is idle. */
const NAME_CODES: ReadonlySet<string> = new Set(["name.lookalike", "source.unverified"])
const ECOSYSTEMS: ReadonlySet<string> = new Set<Ecosystem>(["npm", "pypi", "cargo", "golang"])

/**
 * The correction for a package that the policy denies or asks about; undefined for one that it allows and where nothing
 * can be said. What it recommends to install was put before the same policy and allowed. Pure, deterministic, and
 * bounded in work.
 */
export function correct(input: CorrectionInput): CorrectionResult | undefined {
  const { verdict, dependency, policy, now } = input
  if (verdict.effect === "allow" || !ECOSYSTEMS.has(dependency.ecosystem)) return undefined
  if (verdict.effect === "ask") {
    const exception = writeException(dependency, verdict, now)
    const correction: Correction = { action: "request-approval", target: dependency.purl }
    return { correction, checked: [], ...(exception !== undefined && { exception }) }
  }
  const judge: Judge = {
    policy,
    now,
    ecosystem: dependency.ecosystem as Ecosystem,
    factsFor: input.factsFor,
    document: input.document,
    sourceOf: (name) => registryOf(input.lockfile, dependency, name),
    budget: { left: MAX_DECISIONS },
  }
  return (
    (NAME_CODES.has(verdict.code) || dependency.source.kind !== "registry" ? undefined : moveVersion(input, judge)) ??
    replaceName(input, judge) ??
    removePackage(input)
  )
}

/** The registry that the lockfile has a package from; what is not in it would come from the default one. */
function registryOf(lockfile: Lockfile, dependency: Dependency, name: string): PackageSource {
  const locked = [dependency, ...lockfile.dependencies].find(
    (entry) => entry.name === name && entry.source.kind === "registry",
  )
  return locked?.source ?? { kind: "registry", origin: "default" }
}

/** Ways a to c: inside the parents' ranges, by a newer parent, by an override. */
function moveVersion(input: CorrectionInput, judge: Judge): CorrectionResult | undefined {
  const { lockfile, dependency } = input
  const { name, version } = dependency
  const commands = commandsOf(managerOf(lockfile))
  const wishes = wishesFor(lockfile, dependency, judge.document)
  const hard = wishes.filter((wish) => wish.parent !== undefined)
  const candidates = candidateVersions(judge, name, version)
  const result = (way: string, to: string, command: string | undefined, action?: Correction["action"]) =>
    report(judge, way, { name, from: version, to }, command, action)

  const inside = candidates.filter((candidate) => suitsAll(judge.ecosystem, candidate, wishes))
  const nearest = wishes.length > 0 ? firstApproved(judge, name, inside) : undefined
  if (nearest !== undefined) {
    const { to, command } = settleInside(judge, dependency, inside, nearest, wishes, commands)
    return result("in-range", to, command)
  }
  if (hard.length === 0 && (dependency.direct || wishes.length > 0)) {
    // Only the project itself wants it: its own range is the project's to change.
    const to = firstApproved(judge, name, candidates)
    return to === undefined ? undefined : result("direct", to, commandFor(judge, name, to, commands?.direct))
  }
  const upgrade = findParentUpgrade(judge, lockfile, dependency)
  if (upgrade !== undefined) {
    const { parent, to } = upgrade
    const move = parent.direct ? commands?.direct : commands?.exact
    return report(
      judge,
      "parent",
      { name: parent.name, from: parent.version, to },
      commandFor(judge, parent.name, to, move),
    )
  }
  const to = firstApproved(judge, name, candidates)
  if (to === undefined) return undefined
  const range = hard[0]?.range ?? ""
  return result(
    "override",
    to,
    commandFor(judge, name, to, (name, version) => commands?.override?.(name, version, range)),
    "override",
  )
}

/**
 * Which version inside the ranges to name, so that the command brings exactly that one: where a manager can only move to
 * the newest in range, that one if it is allowed, else the nearest one, held by an override.
 */
function settleInside(
  judge: Judge,
  dependency: Dependency,
  inside: readonly string[],
  nearest: string,
  wishes: readonly Wish[],
  commands: ReturnType<typeof commandsOf>,
): { to: string; command: string | undefined } {
  const { name } = dependency
  if (commands?.exact !== undefined) {
    return { to: nearest, command: commandFor(judge, name, nearest, commands.exact) }
  }
  if (wishes.some((wish) => wish.parent === undefined)) {
    return { to: nearest, command: commandFor(judge, name, nearest, commands?.direct) }
  }
  const newest = inside.reduce((a, b) => (compareVersions(judge.ecosystem, a, b) >= 0 ? a : b))
  if (commands?.newest !== undefined && judgeVersion(judge, name, newest) === "allow") {
    const { newest: update } = commands
    return { to: newest, command: commandFor(judge, name, newest, (name) => update(name)) }
  }
  const range = wishes.find((wish) => wish.parent !== undefined)?.range ?? ""
  const override = (name: string, version: string) => commands?.override?.(name, version, range)
  return { to: nearest, command: commandFor(judge, name, nearest, override) }
}

/** Way d: what the rule says to use instead, or the name that was meant. */
function replaceName(input: CorrectionInput, judge: Judge): CorrectionResult | undefined {
  const { dependency, verdict, policy, lockfile } = input
  const instead = policy.listRules.find((rule) => rule.label === verdict.rule)?.instead
  const parsed = instead === undefined ? undefined : parsePurl(instead)
  const meant = judge.factsFor(dependency.name, dependency.version).lookalike?.of
  const name = parsed?.ecosystem === judge.ecosystem ? parsed.name : meant
  if (name === undefined || name === dependency.name) return undefined
  const wanted = parsed?.version === undefined || parsed.version === "" ? undefined : [parsed.version]
  const newestFirst = candidateVersions(judge, name, "").reverse()
  const to = firstApproved(judge, name, wanted ?? newestFirst)
  if (to === undefined && (wanted !== undefined || judgeVersion(judge, name, "") !== "allow")) return undefined
  const commands = commandsOf(managerOf(lockfile))
  const plain = isPlainName(judge.ecosystem, dependency.name) && isPlainName(judge.ecosystem, name)
  const command =
    commands !== undefined && dependency.direct && plain && to !== undefined && isPlainVersion(judge.ecosystem, to)
      ? `${commands.remove(dependency.name)} && ${commands.direct(name, to)}`
      : undefined
  return report(judge, "replace", { name, from: "", to: to ?? "" }, command, "replace")
}

/** The last way: without it. A command only for what the project itself names. */
function removePackage({ dependency, lockfile }: CorrectionInput): CorrectionResult {
  const commands = commandsOf(managerOf(lockfile))
  const command =
    dependency.direct && isPlainName(dependency.ecosystem, dependency.name)
      ? commands?.remove(dependency.name)
      : undefined
  const correction: Correction = {
    action: "remove",
    target: dependency.purl,
    ...(command !== undefined && { command }),
  }
  return { correction, checked: [] }
}

function commandFor(
  judge: Judge,
  name: string,
  version: string,
  write: ((name: string, version: string) => string | undefined) | undefined,
): string | undefined {
  const plain = isPlainName(judge.ecosystem, name) && isPlainVersion(judge.ecosystem, version)
  return plain ? write?.(name, version) : undefined
}

function report(
  judge: Judge,
  way: string,
  move: { name: string; from: string; to: string },
  command: string | undefined,
  action?: Correction["action"],
): CorrectionResult {
  const { name, from, to } = move
  const upward = from === "" || compareVersions(judge.ecosystem, to, from) > 0
  const target = purlOf(judge.ecosystem, name, to)
  const online = judge.document(name) !== undefined
  return {
    correction: {
      action: action ?? (upward ? "upgrade" : "downgrade"),
      target,
      ...(command !== undefined && { command }),
    },
    checked: [{ kind: "correction", way, target, against: online ? "policy" : "advisories only", effect: "allow" }],
  }
}
