// Cleaning up after a `nanoguard run` that was killed itself: its box is ended, and what it made on the host is undone. Each step may be
// repeated, so that several processes may do it at once, and the next one goes on where this one was killed.
import { lstatSync, realpathSync, rmdirSync, rmSync, unlinkSync } from "node:fs"
import { dirname } from "node:path"
import type { Context } from "../context.ts"
import { cleanText } from "../render/clean.ts"
import { listBoxFiles, removeBoxDirectory, removeBoxFile } from "./boxes.ts"
import { endBoxes, findBoxes } from "./end.ts"
import { isOwnerAlive } from "./owner.ts"
import type { BoxFile, Engine } from "./types.ts"
import { isStuck } from "./workspace/stuck.ts"
import type { WorkspaceReport } from "./workspace/types.ts"

export interface Swept {
  run: string
  agent: string
  /** What is still there, as sentences; the next start tries again. */
  problems: string[]
  /** Nothing of it runs any more, whatever is left to be undone. */
  isOver: boolean
  /** What was kept for a person. */
  kept: string[]
  /** What a person should know of what it did, as sentences; cleaned. */
  notes: string[]
}

/**
 * Ends and removes the boxes whose owner is gone. With nothing to do it costs one look at a directory, and no engine is asked; `thorough`
 * asks all of them, and ends what runs without a file, too. A run that is just starting is let be: its file is there before its box is, and
 * names a process that lives.
 */
export async function sweepBoxes(
  ctx: Context,
  engines: readonly Engine[],
  { thorough = false }: { thorough?: boolean } = {},
): Promise<Swept[]> {
  const isLost = ({ owner }: BoxFile) => !isOwnerAlive(owner)
  if (!thorough && !listBoxFiles(ctx).boxes.some(isLost)) return []
  // Boxes first: whatever they are, their files were there before them.
  const { boxes, engines: answers } = await findBoxes(engines)
  const files = listBoxFiles(ctx)
  const swept: Swept[] = []
  const ended: [BoxFile, Swept][] = []
  for (const box of files.boxes.filter(isLost)) {
    const one: Swept = { run: box.run, agent: box.agent, isOver: false, problems: [], kept: [], notes: [] }
    swept.push(one)
    const answer = answers.find(({ engine }) => engine.name === box.engine)
    if (answer === undefined)
      one.problems.push(`${box.engine} is not here any more: what ran in it cannot be looked for`)
    else if (answer.problem !== undefined) one.problems.push(answer.problem)
    else one.problems.push(...(await endBoxes(boxes.filter(({ found }) => found.run === box.run))))
    // What may still run may still write there.
    one.isOver = one.problems.length === 0
    if (one.isOver) ended.push([box, one])
  }
  const runs = new Set(ended.map(([{ run }]) => run))
  for (const [box, one] of ended) await undo(ctx, box, one, runs)
  const isKnown = (run: string) => files.boxes.some((box) => box.run === run) || files.unreadable.includes(run)
  for (const box of boxes.filter(({ found }) => !isKnown(found.run))) {
    const { run, agent } = box.found
    const problems = await endBoxes([box])
    swept.push({ run, agent, isOver: problems.length === 0, problems, kept: [], notes: [] })
  }
  return swept
}

async function undo(ctx: Context, box: BoxFile, swept: Swept, ended: ReadonlySet<string>): Promise<void> {
  // First: what says that it is not recorded yet goes with the rest, and stays where that fails.
  let isRecorded = true
  try {
    const { recordSwept } = await import("./record-swept.ts")
    await recordSwept(ctx, box)
  } catch (error) {
    isRecorded = false
    swept.problems.push(`its end is not in the record: ${error instanceof Error ? error.message : String(error)}`)
  }
  // What was made last lies deepest.
  for (const leftover of box.leftovers.toReversed()) {
    try {
      if (leftover.kind !== "workspace") removeLeftover(box.run, leftover)
      else {
        const { sweepWorkspace } = await import("./workspace/sweep.ts")
        const report = await sweepWorkspace(ctx, leftover, { ended, keep: !isRecorded })
        if (report !== undefined) swept.notes.push(...notesOf(report))
        if (report?.problem !== undefined) swept.kept.push(report.problem)
        else if (report?.review) swept.kept.push(`what it changed waits for your review in ${leftover.path}`)
        else if (report?.git?.problem !== undefined)
          swept.kept.push(`its commits lie in ${leftover.path}: ${report.git.problem}`)
        else if (report !== undefined && isStuck(report))
          swept.kept.push(`what did not come over lies in ${leftover.path}: ${(report.git?.left ?? []).join(", ")}`)
      }
    } catch (error) {
      swept.problems.push(`${leftover.path}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (swept.problems.length > 0) return
  try {
    if (swept.kept.length > 0) removeBoxFile(ctx, box.run)
    else removeBoxDirectory(ctx, box.run)
  } catch (error) {
    swept.problems.push(`what it left cannot be removed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What runs on the host, or was taken out of the way of that: the box's own `run`, which would have said so, is gone. */
function notesOf({ mode, root, changes }: WorkspaceReport): string[] {
  const meant = changes.filter(({ runs, refused }) => runs !== undefined || refused !== undefined)
  if (mode !== "direct" || meant.length === 0) return []
  const shown = meant
    .slice(0, 5)
    .map(({ path, refused }) => cleanText(refused === undefined ? path : `${path} (${refused})`, 200))
  const more = meant.length > shown.length ? ` and ${meant.length - shown.length} more` : ""
  return [`it changed what runs on your host, in ${cleanText(root, 200)}: ${shown.join(", ")}${more}`]
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
