// The end of a workspace, by whoever is there for it: the process that opened it, or one that comes after it was killed.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { safeGit } from "../../vet/git.ts"
import { type Look, withLook } from "../neighbours/look.ts"
import { placesOf } from "../neighbours/places.ts"
import { applyChanges } from "./apply.ts"
import { removeTree } from "./below.ts"
import { boundChanges, countChanges, findChanges } from "./changes.ts"
import { diffChange } from "./diff.ts"
import { takeOver } from "./git-return.ts"
import { disarmRepositories, restoreLinks } from "./links.ts"
import { hasPoints, releasePoints } from "./shared.ts"
import { loadState, movedPlace, saveState, startOf, type WorkspaceState } from "./state.ts"
import type { GitReport, Workspace, WorkspaceChange, WorkspaceReport } from "./types.ts"
import { branchChanges, diffBranch } from "./worktree-changes.ts"

interface FinishOptions {
  /** A look that is open already, for as long as it is. */
  look?: Look | undefined
  /** Boxes that were ended, whatever their files say. */
  ended?: ReadonlySet<string>
}

/**
 * The four ways in which a workspace ends, by what its directory holds: for a new one, and for one of a process that is gone. Each is done while
 * other boxes that can write there stand still. Errors: `NeighbourBusy` where one does not; nothing was done then.
 */
export function finishWorkspace(
  ctx: Context,
  directory: string,
  { look, ended }: FinishOptions = {},
): Pick<Workspace, "finish" | "diff" | "apply" | "discard"> {
  const load = () => {
    const state = loadState(directory)
    if (state !== undefined) return state
    throw new NanoguardError("the workspace of this box is gone", {
      exit: EXIT.environment,
      where: { file: directory },
    })
  }
  const during = <T>(state: WorkspaceState, work: () => Promise<T> | T) =>
    withLook(ctx, placesOf(state, ended), look, work)
  return {
    finish: async () => {
      const state = load()
      if (isDone(state)) return state.report
      return await during(state, async () => {
        // Somebody else may have been at it while this one waited.
        const now = load()
        if (isDone(now)) return now.report
        const moved = movedPlace(state)
        const report = moved === undefined ? await makeReport(ctx, directory, state) : movedReport(state, moved)
        // That it waits is written down once: what is kept is as old as what says so.
        if (moved === undefined || now.report === undefined) saveState(directory, { ...state, report })
        return report
      })
    },
    diff: async (change) => {
      const state = load()
      if (state.mode !== "worktree" && state.mode !== "copy")
        return "the file was changed in place: compare it with what is committed (git diff)"
      return await during(state, async () => {
        if (movedPlace(state) !== undefined) return MOVED
        if (state.mode === "worktree") return await diffBranch(safeGit(ctx, directory), state, change)
        return await diffChange(state, join(directory, "tree"), change)
      })
    },
    apply: async (report, paths) => {
      const state = load()
      if (state.mode !== "copy") return { applied: [], conflicts: [], refused: [] }
      return await during(state, () => {
        const moved = movedPlace(state)
        if (moved !== undefined) return { applied: [], conflicts: [{ path: moved, why: MOVED }], refused: [] }
        return applyChanges(state, join(directory, "tree"), allChanges(directory, state, report), paths)
      })
    },
    discard: async () => {
      const state = loadState(directory)
      if (state !== undefined && hasPoints(stateHome(ctx), state.root, state.run))
        await during(state, () => releasePoints(stateHome(ctx), state.root, state.run))
      removeTree(directory)
    },
  }
}

/** Of a copy: also those that a report has no room for. Nothing but a person can have changed the copy since. */
function allChanges(directory: string, state: WorkspaceState, report: WorkspaceReport): readonly WorkspaceChange[] {
  if (report.changes.length >= countChanges(report)) return report.changes
  return findChanges(join(directory, "tree"), state, startOf(directory)).changes
}

/** Where nothing was looked at it may be the next time: the place may be back. */
const isDone = (state: WorkspaceState): state is WorkspaceState & { report: WorkspaceReport } =>
  state.report !== undefined && state.report.problem === undefined

const MOVED = "something else is where the workspace was: nothing is read or written there"

/** Nothing is touched: what is there is not what the box had, and what it had is elsewhere by now. */
const movedReport = ({ mode, root }: WorkspaceState, moved: string): WorkspaceReport => ({
  ...{ schema: "nanoguard.workspace/1", mode, root, review: mode === "copy" },
  ...{ counts: { added: 0, changed: 0, removed: 0 }, changes: [], partial: true },
  problem: `${moved}: ${MOVED}; nothing of the box was taken over or undone`,
})

async function makeReport(ctx: Context, directory: string, state: WorkspaceState): Promise<WorkspaceReport> {
  const { mode, root, run } = state
  const git = safeGit(ctx, directory)
  const since = startOf(directory)
  const tree = mode === "direct" ? root : join(directory, "tree")
  releasePoints(stateHome(ctx), root, run)
  const base = { schema: "nanoguard.workspace/1", mode, root, review: false } as const
  if (mode === "none" || since === 0n)
    return { ...base, counts: { added: 0, changed: 0, removed: 0 }, changes: [], partial: false }
  const restored = mode === "direct" ? restoreLinks(root, run, state.links) : []
  const report =
    state.git === undefined
      ? undefined
      : await takeOver({
          git,
          root,
          directory,
          run,
          start: state.git,
          mode,
          tree,
          since,
          directories: state.directories,
          hidden: state.hidden,
        }).catch(notTaken)
  const branch = state.git?.branch
  const isThere = branch !== undefined && report?.refs.some(({ ref }) => ref === branch) === true
  const found = mode === "worktree" ? await branchChanges(git, state, isThere) : findChanges(tree, state, since)
  const disarmed = mode === "direct" ? disarmRepositories(root, run, found.changes) : found.changes
  const changes = disarmed.map((change) =>
    restored.includes(change.path)
      ? { ...change, refused: "a link that was put back; what stood there lies beside it" }
      : change,
  )
  return {
    ...base,
    ...found,
    changes: boundChanges(changes),
    ...(report !== undefined && { git: report }),
    ...(isThere && { branch: branch.slice("refs/heads/".length) }),
    review: mode === "copy" && (changes.length > 0 || found.partial),
  }
}

/** A box may leave what git dies of: everything else is undone and said all the same. */
function notTaken(error: unknown): GitReport {
  const why =
    error instanceof NanoguardError ? error.message : ((error as NodeJS.ErrnoException).code ?? "unknown error")
  return { refs: [], conflicts: [], refused: [], problem: `what the box committed could not be taken over (${why})` }
}
