// Where the gate listens for its owner: a file of its own, for commands that only ask load nothing of what answers.
import { join } from "node:path"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"

/** Where the gate of this state directory listens for its owner. */
export function controlPath(ctx: Pick<Context, "env">): string {
  return join(stateHome(ctx), "gateway", "control.sock")
}
