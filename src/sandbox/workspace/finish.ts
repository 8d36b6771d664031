// The end of a workspace, by whoever is there for it: the process that opened it, or one that comes after it was killed.
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { safeGit } from "../../vet/git.ts"
import { applyChanges } from "./apply.ts"
import { boundChanges, findChanges } from "./changes.ts"
import { diffChange } from "./diff.ts"
import { takeOver } from "./git-return.ts"
import { disarmRepositories, restoreLinks } from "./links.ts"
import { releasePoints } from "./shared.ts"
import { loadState, saveState, startOf, type WorkspaceState } from "./state.ts"
import type { GitReport, Workspace, WorkspaceReport } from "./types.ts"
import { branchChanges, diffBranch } from "./worktree-changes.ts"

/** The four ways in which a workspace ends, by what its directory holds: for a new one, and for one of a process that is gone. */
export function finishWorkspace(
  ctx: Context,
  directory: string,
): Pick<Workspace, "finish" | "diff" | "apply" | "discard"> {
  const load = () => {
    const state = loadState(directory)
    if (state !== undefined) return state
    throw new NanoguardError("the workspace of this box is gone", {
      exit: EXIT.environment,
      where: { file: directory },
    })
  }
  return {
    finish: async () => {
      const state = load()
      if (state.report !== undefined) return state.report
      const report = await makeReport(ctx, directory, state)
      saveState(directory, { ...state, report })
      return report
    },
    diff: async (change) => {
      const state = load()
      if (state.mode === "worktree") return await diffBranch(safeGit(ctx, directory), state, change)
      if (state.mode === "copy") return await diffChange(state, join(directory, "tree"), change)
      return "the file was changed in place: compare it with what is committed (git diff)"
    },
    apply: async (report, paths) => {
      const state = load()
      if (state.mode !== "copy") return { applied: [], conflicts: [], refused: [] }
      return applyChanges(state, join(directory, "tree"), report.changes, paths)
    },
    discard: async () => {
      const state = loadState(directory)
      if (state !== undefined) releasePoints(stateHome(ctx), state.root, state.run)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

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
      : await takeOver({ git, directory, run, start: state.git, mode, tree, since, hidden: state.hidden }).catch(
          notTaken,
        )
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
    review: mode === "copy" && changes.length > 0,
  }
}

/** A box may leave what git dies of: everything else is undone and said all the same. */
function notTaken(error: unknown): GitReport {
  const why =
    error instanceof NanoguardError ? error.message : ((error as NodeJS.ErrnoException).code ?? "unknown error")
  return { refs: [], conflicts: [], refused: [], problem: `what the box committed could not be taken over (${why})` }
}
