// What a workspace is, before anything is made for its box: read only, so that it can be looked at while the gate opens the run.
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import type { Sandbox } from "../../policy/compiled.ts"
import { safeGit } from "../../vet/git.ts"
import { boxesDirectory } from "../box-directory.ts"
import { namesIn } from "./below.ts"
import { listSettings, type ScopedSetting, settingsOf } from "./git-config.ts"
import { type Repository, repositoryAbove } from "./git-files.ts"
import { type FoundRepository, findRepository } from "./git-find.ts"
import { checkRoot, isWithin, privatePlaces } from "./places.ts"
import { movedSecrets } from "./remembered.ts"
import type { Note, WorkspaceMode, WorkspaceRequest } from "./types.ts"
import { directoriesIn, type Found, isGitDirectory, nothingFound, walkWorkspace } from "./walk.ts"

export interface Survey {
  /** The workspace's real path. */
  root: string
  found: Found
  repository: Repository | undefined
  /** Of what git on the host works with here, also where the box has no repository. */
  settings: readonly ScopedSetting[]
  notes: readonly Note[]
}

/** The mode of a workspace: the person's word, else the policy's. */
export const modeOf = (mode: WorkspaceMode | undefined, { workspace }: Pick<Sandbox, "workspace">): WorkspaceMode =>
  mode ?? workspace ?? "direct"

/**
 * Looks through the workspace and asks git for its settings. Throws `NanoguardError` where the directory cannot be a workspace (usage).
 */
export async function surveyWorkspace(
  ctx: Context,
  request: Pick<WorkspaceRequest, "root" | "policy" | "mode"> & { directory?: string },
): Promise<Survey> {
  const mode = modeOf(request.mode, request.policy.sandbox)
  const { mask = [], protect = [] } = request.policy.sandbox
  const root = checkRoot(ctx, request.root, request.directory ?? boxesDirectory(ctx))
  if (mode === "none") return { root, found: nothingFound(), repository: undefined, notes: [], settings: [] }
  const seen = exceptPrivate(ctx, findRepository(root))
  const { gitDirectory } = seen
  const { repository, notes } = repositoryOf(root, mode, seen)
  const settings: Promise<ScopedSetting[]> =
    gitDirectory === undefined ? Promise.resolve([]) : listSettings(safeGit(ctx, "/"), gitDirectory)
  settings.catch(() => {})
  // What was asked of git and of the gate is on its way before the walk, which waits for nothing.
  await turn()
  const found = walkWorkspace(root, mask, protect, { wasMasked: movedSecrets(stateHome(ctx)) })
  const listed = await settings
  return { root, found, repository, notes: [...notes, ...notesOn(root, repository, listed)], settings: listed }
}

function notesOn(root: string, repository: Repository | undefined, all: readonly ScopedSetting[]): Note[] {
  if (repository === undefined) return []
  const own = new Set(settingsOf(all, [root, repository.gitDirectory, repository.common]))
  const strange = all.filter((setting) => setting.scope !== "command" && !own.has(setting))
  const paths = [...new Set(strange.flatMap(({ file = [] }) => file))]
  if (paths.length === 0) return []
  const text = "git settings that the repository includes from outside of the workspace: not in the box"
  return [{ level: "info", kind: "git", text, paths }]
}

/** Whatever it says of itself, no repository is nanoguard's state or a directory of keys. */
function exceptPrivate(ctx: Context, seen: FoundRepository): FoundRepository {
  if (seen.repository === undefined) return seen
  const { gitDirectory, common } = seen.repository
  const place = privatePlaces(ctx).find(({ path }) => isWithin(gitDirectory, path) || isWithin(common, path))
  return place === undefined ? seen : { refused: `.git names a directory in ${place.what}`, path: gitDirectory }
}

function repositoryOf(
  root: string,
  mode: WorkspaceMode,
  { repository, refused, path }: FoundRepository,
): { repository: Repository | undefined; notes: Note[] } {
  // Nothing can be mounted over a link, and a box that exchanges it has a repository on the host.
  if (mode === "direct" && lstatSync(join(root, ".git"), { throwIfNoEntry: false })?.isSymbolicLink())
    throw new NanoguardError(".git is a link, which a box could exchange for a repository of its own", {
      exit: EXIT.usage,
      where: { file: root },
      hint: "use --workspace copy, or put a file in its place: gitdir: <path>",
    })
  if (repository === undefined && isGitDirectory(namesIn(root), directoriesIn(root)))
    throw new NanoguardError("the workspace is a git directory itself, whose hooks and settings a box could write", {
      exit: EXIT.usage,
      where: { file: root },
      hint: "start it in a working tree: git worktree add <directory>",
    })
  const notes: Note[] = []
  if (repository !== undefined) return { repository, notes }
  if (mode === "worktree")
    throw new NanoguardError(
      refused === undefined
        ? "there is no git repository whose working tree begins here"
        : `the repository cannot be in a box: ${refused}`,
      {
        exit: EXIT.usage,
        where: { file: path ?? root },
        hint: "use --workspace copy, or start it at the top of the repository",
      },
    )
  const above = repositoryAbove(root)
  if (refused !== undefined)
    notes.push({
      ...{ level: "warning", kind: "git", text: `git does not work in the box: ${refused}` },
      ...(path !== undefined && { paths: [path] }),
    })
  else if (above !== undefined)
    notes.push({
      level: "warning",
      kind: "git",
      text: "the repository begins above the workspace, so git does not work in the box: start it there",
      paths: [above],
    })
  return { repository: undefined, notes }
}
