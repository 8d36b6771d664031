// Where a box looks before it starts, where it looks at its end, and where it writes: real paths of the host.
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import type { BoxSpec } from "../types.ts"
import { findRepository } from "../workspace/git-find.ts"
import { realPath } from "../workspace/places.ts"
import type { WorkspaceState } from "../workspace/state.ts"
import type { WorkspaceMode, WorkspaceRequest } from "../workspace/types.ts"
import type { LookRequest } from "./look.ts"

/** What a start looks at: the workspace, its repository, and what else the policy lets in. */
export function placesOfStart(
  ctx: Pick<Context, "env">,
  { root, mode, policy }: Pick<WorkspaceRequest, "root" | "policy"> & { mode: WorkspaceMode },
): LookRequest {
  const mounts = policy.sandbox.mounts ?? []
  const home = mounts.length === 0 ? "" : homeDirectory(ctx.env)
  const sources = mounts.flatMap(({ path }) => realPath(/^~(\/|$)/.test(path) ? join(home, path.slice(1)) : path) ?? [])
  const real = mode === "none" ? undefined : realPath(root)
  const repository = real === undefined ? undefined : findRepository(real).repository
  return {
    places: [
      ...(real === undefined ? [] : [real]),
      ...(repository ? [repository.gitDirectory, repository.common] : []),
      ...sources,
    ],
    alone: mode === "direct" || mounts.some(({ write }) => write === true),
  }
}

/** What an end looks at, and a review of what was kept. `alone` where it changes something there. */
export function placesOf({ root, run, mode, git }: WorkspaceState, ended?: ReadonlySet<string>): LookRequest {
  const repository = git?.repository
  return {
    places: mode === "none" ? [] : [root, ...(repository ? [repository.gitDirectory, repository.common] : [])],
    ...{ alone: true, run },
    ...(ended && { ended }),
  }
}

/** Directories of the host that a box can write. */
export const writtenBy = ({ mounts }: Pick<BoxSpec, "mounts">): string[] =>
  mounts.flatMap((mount) => (mount.kind === "bind" && mount.write ? [mount.source] : []))
