// What a workspace is, before anything is made for its box: read only, so that it can be looked at while the gate opens the run.
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { safeGit } from "../../vet/git.ts"
import { boxesDirectory } from "../boxes.ts"
import { listSettings, type ScopedSetting } from "./git-config.ts"
import { findRepository, type Repository, repositoryAbove } from "./git-files.ts"
import { checkRoot } from "./places.ts"
import type { Note, WorkspaceMode, WorkspaceRequest } from "./types.ts"
import { type Found, nothingFound, walkWorkspace } from "./walk.ts"

export interface Survey {
  /** The workspace's real path. */
  root: string
  found: Found
  repository: Repository | undefined
  settings: readonly ScopedSetting[]
  notes: Note[]
}

/** The mode of a workspace: the person's word, else the policy's. */
export const modeOf = ({ mode, policy }: Pick<WorkspaceRequest, "mode" | "policy">): WorkspaceMode =>
  mode ?? policy.sandbox.workspace ?? "direct"

/**
 * Looks through the workspace and asks git for its settings. Throws `NanoguardError` where the directory cannot be a workspace (usage).
 */
export async function surveyWorkspace(
  ctx: Context,
  request: Pick<WorkspaceRequest, "root" | "policy" | "mode"> & { directory?: string },
): Promise<Survey> {
  const mode = modeOf(request)
  const { mask = [], protect = [] } = request.policy.sandbox
  const root = checkRoot(ctx, request.root, request.directory ?? boxesDirectory(ctx))
  if (mode === "none") return { root, found: nothingFound(), repository: undefined, notes: [], settings: [] }
  const { repository, notes } = repositoryOf(root, mode)
  const settings: Promise<ScopedSetting[]> =
    repository === undefined ? Promise.resolve([]) : listSettings(safeGit(ctx, "/"), repository.gitDirectory)
  settings.catch(() => {})
  // What was asked of git and of the gate is on its way before the walk, which waits for nothing.
  await turn()
  const found = walkWorkspace(root, mask, protect)
  return { root, found, repository, notes, settings: await settings }
}

function repositoryOf(root: string, mode: WorkspaceMode): { repository: Repository | undefined; notes: Note[] } {
  const repository = findRepository(root)
  // Nothing can be mounted over a link, and a box that exchanges it has a repository on the host.
  if (mode === "direct" && lstatSync(join(root, ".git"), { throwIfNoEntry: false })?.isSymbolicLink())
    throw new NanoguardError(".git is a link, which a box could exchange for a repository of its own", {
      exit: EXIT.usage,
      where: { file: root },
      hint: "use --workspace copy, or put a file in its place: gitdir: <path>",
    })
  const notes: Note[] = []
  if (typeof repository === "object") return { repository, notes }
  if (mode === "worktree")
    throw new NanoguardError("there is no git repository whose working tree begins here", {
      exit: EXIT.usage,
      where: { file: root },
      hint: "use --workspace copy, or start it at the top of the repository",
    })
  const above = repositoryAbove(root)
  if (repository !== undefined)
    notes.push({ level: "warning", kind: "git", text: `git does not work in the box: ${repository}` })
  else if (above !== undefined)
    notes.push({
      level: "warning",
      kind: "git",
      text: "the repository begins above the workspace, so git does not work in the box: start it there",
      paths: [above],
    })
  return { repository: undefined, notes }
}
