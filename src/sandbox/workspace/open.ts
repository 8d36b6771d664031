// The workspace of one box: what of the host it sees, and what comes back.
import { chownSync, lchownSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { homeDirectory, stateHome } from "../../home.ts"
import { safeGit } from "../../vet/git.ts"
import { type BoxMount, IN_BOX } from "../types.ts"
import { eachBelow } from "./below.ts"
import { copyTree } from "./copy.ts"
import { directoriesIn } from "./directories.ts"
import { finishWorkspace } from "./finish.ts"
import { admitBorrowed } from "./git-borrowed.ts"
import { copyIndex, makeGitDirectory } from "./git-directory.ts"
import { namedBelow } from "./git-find.ts"
import { checkIncluded, includedFiles } from "./git-included.ts"
import type { FurtherMounts } from "./mounts.ts"
import { planOverlays } from "./overlays.ts"
import { isWithin, realPath } from "./places.ts"
import { rememberMasked } from "./remembered.ts"
import { claimPoints, pointsOfOthers } from "./shared.ts"
import { stampOf } from "./stamp.ts"
import { identityOf, markStart, saveState, type WorkspaceState } from "./state.ts"
import { modeOf, type Survey, surveyWorkspace } from "./survey.ts"
import type { Note, Workspace, WorkspaceMode, WorkspaceRequest } from "./types.ts"
import { type Found, MAX_WORKING } from "./walk.ts"
import { checkOutWorktree } from "./worktree.ts"

const NONE_SIZE = 1024 * 1024 * 1024

/**
 * Prepares the workspace of a box: nothing on the host changes but `directory`, and empty mount points in a direct workspace. Throws
 * `NanoguardError` where the directory cannot be a workspace (usage) or its repository cannot be shown (environment).
 */
export async function openWorkspace(ctx: Context, request: WorkspaceRequest): Promise<Workspace> {
  const { run, directory } = request
  const mode = modeOf(request.mode, request.policy.sandbox)
  const seen = request.survey ?? (await surveyWorkspace(ctx, request))
  const { root } = seen
  const cwd = realPath(request.cwd) ?? resolve(request.cwd)
  if (!isWithin(cwd, root))
    throw new NanoguardError("the current directory is not in the workspace", {
      exit: EXIT.usage,
      where: { file: cwd },
      hint: `start it in ${root}`,
    })
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const further = await mountsOf(ctx, request, root)
  const survey = admitBorrowed(seen, mode, further)
  const user = ownerOf(root, mode)
  const always = { root, run, places: placesOf(mode, survey) }
  // Whoever finds it when this process is killed meanwhile knows what to undo: nothing has come back of a box that never began.
  saveState(directory, { ...nothingKnown(mode), ...always })
  const opened = mode === "none" ? openNone() : await openFiles(ctx, { ...request, mode, survey, user })
  saveState(directory, { ...opened.state, ...always })
  markStart(directory)
  const notes = [...rootNotes(user), ...opened.notes, ...further.notes]
  const inside = relative(root, cwd).replaceAll("\\", "/")
  return {
    ...{ mode, root },
    mounts: [...opened.mounts, ...further.mounts],
    decisions: further.decisions,
    cwd: mode === "none" || inside === "" ? IN_BOX.workspace : `${IN_BOX.workspace}/${inside}`,
    user,
    notes,
    ...finishWorkspace(ctx, directory, { look: request.look }),
  }
}

/** What else the policy lets in. What decides it is loaded only where there is something to decide. */
async function mountsOf(ctx: Context, { policy }: WorkspaceRequest, root: string): Promise<FurtherMounts> {
  if ((policy.sandbox.mounts ?? []).length === 0) return { mounts: [], decisions: [], notes: [] }
  const { furtherMounts } = await import("./mounts.ts")
  return furtherMounts(ctx, policy, root)
}

interface Opened {
  mounts: BoxMount[]
  notes: Note[]
  state: Omit<WorkspaceState, "root" | "run">
}

function nothingKnown(mode: WorkspaceMode): Opened["state"] {
  return {
    ...{ schema: "nanoguard.workspace-state/1", mode },
    ...{ working: [], manifests: [], links: [], repositories: {}, hidden: [] },
  }
}

function openNone(): Opened {
  return {
    mounts: [{ kind: "tmpfs", target: IN_BOX.workspace, size: NONE_SIZE, mode: 0o1777, exec: true }],
    notes: [],
    state: nothingKnown("none"),
  }
}

interface OpenRequest extends WorkspaceRequest {
  mode: WorkspaceMode
  survey: Survey
  user: { uid: number; gid: number }
}

async function openFiles(ctx: Context, request: OpenRequest): Promise<Opened> {
  const { run, directory, policy, mode, user } = request
  const { root, found, repository, notes, settings } = request.survey
  const git = safeGit(ctx, directory)
  const hidden = found.masked.map(({ path }) => path)
  const included = includedFiles(root, settings, homeDirectory(ctx.env))
  if (mode === "direct") checkIncluded(root, included)
  const box = join(directory, "git")
  rmSync(box, { recursive: true, force: true })
  const own = await makeGitDirectory(git, { root, repository, settings }, box, hidden)
  const state: Opened["state"] = {
    schema: "nanoguard.workspace-state/1",
    ...{
      mode,
      git: own.start,
      hidden,
      working: found.working,
      manifests: found.manifests,
      ...(isWhole(found) && { known: knownOf(found) }),
      links: found.links,
      repositories: inodesOf(root, found.repositories),
    },
  }
  const opened: Opened = { mounts: [], notes: [...notes], state }
  const tree = join(directory, "tree")
  if (mode === "direct") {
    rememberMasked(stateHome(ctx), root, found.masked)
    const others = pointsOfOthers(stateHome(ctx), root, run)
    const protect = policy.sandbox.protect ?? []
    // Claimed before they are made: whoever undoes this may remove what was.
    const claim = (points: readonly string[]) => claimPoints(stateHome(ctx), root, run, points)
    const over = planOverlays({ root, found, protect, included, named: own.named, user, others, claim })
    opened.mounts = [{ kind: "bind", source: root, target: IN_BOX.workspace, write: true }, ...over.mounts]
    opened.notes.push(...over.notes)
  } else {
    mkdirSync(tree, { mode: 0o755 })
    if (mode === "copy") {
      const { copied, leftOut } = copyTree(root, tree, new Set(hidden))
      Object.assign(state, { copied, included })
      if (hidden.length > 0)
        opened.notes.push({ level: "info", kind: "masked", text: "secrets: not copied", paths: hidden })
      if (leftOut.length > 0)
        opened.notes.push({
          level: "info",
          kind: "left-out",
          text: "not copied, and nothing of them comes back: tools make them anew, or they changed meanwhile",
          paths: leftOut,
        })
    } else {
      const { settings } = own.start
      const base = await checkOutWorktree(git, { root, repository: repository!, settings, box, tree, run, hidden })
      state.git = { ...own.start, ...base }
    }
    if (repository?.file) writeFileSync(join(tree, ".git"), "")
    else mkdirSync(join(tree, ".git"), { recursive: true })
    opened.mounts = [{ kind: "bind", source: tree, target: IN_BOX.workspace, write: true }]
    state.directories = directoriesIn(tree)
    giveTo(tree, user)
  }
  if (repository !== undefined) {
    mkdirSync(join(directory, "index"), { recursive: true })
    copyIndex(box, join(directory, "index"))
  }
  const isOther =
    mode === "direct" && repository === undefined && lstatSync(join(root, ".git"), { throwIfNoEntry: false })?.isFile()
  opened.mounts.splice(1, 0, ...(isOther ? [overFile(root, found)] : own.mounts))
  giveTo(box, user)
  // Git asks whose the file is, too.
  if (repository?.file) giveTo(`${box}.file`, user)
  const stamp = stampOf(box)
  if (stamp !== undefined) state.git = { ...state.git!, stamp }
  return opened
}

/** Over a file `.git` whose repository is not the box's: read-only where that lies in the workspace, as it does there; else it says nothing. */
function overFile(root: string, { repositories }: Found): BoxMount {
  const target = `${IN_BOX.workspace}/.git`
  const named = namedBelow(root)
  return repositories.some(({ path, directory }) => directory && path === named)
    ? { kind: "bind", source: join(root, ".git"), target, write: false }
    : { kind: "mask", target, directory: false }
}

/** As they are now, by device and inode. */
function placesOf(mode: WorkspaceMode, { root, repository }: Survey): Record<string, string> {
  const paths = mode === "none" ? [] : [root, ...(repository ? [repository.gitDirectory, repository.common] : [])]
  return Object.fromEntries(
    paths.flatMap((path) => (identityOf(path) === undefined ? [] : [[path, identityOf(path)!]])),
  )
}

const isWhole = ({ unseen, working }: Found) => unseen.length === 0 && working.length < MAX_WORKING

const knownOf = ({ working, channels, protected: kept, links, masked }: Found) => [
  ...working,
  ...channels,
  ...[...kept, ...links, ...masked].map(({ path }) => path),
]

function inodesOf(root: string, repositories: readonly { path: string }[]): Record<string, string> {
  return Object.fromEntries(
    repositories.map(({ path }) => [path, `${lstatSync(join(root, path), { bigint: true }).ino}`]),
  )
}

/** Of `direct` the workspace's owner; else whoever runs nanoguard, and 1000:1000 where that is root. */
function ownerOf(root: string, mode: WorkspaceMode): { uid: number; gid: number } {
  const own = { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 }
  if (mode === "direct") {
    const { uid, gid } = lstatSync(root)
    return { uid, gid }
  }
  return own.uid === 0 ? { uid: 1000, gid: 1000 } : own
}

function rootNotes({ uid }: { uid: number }): Note[] {
  if (uid !== 0) return []
  return [
    {
      level: "warning",
      kind: "refused",
      text: "root owns the workspace, so the box has to be root's: run nanoguard as yourself, or use --workspace copy",
    },
  ]
}

/** What root made belongs to the box's user. Links themselves, never what they lead to: nothing of the box is in it yet. */
function giveTo(top: string, { uid, gid }: { uid: number; gid: number }): void {
  if (process.getuid?.() !== 0 || uid === 0) return
  chownSync(top, uid, gid)
  if (lstatSync(top).isDirectory()) eachBelow(top, (path) => lchownSync(path, uid, gid))
}
