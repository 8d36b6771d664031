// What a run left for a person to look at: changes that were neither applied nor discarded, and commits that could not come over.
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { boxDirectory } from "./box-directory.ts"
import { removeBoxDirectory } from "./boxes.ts"
import { RUN_NAME } from "./run-name.ts"
import { finishWorkspace } from "./workspace/finish.ts"
import type { Workspace } from "./workspace/types.ts"

/** The workspace of a run that is over, as it was kept. Errors: usage where nothing of that run is here. */
export function openKept(
  ctx: Context,
  run: string,
): Pick<Workspace, "finish" | "diff" | "apply"> & { close: () => Promise<void> } {
  const directory = boxDirectory(ctx, run)
  if (!RUN_NAME.test(run) || !existsSync(directory))
    throw new NanoguardError("nothing of that run is kept here", {
      exit: EXIT.usage,
      hint: "see what is kept: nanoguard run --review",
    })
  if (existsSync(join(directory, "box.json")))
    throw new NanoguardError("that run is not over, or was left behind", {
      exit: EXIT.usage,
      hint: "nanoguard ps shows it, and cleans up where its nanoguard is gone",
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
