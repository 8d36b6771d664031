// Moves into control groups that are announced to the kernel, so that the one that a box waits for takes no time.
import { closeSync, existsSync, openSync, write } from "node:fs"
import { join } from "node:path"
import { ownPath, ROOT } from "./cgroup.ts"

/** Milliseconds between two moves, and for how long they are made: a box that starts later waits. */
const AGAIN = 4
const MOVING = 100

/** `under`: moves that the kernel has not answered yet. */
let moving: { file: number; until: number; under: number } | undefined

/**
 * Moves this process into the control group where it is, again and again for a moment, which changes nothing: the kernel waits 10 to 20 ms
 * (an RCU grace period) for a move, unless another one was just made. May be called as often as the box comes nearer.
 */
export function announceMove(): void {
  const until = performance.now() + MOVING
  if (moving !== undefined) {
    // The kernel would not even tell our group before a move that waits is made.
    moving.until = until
    moveOnce(moving, false)
    return
  }
  const unified = existsSync(join(ROOT, "cgroup.controllers"))
  const group = unified ? join(ROOT, ownPath("")) : join(ROOT, "freezer", ownPath("freezer"))
  try {
    moving = { file: openSync(join(group, "cgroup.procs"), "r+"), until, under: 0 }
    moveOnce(moving, true)
  } catch {
    // Where it may not the box waits.
  }
}

/** In a thread of its own, whatever this one is at. */
function moveOnce(moves: NonNullable<typeof moving>, isChain: boolean): void {
  moves.under++
  write(moves.file, "0", (error) => {
    moves.under--
    if (isChain && error === null && performance.now() < moves.until) {
      setTimeout(moveOnce, AGAIN, moves, true).unref()
      return
    }
    if (isChain && moving === moves) moving = undefined
    // The last one closes it: a move that is queued still would write to whatever has its number then.
    if (moving !== moves && moves.under === 0) closeSync(moves.file)
  })
}
