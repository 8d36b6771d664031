// What is asked of a box that is to stand still: files in its own directory on the host, each with the process that asks.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { boxDirectory } from "../box-directory.ts"
import { isFresh, isOwner, isWaiting, ownIdentity } from "../owner.ts"
import { namesIn } from "../workspace/below.ts"

const QUESTION = /^(ask|kill)-[0-9a-z-]+$/

/** Where a box is asked. */
export const directoryOf = (ctx: Pick<Context, "env">, run: string) => join(boxDirectory(ctx, run), "still")

/** Makes a box's directory of questions. Whoever asks may make it at the same moment. What is above it is never made: that may be being removed. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}

/** What is asked of a box, and what was answered. */
export interface Questions {
  asked: string[]
  /** Somebody kills the box, and froze it for that. */
  killing: boolean
  answered: Set<string>
}

/** What waits in a box's directory of questions; those of processes that are gone are removed. Throws where that cannot be read now: then nothing is let go on, and nobody answered. */
export function readQuestions(directory: string): Questions {
  const found: Questions = { asked: [], killing: false, answered: new Set() }
  for (const name of namesIn(directory)) {
    const [question = "", answered] = name.split(".")
    if (!QUESTION.test(question)) continue
    if (answered !== undefined) found.answered.add(question)
    else if (!isAsking(join(directory, name))) rmSync(join(directory, name), { force: true })
    else if (name.startsWith("kill-")) found.killing = true
    else found.asked.push(name)
  }
  return found
}

/** Somebody may be, where it cannot be told now. */
function isAsking(file: string): boolean {
  try {
    const text = textOf(file)
    if (text === undefined) return isFresh(file)
    const owner: unknown = JSON.parse(text)
    return isOwner(owner) && isWaiting(owner, file)
  } catch (error) {
    // Gone meanwhile; or nobody's, for what is asked is whole from the moment that it has its name.
    return (error as NodeJS.ErrnoException).code !== "ENOENT" && !(error instanceof SyntaxError)
  }
}

/** Undefined where it is another user's, root's for example: who that was is not known here, then or ever. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined
    throw error
  }
}

/** Asks a box under this name, as this process. Whether the box was there to be asked. Throws where the question cannot be written. */
export function askOne(ctx: Pick<Context, "env">, run: string, question: string): boolean {
  const directory = directoryOf(ctx, run)
  const write = () => {
    writeFileSync(join(directory, `new-${question}`), JSON.stringify(ownIdentity()), { mode: 0o600 })
    renameSync(join(directory, `new-${question}`), join(directory, question))
  }
  try {
    write()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    // What is left of it is being removed, and must not get a directory again.
    if (!existsSync(join(boxDirectory(ctx, run), "box.json"))) return false
    try {
      makeDirectory(directory)
      write()
    } catch (again) {
      // Its directory is gone, and so is the box.
      if ((again as NodeJS.ErrnoException).code !== "ENOENT") throw again
      return false
    }
  }
  return true
}

/** Keeps boxes that are being killed from being let go on by their own `run`. Answers with what ends that. Never throws. */
export function markKilled(ctx: Pick<Context, "env">, runs: readonly string[]): () => void {
  const name = `kill-${process.pid}-${Date.now().toString(36)}`
  for (const run of runs) {
    try {
      askOne(ctx, run, name)
    } catch {
      // A full disk must not stand in a kill's way.
    }
  }
  return () => {
    for (const run of runs) {
      try {
        rmSync(join(directoryOf(ctx, run), name), { force: true })
      } catch {
        // Its owner is gone soon.
      }
    }
  }
}

/**
 * Whether somebody who is alive kills a box (`markKilled`), or may, where that cannot be told now: what stands still for that must not be let go
 * on. Never throws.
 */
export function isBeingKilled(ctx: Pick<Context, "env">, run: string): boolean {
  const directory = directoryOf(ctx, run)
  try {
    return namesIn(directory).some((name) => /^kill-[0-9a-z-]+$/.test(name) && isAsking(join(directory, name)))
  } catch {
    return true
  }
}
