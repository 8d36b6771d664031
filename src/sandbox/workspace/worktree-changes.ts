// `worktree`: what the branch of a box changes, and how.
import type { Git } from "../../vet/git.ts"
import { runsUnasked } from "./changes.ts"
import { runsOnHost } from "./names.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange, WorkspaceReport } from "./types.ts"

const CHANGES = { A: "added", D: "removed" } as const

/**
 * What the branch changes against the commit that the box began with, read from objects that were checked. Answers with all of it, in no order:
 * `boundChanges` is for the end.
 */
export async function branchChanges(
  git: Git,
  state: WorkspaceState,
  there: boolean,
): Promise<Pick<WorkspaceReport, "changes" | "counts" | "partial">> {
  const counts = { added: 0, changed: 0, removed: 0 }
  if (!there) return { counts, changes: [], partial: false }
  const { stdout, exitCode } = await git([
    ...repositoryOf(state),
    "diff-tree",
    "-r",
    "-z",
    "--no-renames",
    "--raw",
    state.git!.base!,
    state.git!.branch!,
  ])
  const parts = exitCode === 0 ? stdout.split("\0") : []
  const changes: WorkspaceChange[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, , now = "", letter = ""] = /^:(\d+) (\d+) \S+ \S+ (\w)/.exec(parts[at]!) ?? []
    const path = parts[at + 1]!
    const change = CHANGES[letter as "A" | "D"] ?? "changed"
    counts[change]++
    const runs = runsUnasked(path) ?? (now === "160000" ? "git: a submodule" : runsOnHost(path))
    changes.push({
      path,
      change,
      kind: now === "120000" ? "link" : now === "160000" ? "other" : "file",
      size: 0,
      mode: Number.parseInt(now, 8) & 0o777,
      ...(runs !== undefined && { runs }),
    })
  }
  return { counts, changes, partial: exitCode !== 0 }
}

/** The diff of one path of the branch. */
export async function diffBranch(git: Git, state: WorkspaceState, { path }: WorkspaceChange): Promise<string> {
  const args = [
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--ignore-submodules=all",
    state.git!.base!,
    state.git!.branch!,
  ]
  return (await git([...repositoryOf(state), "--literal-pathspecs", ...args, "--", path])).stdout
}

const repositoryOf = (state: WorkspaceState) => [`--git-dir=${state.git!.repository!.gitDirectory}`]
