// Boxes that have the same workspace at once: a mount point that one of them still has a mask on must stay, because removing it on the
// host takes the mask away. One file a box, below the state directory.
import { createHash } from "node:crypto"
import { lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { namesIn } from "./below.ts"
import { isPlainWay } from "./places.ts"

/** Mount points of other boxes of this workspace: absolute paths. */
export function pointsOfOthers(state: string, root: string, run: string): string[] {
  const directory = placeOf(state, root)
  return namesIn(directory).flatMap((name) => (name === run ? [] : readPoints(join(directory, name))))
}

/** None of a box that is gone, or of a file that a full disk left empty: it is written before anything is made. */
function readPoints(file: string): string[] {
  try {
    const points: unknown = JSON.parse(readFileSync(file, "utf8"))
    return Array.isArray(points) ? points.filter((point) => typeof point === "string") : []
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}

const placeOf = (state: string, root: string) =>
  join(state, "workspaces", createHash("sha256").update(root).digest("hex").slice(0, 24))

/** Says that a box has these mount points, before it starts. */
export function claimPoints(state: string, root: string, run: string, points: readonly string[]): void {
  const directory = placeOf(state, root)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileSync(join(directory, run), JSON.stringify(points), { mode: 0o600 })
}

/** Whether a box has said so, and is not released yet. */
export function hasPoints(state: string, root: string, run: string): boolean {
  return lstatSync(join(placeOf(state, root), run), { throwIfNoEntry: false }) !== undefined
}

/** Once a box is over: removes its mount points that are empty directories still and that no other box has. Fine where it is done already. */
export function releasePoints(state: string, root: string, run: string): void {
  const directory = placeOf(state, root)
  const own = readPoints(join(directory, run))
  const others = new Set(pointsOfOthers(state, root, run))
  // Deepest first.
  for (const point of own.toSorted((a, b) => b.length - a.length)) {
    // The box may have put a link in place of what leads there.
    if (others.has(point) || !isPlainWay(point)) continue
    try {
      if (lstatSync(point).isDirectory()) rmdirSync(point)
    } catch {
      // It is gone, something is in it, or the box took the rights to it away: it is somebody's now.
    }
  }
  rmSync(join(directory, run), { force: true })
  try {
    rmdirSync(directory)
  } catch {
    // Others are there.
  }
}
