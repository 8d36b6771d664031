// Where an agent's directory is on the host, looked at when it starts.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { safeGit } from "../../vet/git.ts"
import { listSettings, namedBySettings } from "../workspace/git-config.ts"
import { findRepository } from "../workspace/git-find.ts"
import { namedIn } from "../workspace/overlays.ts"
import { realPath } from "../workspace/places.ts"
import type { Workspace } from "../workspace/types.ts"
import { doOverlap } from "./directories.ts"
import type { SwarmAgent } from "./types.ts"

/**
 * The workspace of an agent of a project, absolute. Throws `NanoguardError` (configuration) where a link leads to it, which could lead to any
 * directory of the person's or to another agent's, and where an agent would write what git on the host runs.
 */
export async function findDirectory(
  ctx: Context,
  project: string,
  { directory, workspace }: Pick<SwarmAgent, "directory" | "workspace">,
): Promise<string> {
  const top = realPath(project) ?? project
  const root = join(top, directory)
  if (realPath(root) !== root)
    throw new NanoguardError("an agent's directory is not there, or a link leads to it", {
      exit: EXIT.configuration,
      where: { file: root },
      hint: "name the directory itself in the swarm's file",
    })
  if (directory !== "" && workspace === "direct") await refuseNamedByGit(ctx, top, directory)
  return root
}

/** Throws where git on the host runs or reads what lies there: seen from the directory itself, nothing says so. */
async function refuseNamedByGit(ctx: Context, project: string, directory: string): Promise<void> {
  const { gitDirectory } = findRepository(project)
  if (gitDirectory === undefined) return
  const settings = await listSettings(safeGit(ctx, "/"), gitDirectory)
  const named = namedIn(project, namedBySettings(settings)).find(({ path }) => doOverlap(path, directory))
  if (named === undefined) return
  throw new NanoguardError(
    `a setting of the repository names ${cleanText(named.path)}, and an agent would write there`,
    {
      exit: EXIT.configuration,
      where: { file: join(project, directory) },
      hint: "give it workspace: copy, or another directory",
    },
  )
}

/**
 * Throws (environment) where an opened workspace is another directory than the one that was found. A box that works above may put a link in its
 * place between the two looks, and is held still by nobody while the link leads elsewhere.
 */
export function requireFound(found: string, { root }: Pick<Workspace, "root">): void {
  if (root === found) return
  throw new NanoguardError("something else is where an agent's directory was a moment ago", {
    exit: EXIT.environment,
    where: { file: found },
    hint: "a box that works in a directory above may have exchanged it: see nanoguard ps",
  })
}
