// The way out of a refusal at the gate: the correction that `vet` would find, for the client that asks.
import {
  canMove,
  isPlainName,
  isPlainVersion,
  type Manager,
  type Move,
  managerOf,
  showCommands,
} from "../packages/commands.ts"
import { type CorrectionInput, type CorrectionResult, correct } from "../packages/correction.ts"
import type { Dependency, Lockfile } from "../packages/types.ts"
import type { PackageSource, Verdict } from "../policy/types.ts"
import { type Overrides, pnpmOverride } from "./pnpm-overrides.ts"
import { type Refused, refusedGraph } from "./refused-graph.ts"

export type { Parent } from "./refused-graph.ts"

export interface RefusedPackage extends Refused, Pick<CorrectionInput, "policy" | "now" | "document" | "factsFor"> {
  verdict: Verdict
  /** Where the gate has the package from. */
  origin: PackageSource
  /** What this run was told to force: pnpm's command sets all overrides at once, and must lose none. */
  overrides?: Overrides
}

/** The verdict with its correction and what that was checked against; as it is where nothing can be said. */
export function correctRefusal(refused: RefusedPackage): Verdict {
  const { verdict, origin, policy, now, document, factsFor } = refused
  const { lockfile, dependency, fresh } = refusedGraph(refused)
  const manager = managerOf(lockfile)
  const olderParents = manager !== undefined && !canForce(manager)
  const correctIn = (graph: Lockfile) =>
    correct({
      olderParents,
      fresh,
      policy,
      now,
      verdict,
      document,
      factsFor,
      lockfile: graph,
      dependency: { ...dependency, source: origin },
    })
  let found = correctIn(lockfile)
  if (isStuck(found) && olderParents) {
    const guessed = correctIn(withGuessedRanges(lockfile, dependency))
    if (!isStuck(guessed)) found = guessed
  }
  if (found === undefined) return verdict
  const own = new Set(refused.project?.direct?.[refused.ecosystem])
  for (const entry of lockfile.dependencies) if (entry.direct && !fresh) own.add(entry.name)
  const overrides = { ...refused.project?.overrides, ...refused.overrides }
  const command = ownCommand(manager, found.moves, { own, fresh, overrides }) ?? found.correction.command
  return {
    ...verdict,
    evidence: [...verdict.evidence, ...found.checked],
    correction: { ...found.correction, ...(command !== undefined && { command }) },
  }
}

/** A version was found, and no command that brings it. */
function isStuck(found: CorrectionResult | undefined): boolean {
  return found === undefined || (found.correction.action === "override" && found.correction.command === undefined)
}

function canForce(manager: Manager | undefined): boolean {
  return manager === "pnpm" || canMove(manager, "override")
}

/**
 * Where nobody states a range and the manager can force nothing, the range is taken for the usual one of its ecosystem: an update
 * inside of it is then the best that can be tried.
 */
function withGuessedRanges(lockfile: Lockfile, { ecosystem, key, version }: Dependency): Lockfile {
  const usual = ecosystem === "cargo" ? `^${version}` : `>=${version}`
  const roots = new Set(lockfile.roots.map((root) => root.key))
  const edges = lockfile.edges.map((edge) =>
    edge.to === key && edge.range === "" && !roots.has(edge.from) ? { ...edge, range: usual } : edge,
  )
  return { ...lockfile, edges }
}

interface Known {
  /** Names that the project's manifest is known to have. */
  own: ReadonlySet<string>
  /** No lockfile has the package: what asks for it may be in no manifest yet. */
  fresh: boolean
  overrides: Overrides
}

/** Commands for what only happens at a gate, or what a manager has no command of its own for. */
function ownCommand(
  manager: Manager | undefined,
  moves: readonly Move[] | undefined,
  { own, fresh, overrides }: Known,
): string | undefined {
  const [move, ...others] = moves ?? []
  if (move === undefined || others.length > 0) return undefined
  // A package that is refused while it is being added is in no manifest yet, and `yarn up` knows only what is in one.
  if (manager === "yarn" && move.kind === "direct" && !own.has(move.name)) {
    return `yarn add ${move.name}@${move.version}`
  }
  // `yarn upgrade` wants a lockfile, and the version that is in it to be listed.
  if (manager === "yarn1" && move.kind === "direct") return `yarn add ${move.name}@${move.version}`
  if (!isHeld(manager, move, fresh)) return undefined
  const { name, version } = move
  if (manager === "pnpm") return pnpmOverride({ ...overrides, [name]: version })
  // npm wants an override to be what the manifest itself asks for: $name says that it is.
  if (manager === "npm" && own.has(name) && isPlainName("npm", name) && isPlainVersion("npm", version)) {
    return `npm pkg set 'overrides[${name}]=$${name}' && npm install ${name}@${version}`
  }
  if (canForce(manager)) return showCommands(manager, [{ kind: "override", name, version, range: "" }])
  // All who want it would take this version: naming it in the project holds it there.
  const inRange = move.kind !== "override" || move.inRange
  return inRange ? showCommands(manager, [{ kind: "direct", name, version }]) : undefined
}

/**
 * Whether a rule or a line of the project has to hold the version. An update moves what a lockfile has: before there is one it changes
 * nothing, and the same command would be refused again. Cargo has written its own by then.
 */
function isHeld(
  manager: Manager | undefined,
  move: Move,
  fresh: boolean,
): move is Move & { kind: "override" | "newest" | "exact" } {
  if (move.kind === "override") return true
  if (move.kind === "newest") return fresh
  return move.kind === "exact" && (!canMove(manager, "exact") || (fresh && manager === "uv"))
}
