// Work of an agent that nothing on the host has: whoever ends its run must not remove the box's directory.
import type { WorkspaceReport } from "./types.ts"

/** Whether something of the box could not come over: it lies in the box's directory alone. */
export function isStuck({ problem, git }: Pick<WorkspaceReport, "problem" | "git">): boolean {
  return problem !== undefined || git?.problem !== undefined || (git?.left ?? []).length > 0
}
