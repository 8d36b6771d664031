// Objects that a repository borrows from outside of the workspace. A list of them may be an archive's as well as the person's own
// `git clone --shared`, and the two look alike: the policy says which directories may be in a box.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { FurtherMounts } from "./mounts.ts"
import type { Survey } from "./survey.ts"
import type { WorkspaceMode } from "./types.ts"

const WHY = "it borrows objects from a directory outside of the workspace"
const HINT =
  "git repack -a -d, then remove .git/objects/info/alternates; or name that directory under sandbox.mounts of the policy, with a rule under mounts"

/**
 * The survey as the policy lets it be: without its repository, and with a note, where that borrows from a directory that is not mounted by
 * `sandbox.mounts` itself, whole and under no mask. Throws `NanoguardError` (usage) for `worktree`, which is nothing without it.
 */
export function admitBorrowed(survey: Survey, mode: WorkspaceMode, { mounts }: Pick<FurtherMounts, "mounts">): Survey {
  const isMounted = (path: string) => mounts.some((mount) => mount.kind === "bind" && mount.source === path)
  const strange = survey.repository?.borrowed.filter((path) => !isMounted(path)) ?? []
  if (strange.length === 0) return survey
  if (mode === "worktree")
    throw new NanoguardError(`the repository cannot be in a box: ${WHY}`, {
      exit: EXIT.usage,
      where: { file: strange[0]! },
      hint: HINT,
    })
  const text = `git does not work in the box: ${WHY} (${HINT})`
  return {
    ...survey,
    repository: undefined,
    notes: [...survey.notes, { level: "warning", kind: "git", text, paths: strange }],
  }
}
