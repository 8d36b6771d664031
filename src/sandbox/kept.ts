// What a run left for a person to look at: changes that were neither applied nor discarded, and commits that could not come over.
import { existsSync } from "node:fs"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { BOX_RUN, boxDirectory, removeBoxDirectory } from "./boxes.ts"
import { finishWorkspace } from "./workspace/finish.ts"
import type { Workspace } from "./workspace/types.ts"

/** The workspace of a run that is over, as it was kept. Errors: usage where nothing of that run is here. */
export function openKept(
  ctx: Context,
  run: string,
): Pick<Workspace, "finish" | "diff" | "apply"> & { close: () => Promise<void> } {
  const directory = boxDirectory(ctx, run)
  if (!BOX_RUN.test(run) || !existsSync(directory))
    throw new NanoguardError("nothing of that run is kept here", {
      exit: EXIT.usage,
      hint: "give the id that the run ended with: nanoguard run --review run-0123456789ab",
    })
  const workspace = finishWorkspace(ctx, directory)
  return {
    ...workspace,
    close: async () => {
      await workspace.discard()
      removeBoxDirectory(ctx, run)
    },
  }
}
