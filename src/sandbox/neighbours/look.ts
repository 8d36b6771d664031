// A look at the names of a workspace during which nothing of any box changes them. What is checked there and then used (mounted, made, copied,
// renamed, removed) is the same thing both times only because of that.
import { statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { cleanText } from "../../render/clean.ts"
import { boxDirectory } from "../box-directory.ts"
import { listBoxFiles } from "../boxes.ts"
import { openEngines } from "../engines/index.ts"
import { isOwnerAlive } from "../owner.ts"
import type { BoxFile } from "../types.ts"
import { claimPlaces, overlap, type Wanted } from "./claims.ts"
import { askStill, busy } from "./still.ts"
import { requireOver } from "./unreadable.ts"

export interface Look {
  /** What a box of a process that is gone left, and was cleaned up on the way. */
  notes: readonly string[]
  /** Other boxes stand still because of it. */
  readonly holdsOthers: boolean
  readonly isOpen: boolean
  /** Once, or again. */
  close: () => void
}

export interface LookRequest extends Wanted {
  /** The box whose look it is: it need not stand still for itself. */
  run?: string
  /** Boxes that were ended already, whatever their files say. */
  ended?: ReadonlySet<string>
  /** Ends the waiting for others; its reason is thrown. */
  interrupted?: AbortSignal
}

/** Milliseconds to wait for another start or end; less than the gate waits for a box that nobody listens to (60 s). */
const OTHERS = 40_000
/** Milliseconds for a box to stand still. */
const STILL = 10_000

/**
 * Opens a look: other looks at these places are waited for, and boxes that can write there stand still until it is closed. What a run that was
 * killed left behind is cleaned up on the way, wherever it is. Costs two small files where there is nobody. Errors: environment, and
 * the reason of `interrupted`.
 */
export async function openLook(ctx: Context, request: LookRequest): Promise<Look> {
  const { places, alone, interrupted } = request
  const ended = new Set(request.ended)
  const notes: string[] = []
  const isOther = (run: string) => run !== request.run && !ended.has(run)
  const others = () => {
    const { boxes, unreadable } = listBoxFiles(ctx)
    return { all: boxes.filter(({ run }) => isOther(run)), unreadable: unreadable.filter(isOther) }
  }
  const isNear = ({ writes }: Pick<BoxFile, "writes">) => overlap(writes, places)
  const cleanUp = async () => {
    const near = new Set(others().all.flatMap((box) => (isNear(box) ? [box.run] : [])))
    const { sweepBoxes } = await import("../sweep.ts")
    for (const { run, isOver, kept, problems, notes: said } of await sweepBoxes(ctx, openEngines(ctx))) {
      // What could not be undone changes no names.
      if (isOver) ended.add(run)
      if (problems.length > 0) noteAttempt(ctx, run)
      // What cannot be ended elsewhere is in nobody's way here: `ps` says it.
      const told = [...said, ...kept, ...(near.has(run) ? problems : [])]
      notes.push(...told.map((text) => cleanText(`${run} was left behind: ${text}`)))
    }
  }
  // Once, and not in a look that is part of that itself: to undo what was left is a look of its own.
  for (let mayClean = request.ended === undefined; ; mayClean = false) {
    const claim = places.length === 0 ? undefined : await claimPlaces(ctx, { places, alone }, OTHERS, interrupted)
    try {
      const { all, unreadable } = others()
      const near = all.filter(isNear)
      const isDue = (box: BoxFile) => isLost(box) && (near.includes(box) || !wasTried(ctx, box.run))
      if (!mayClean || !all.some(isDue)) {
        const lost = near.find(isLost)
        if (lost !== undefined) throw busy(lost, "it was left behind, and could not be ended")
        if (claim === undefined) return heldLook(notes, false, [])
        await requireOver(ctx, unreadable)
        const release = await askStill(ctx, near, claim.name, STILL)
        return heldLook(notes, near.length > 0, [release, claim.release])
      }
    } catch (error) {
      claim?.release()
      throw error
    }
    claim?.release()
    await cleanUp()
  }
}

/** Does something during a look: within `held` where that is open, else in one of its own. */
export async function withLook<T>(
  ctx: Context,
  request: LookRequest,
  held: Look | undefined,
  work: () => Promise<T> | T,
): Promise<T> {
  if (held?.isOpen) return await work()
  const look = await openLook(ctx, request)
  try {
    return await work()
  } finally {
    look.close()
  }
}

const isLost = ({ owner }: BoxFile) => !isOwnerAlive(owner)

/** Milliseconds before starts elsewhere try again what did not work: an engine that hangs takes seconds. */
const TRY_AGAIN = 5 * 60_000

const attemptOf = (ctx: Pick<Context, "env">, run: string) => join(boxDirectory(ctx, run), "left-behind")

function wasTried(ctx: Pick<Context, "env">, run: string): boolean {
  const tried = statSync(attemptOf(ctx, run), { throwIfNoEntry: false })
  return tried !== undefined && Math.abs(Date.now() - tried.mtimeMs) < TRY_AGAIN
}

function noteAttempt(ctx: Pick<Context, "env">, run: string): void {
  try {
    writeFileSync(attemptOf(ctx, run), "", { mode: 0o600 })
  } catch {
    // Then the next start tries again.
  }
}

function heldLook(notes: readonly string[], holdsOthers: boolean, ends: (() => void)[]): Look {
  let isOpen = true
  return {
    notes,
    holdsOthers,
    get isOpen() {
      return isOpen
    },
    close: () => {
      if (!isOpen) return
      isOpen = false
      for (const end of ends) end()
    },
  }
}
