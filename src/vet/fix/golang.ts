// Moves for Go modules. Versions there are minimums, so a newer one is simply asked for.
import type { Move } from "../../packages/commands.ts"
import { restoreSnapshot, takeSnapshot } from "./copy.ts"
import type { Job } from "./job.ts"
import { Unfixable } from "./types.ts"

/** Makes one move and brings go.sum along; throws `Unfixable`. */
export async function moveGo(job: Job, move: Move): Promise<void> {
  if (move.kind === "override")
    await job.run(["go", "mod", "edit", `-replace=${move.name}=${move.name}@${move.version}`], job.dir)
  else await job.run(["go", "get", `${move.name}@${move.kind === "remove" ? "none" : move.version}`], job.dir)
  // Tidying would bring back what the sources still import: removing that is for a person.
  if (move.kind === "remove") return
  const moved = takeSnapshot(job.copy)
  try {
    await job.run(["go", "mod", "tidy"], job.dir)
  } catch (error) {
    // Sources that do not resolve are not for a fix to mend: go.mod has the version, and `go mod tidy` is left to do.
    if (!(error instanceof Unfixable)) throw error
    restoreSnapshot(job.copy, moved)
  }
}
