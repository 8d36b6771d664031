// A box stands still while somebody looks at names in a directory that it can write: another process asks by a file in the box's own
// directory on the host, and the box's `nanoguard run`, which alone freezes and thaws it, answers beside it. A question of a process that is
// gone counts for nothing, so that nobody stands still for good.

import { type FSWatcher, rmSync, watch, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { readBoxFile } from "../boxes.ts"
import { isOwnerAlive, keepFresh } from "../owner.ts"
import type { BoxFile } from "../types.ts"
import { listNames } from "../workspace/below.ts"
import { NeighbourBusy } from "./busy.ts"
import { askOne, directoryOf, makeDirectory, readQuestions } from "./questions.ts"

/** Reason for which a box stands still. */
const WHY = "neighbour"
/** Milliseconds between two looks whether who asked is still there, where nothing else says so. */
const LOOK = 500
/** Milliseconds between two looks for an answer. */
const PAUSE = 4
/** Tries to freeze a box: one that is just ending cannot be. */
const TRIES = 3

export interface Answering {
  /** Nothing of the box runs any more: whoever asks is told so at once. */
  over: () => void
  close: () => void
}

/** Has a box stand still for whoever asks, from now on. Costs one directory that is watched. */
export function answerNeighbours(
  ctx: Pick<Context, "env">,
  run: string,
  hand: Record<"freeze" | "thaw", (why: string) => Promise<unknown>>,
): Answering {
  const directory = directoryOf(ctx, run)
  let isOver = false
  let isClosed = false
  let isStill = false
  let turn: Promise<void> = Promise.resolve()
  const settle = async () => {
    const { asked, killing, answered } = readQuestions(directory)
    if (isClosed) return
    const open = asked.filter((name) => !answered.has(name))
    if (asked.length > 0 && !isOver) {
      if (open.length === 0 && isStill) return
      isStill = await freeze()
    } else if (asked.length === 0 && isStill && !killing) {
      // Tried again where it fails, by the clock.
      await hand.thaw(WHY)
      isStill = false
    }
    for (const name of open) answer(directory, name, isOver || isStill ? "yes" : "no")
  }
  const freeze = async () => {
    for (let tries = 1; !isOver; tries++) {
      try {
        await hand.freeze(WHY)
        return true
      } catch {
        if (tries < TRIES) await sleep(100 * tries)
        else {
          await hand.thaw(WHY).catch(() => {})
          return false
        }
      }
    }
    return true
  }
  const wake = () => {
    turn = turn.then(settle).catch(() => {})
  }
  let watcher: FSWatcher | undefined
  try {
    makeDirectory(directory)
    watcher = watch(directory, { persistent: false }, wake)
    watcher.on("error", () => {})
  } catch {
    // Looked at by the clock alone.
  }
  const timer = setInterval(wake, LOOK).unref()
  return {
    over: () => {
      isOver = true
      wake()
    },
    close: () => {
      isClosed = true
      clearInterval(timer)
      watcher?.close()
    },
  }
}

function answer(directory: string, name: string, what: "yes" | "no"): void {
  try {
    writeFileSync(join(directory, `${name}.${what}`), "", { mode: 0o600 })
  } catch {
    // Nobody hears it: who asked gives up in time.
  }
}

/**
 * Has boxes stand still until what is returned is called. A box that ends meanwhile does not matter. Errors: environment (one cannot be
 * stopped where it stands, or its `nanoguard run` does not answer within `patience` milliseconds); then all of them go on.
 */
export async function askStill(
  ctx: Pick<Context, "env">,
  boxes: readonly BoxFile[],
  name: string,
  patience: number,
): Promise<() => void> {
  const question = `ask-${name}`
  const stopRenewing = keepFresh(boxes.map(({ run }) => join(directoryOf(ctx, run), question)))
  const release = () => {
    stopRenewing()
    for (const { run } of boxes)
      for (const ending of ["", ".yes", ".no"]) rmSync(join(directoryOf(ctx, run), question + ending), { force: true })
  }
  const end = performance.now() + patience
  try {
    for (const { run } of boxes) askOne(ctx, run, question)
    await Promise.all(boxes.map((box) => awaitAnswer(ctx, box, question, end)))
    return release
  } catch (error) {
    release()
    throw error
  }
}

async function awaitAnswer(ctx: Pick<Context, "env">, box: BoxFile, question: string, end: number): Promise<void> {
  for (;;) {
    const names = listNames(directoryOf(ctx, box.run))
    if (names.includes(`${question}.yes`) || readBoxFile(ctx, box.run) === undefined) return
    if (names.includes(`${question}.no`)) throw busy(box, `${box.engine} cannot stop it where it stands`)
    if (!isOwnerAlive(box.owner)) throw busy(box, "its nanoguard is gone")
    if (performance.now() > end) throw busy(box, `process ${box.owner.pid} does not answer`)
    await sleep(PAUSE)
  }
}

/** Of a box that has to stand still and does not. */
export const busy = ({ run, agent }: BoxFile, why: string): NeighbourBusy =>
  new NeighbourBusy(
    `${agent} (${run}) works in this directory and could exchange what is looked at: ${why}`,
    `end it (nanoguard kill ${run}), or have each work apart: both with --workspace worktree, or this one in another directory`,
  )
