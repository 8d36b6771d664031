// A box whose process cannot be seen from here: what a person is told who waits for its end.
import type { Context } from "../context.ts"
import { boxDirectory } from "./box-directory.ts"
import { isElsewhere } from "./owner.ts"
import type { BoxFile } from "./types.ts"

/** What to do about a box of another machine or container that no engine here has; undefined where its process can be seen. */
export function noteElsewhere(
  ctx: Pick<Context, "env">,
  { run, owner }: Pick<BoxFile, "run" | "owner">,
): string | undefined {
  if (!isElsewhere(owner)) return undefined
  return (
    `${run}: its process ${owner.pid} is of another machine or container, or of before a restart where there is no /etc/machine-id: ` +
    `nobody here can tell whether it lives. End it there; where that is gone, remove ${boxDirectory(ctx, run)}`
  )
}
