// What a box is called in every engine, so that whoever looks for boxes finds those of this state directory and no others.
import { createHash } from "node:crypto"
import { realpathSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Context } from "../../context.ts"
import { stateHome } from "../../home.ts"
import { RUN_NAME } from "../run-name.ts"
import type { BoxSpec, EngineName, FoundBox } from "../types.ts"

/** The container's name. */
export const containerName = (run: string) => `nanoguard-${run}`

/** 12 hex digits that stand for the state directory, wherever links lead to it. It need not exist yet. */
export function stateLabel(ctx: Pick<Context, "env">): string {
  return createHash("sha256")
    .update(realPath(stateHome(ctx)))
    .digest("hex")
    .slice(0, 12)
}

/** `key=value` of every label of a box. */
export function boxLabels(spec: Pick<BoxSpec, "run" | "agent">, state: string): string[] {
  return [`nanoguard.run=${spec.run}`, `nanoguard.agent=${spec.agent}`, `nanoguard.state=${state}`]
}

/** A container as an engine lists it; undefined where it is none of nanoguard's, whatever its labels say. */
export function foundBox(
  engine: EngineName,
  row: { handle: string; name: string; run: string | undefined; agent: string | undefined; state: string },
): FoundBox | undefined {
  if (row.run === undefined || !RUN_NAME.test(row.run) || row.name !== containerName(row.run)) return undefined
  if (!/^[\w.-]{1,128}$/.test(row.handle)) return undefined
  return {
    ...{ engine, run: row.run, agent: row.agent ?? "", handle: row.handle, state: STATES[row.state] ?? "stopped" },
    ...(row.state === "removing" && { removing: true as const }),
  }
}

// A container that is being started is "created" while its processes run already: Docker says so only later. Everything else that
// the engines know of (exited, dead, configured, removing) runs nothing.
const STATES: Readonly<Record<string, FoundBox["state"]>> = {
  created: "running",
  initialized: "running",
  running: "running",
  restarting: "running",
  stopping: "running",
  paused: "frozen",
}

/** The real path of what may not be there yet: that of its nearest parent which is. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), basename(path))
  }
}
