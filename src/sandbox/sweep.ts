// Cleaning up after a `nanoguard run` that was killed itself: its box is ended, and what it made on the host is undone. Each step may be
// repeated, so that several processes may do it at once, and the next one goes on where this one was killed.
import { lstatSync, realpathSync, rmdirSync, rmSync, unlinkSync } from "node:fs"
import { dirname } from "node:path"
import type { Context } from "../context.ts"
import { isOwnerAlive, listBoxFiles, removeBoxDirectory, removeBoxFile } from "./boxes.ts"
import { endBoxes, findBoxes } from "./end.ts"
import type { BoxFile, Engine } from "./types.ts"

/** Undoes what a workspace left on the host. Resolves with what a person has to look at: then the directory of the box stays. */
export type SweepWorkspace = (box: BoxFile, path: string) => Promise<string | undefined>

export interface Swept {
  run: string
  agent: string
  /** What is still there, as sentences; the next start tries again. */
  problems: string[]
  /** What was kept for a person. */
  kept: string[]
}

/**
 * Ends and removes the boxes whose owner is gone. With nothing to do it costs one look at a directory, and no engine is asked. A run that
 * is just starting is let be: its file names a process that lives.
 */
export async function sweepBoxes(
  ctx: Pick<Context, "env">,
  engines: readonly Engine[],
  sweepWorkspace?: SweepWorkspace,
): Promise<Swept[]> {
  const lost = listBoxFiles(ctx).boxes.filter(({ owner }) => !isOwnerAlive(owner))
  if (lost.length === 0) return []
  const needed = engines.filter(({ name }) => lost.some(({ engine }) => engine === name))
  const { boxes, engines: answers } = await findBoxes(needed)
  const swept: Swept[] = []
  for (const box of lost) {
    const one: Swept = { run: box.run, agent: box.agent, problems: [], kept: [] }
    swept.push(one)
    const answer = answers.find(({ engine }) => engine.name === box.engine)
    if (answer === undefined)
      one.problems.push(`${box.engine} is not here any more: what ran in it cannot be looked for`)
    else if (answer.problem !== undefined) one.problems.push(answer.problem)
    else one.problems.push(...(await endBoxes(boxes.filter(({ found }) => found.run === box.run))))
    // What may still run may still write there.
    if (one.problems.length > 0) continue
    await undo(ctx, box, one, sweepWorkspace)
  }
  return swept
}

async function undo(
  ctx: Pick<Context, "env">,
  box: BoxFile,
  swept: Swept,
  sweepWorkspace: SweepWorkspace | undefined,
): Promise<void> {
  // What was made last lies deepest.
  for (const leftover of box.leftovers.toReversed()) {
    try {
      if (leftover.kind !== "workspace") removeLeftover(box.run, leftover)
      else if (sweepWorkspace === undefined) swept.kept.push(`what the agent did is in ${leftover.path}`)
      else {
        const kept = await sweepWorkspace(box, leftover.path)
        if (kept !== undefined) swept.kept.push(kept)
      }
    } catch (error) {
      swept.problems.push(`${leftover.path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (swept.problems.length > 0) return
  if (swept.kept.length > 0) removeBoxFile(ctx, box.run)
  else removeBoxDirectory(ctx, box.run)
}

/** Removes what was made as empty only where it still is; a directory with all that is in it only where its name is this run's own. */
function removeLeftover(run: string, { kind, path }: BoxFile["leftovers"][number]): void {
  try {
    // The agent may have put a link in place of what the path leads through.
    if (realpathSync(dirname(path)) !== dirname(path)) return
    if (kind === "empty-directory") rmdirSync(path)
    else if (kind === "empty-file") {
      const stats = lstatSync(path)
      if (stats.isFile() && stats.size === 0) unlinkSync(path)
    } else if (path.split("/").some((part) => part === run || part === `nanoguard-${run}`))
      rmSync(path, { recursive: true, force: true })
    else throw new Error("is no directory of this run, and is left alone")
  } catch (error) {
    // Gone already, or in use by now: no leftover any more.
    const code = (error as NodeJS.ErrnoException).code ?? ""
    if (!["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(code)) throw error
  }
}
