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
import { type Refused, refusedGraph } from "./refused-graph.ts"

export type { Parent } from "./refused-graph.ts"

export interface RefusedPackage extends Refused, Pick<CorrectionInput, "policy" | "now" | "document" | "factsFor"> {
  verdict: Verdict
  /** Where the gate has the package from. */
  origin: PackageSource
  /**
   * Versions that rules of the project force already, or that this run was told to force: pnpm's command sets them all at once, and
   * must lose none.
   */
  overrides?: Readonly<Record<string, string>>
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
  const command = ownCommand(refused, manager, found.moves) ?? found.correction.command
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

/** Commands for what only happens at a gate, or what a manager has no command of its own for. */
function ownCommand(
  { project, ecosystem, overrides }: RefusedPackage,
  manager: Manager | undefined,
  moves: readonly Move[] | undefined,
): string | undefined {
  const [move, ...others] = moves ?? []
  if (move === undefined || others.length > 0) return undefined
  // A package that is refused while it is being added is in no manifest yet, and `yarn up` knows only what is in one.
  if (manager === "yarn" && move.kind === "direct" && !project?.direct?.[ecosystem]?.includes(move.name)) {
    return `yarn add ${move.name}@${move.version}`
  }
  const isHeld = move.kind === "override" || (move.kind === "exact" && !canMove(manager, "exact"))
  if (!isHeld) return undefined
  const { name, version } = move
  if (manager === "pnpm") return pnpmOverride({ ...overrides, [name]: version })
  if (canForce(manager)) return showCommands(manager, [{ kind: "override", name, version, range: "" }])
  // All who want it would take this version: naming it in the project holds it there.
  return move.kind === "exact" || move.inRange ? showCommands(manager, [{ kind: "direct", name, version }]) : undefined
}

/** pnpm 10 and later keep them in pnpm-workspace.yaml, as one value. */
function pnpmOverride(overrides: Readonly<Record<string, string>>): string | undefined {
  const fit = Object.entries(overrides).filter(([name, to]) => isPlainName("npm", name) && isPlainVersion("npm", to))
  const table = JSON.stringify(Object.fromEntries(fit))
  return `pnpm config set --location=project --json overrides '${table}' && pnpm install`
}
