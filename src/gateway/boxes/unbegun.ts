// Boxes that were opened and never began: their directory is all that there is of them, and no `nanoguard run` cleans it up.
import { lstatSync, readdirSync } from "node:fs"
import { dirname } from "node:path"
import type { Context } from "../../context.ts"
import { boxDirectory } from "../../sandbox/box-directory.ts"
import { RUN_NAME } from "../../sandbox/run-name.ts"
import { mountedDirectory, removeMounted } from "./directory.ts"

/** Milliseconds after which a run that still prepares its box is none: far more than the look at any workspace takes. */
const OLD = 3_600_000

/**
 * Whether there is nothing of a run but what would be mounted. Whoever runs a box writes a file of it there before it is launched, and takes
 * that away after nothing of it runs any more. Throws what the file system says.
 */
export function isUnbegun(ctx: Pick<Context, "env">, run: string): boolean {
  const places = [boxDirectory(ctx, run), dirname(mountedDirectory(ctx, run))]
  return places.flatMap(namesIn).every((name) => name === "box")
}

/**
 * Removes what gates before this one left of boxes that never began, an hour after it was made and later; whatever else is there, is no
 * directory of this user's, or cannot be looked at stays. `now` in milliseconds since the epoch. What goes wrong is told to `onTrouble`.
 */
export function sweepUnbegun(ctx: Pick<Context, "env">, now: number, onTrouble: (error: unknown) => void): void {
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (error) {
      onTrouble(error)
    }
  }
  attempt(() => {
    const place = dirname(dirname(mountedDirectory(ctx, "run-000000000000")))
    // Each by itself: one that cannot be looked at keeps no other.
    for (const run of namesIn(place).filter((name) => RUN_NAME.test(name))) attempt(() => sweepRun(ctx, run, now))
  })
}

function sweepRun(ctx: Pick<Context, "env">, run: string, now: number): void {
  const directory = mountedDirectory(ctx, run)
  if ([dirname(directory), directory].every((one) => isOld(one, now)) && isUnbegun(ctx, run)) removeMounted(ctx, run)
}

function isOld(directory: string, now: number): boolean {
  const stats = lstatSync(directory, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isDirectory() || stats.uid !== process.getuid?.()) return false
  return now - Math.max(stats.mtimeMs, stats.ctimeMs) > OLD
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}
