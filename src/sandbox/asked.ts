// What the gate is told of a box that is to be opened.
import { readdirSync } from "node:fs"
import type { Context } from "../context.ts"
import type { BoxRequest } from "../gateway/boxes/types.ts"
import type { Project } from "../gateway/runs.ts"
import type { RunRequest } from "./run.ts"
import type { EngineName } from "./types.ts"
import type { WorkspaceMode } from "./workspace/types.ts"

/** A run as the gate is asked for it: with what makes corrections exact, where its directory has any of that. */
export async function readAsked(
  ctx: Pick<Context, "cwd">,
  { agent, operator, command, parent, publish = [], scope }: RunRequest,
  made: { engine: EngineName; image: string | undefined; mode: WorkspaceMode },
): Promise<BoxRequest> {
  const project = await readProjectOf(ctx.cwd)
  const { engine, image, mode } = made
  return {
    ...{ agent, operator, engine, workspace: mode, command },
    ...(image !== undefined && { image }),
    ...(parent !== undefined && { parent }),
    ...(publish.length > 0 && { publish }),
    ...(scope && { scope }),
    ...(project !== undefined && JSON.stringify(project).length <= MAX_PROJECT && { project }),
  }
}

/** What makes corrections exact; undefined where the directory has none of it. */
async function readProjectOf(directory: string): Promise<Project | undefined> {
  const { formatOf } = await import("../packages/lockfiles/formats.ts")
  const telling = (name: string) => name === "package.json" || formatOf(name) !== undefined
  if (!readdirSync(directory).some(telling)) return undefined
  const { readProject } = await import("../gateway/project.ts")
  return readProject(directory)
}

/** Characters of JSON that a gate is told of a project: corrections are less exact without it. */
const MAX_PROJECT = 16 * 1024 * 1024
