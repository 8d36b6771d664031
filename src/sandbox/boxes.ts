// What the state directory keeps of each box while it is there: `<state>/boxes/<run>/box.json`, written before the box starts and removed
// after everything of it is gone. Whoever finds one whose owner is dead cleans up.
import { existsSync, readdirSync, renameSync } from "node:fs"
import { isAbsolute, join, normalize } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { isList, isRecord } from "../packages/registries/values.ts"
import { ENGINES } from "../policy/sandbox-names.ts"
import { prepareDirectory } from "../store/sqlite/files.ts"
import { MAX_PRIVATE, readPrivate, writePrivate } from "../vault/private-file.ts"
import { boxDirectory, boxesDirectory } from "./box-directory.ts"
import { isTargetName } from "./kills/types.ts"
import { isOwner } from "./owner.ts"
import { RUN_NAME } from "./run-name.ts"
import type { BoxFile } from "./types.ts"
import { removeTree } from "./workspace/below.ts"

const ENGINE_NAMES: ReadonlySet<unknown> = new Set(ENGINES)
const LEFTOVERS: ReadonlySet<unknown> = new Set(["empty-directory", "empty-file", "directory", "workspace"])

/** Most boxes that are looked at, far beyond what a machine runs, and most of a box's lists. */
const MAX_BOXES = 20_000
const MAX_LIST = 10_000

const fileOf = (ctx: Pick<Context, "env">, run: string) => join(boxDirectory(ctx, run), "box.json")

/** Writes what a box is, in the place of what was there. Errors: environment, also where `readBoxFile` would not take it: nobody would see that box. */
export function writeBoxFile(ctx: Pick<Context, "env">, box: BoxFile): void {
  const text = JSON.stringify(box)
  if (!isBoxFile(box) || Buffer.byteLength(text) > MAX_PRIVATE)
    throw new NanoguardError("the file of the box would be one that nobody reads", {
      exit: EXIT.environment,
      hint: "a name, a path or a list of it is too long: see the operator, the agent, and the policy's mounts",
      where: { file: fileOf(ctx, box.run) },
    })
  prepareDirectory(stateHome(ctx))
  prepareDirectory(boxesDirectory(ctx))
  prepareDirectory(boxDirectory(ctx, box.run))
  writePrivate(fileOf(ctx, box.run), text, "the file of the box", true)
}

/** What a box is; undefined where there is none. Errors: environment (unreadable, or not what this program writes). */
export function readBoxFile(ctx: Pick<Context, "env">, run: string): BoxFile | undefined {
  const file = fileOf(ctx, run)
  const text = readPrivate(file, "the file of the box")
  if (text === undefined) return undefined
  const box = parse(text)
  if (isBoxFile(box) && box.run === run) return box
  throw new NanoguardError("the file of the box is damaged, or of another version of nanoguard", {
    exit: EXIT.environment,
    hint: "see what still runs with `nanoguard ps`, then remove its directory",
    where: { file },
  })
}

export interface BoxFiles {
  /** Oldest first. */
  boxes: BoxFile[]
  /** What was wrong with the others: one sentence each. */
  problems: string[]
  /** Runs of those: what they are is not known, and they may go on. */
  unreadable: string[]
}

/** Boxes that have a file, `most` of them; those beyond count as unreadable. Never throws for what one of them holds. */
export function listBoxFiles(ctx: Pick<Context, "env">, most = MAX_BOXES): BoxFiles {
  const directory = boxesDirectory(ctx)
  if (!existsSync(directory)) return { boxes: [], problems: [], unreadable: [] }
  const boxes: BoxFile[] = []
  const problems: string[] = []
  const unreadable: string[] = []
  // What runs left for a person has no such file, and may be many.
  const runs = readdirSync(directory).filter((name) => RUN_NAME.test(name) && existsSync(fileOf(ctx, name)))
  const beyond = runs.splice(most)
  if (beyond.length > 0) {
    unreadable.push(...beyond)
    problems.push(
      `${directory} has files of ${beyond.length} boxes more than the ${most} that are looked at: end or remove some`,
    )
  }
  for (const run of runs) {
    try {
      const box = readBoxFile(ctx, run)
      if (box) boxes.push(box)
    } catch (error) {
      unreadable.push(run)
      problems.push(`${run}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { boxes: boxes.sort((a, b) => a.started - b.started), problems, unreadable }
}

/** Removes what the state directory has of a box; fine where there is nothing. */
export function removeBoxDirectory(ctx: Pick<Context, "env">, run: string): void {
  if (RUN_NAME.test(run)) removeTree(boxDirectory(ctx, run))
}

/** Removes a box from the list, and leaves what else its directory has, with what the box was (`readKeptFile`). */
export function removeBoxFile(ctx: Pick<Context, "env">, run: string): void {
  if (RUN_NAME.test(run) && existsSync(fileOf(ctx, run))) renameSync(fileOf(ctx, run), keptFileOf(ctx, run))
}

const keptFileOf = (ctx: Pick<Context, "env">, run: string) => join(boxDirectory(ctx, run), "kept.json")

/** What a box was whose changes were kept; undefined where that is not known. */
export function readKeptFile(ctx: Pick<Context, "env">, run: string): BoxFile | undefined {
  const box = parse(readPrivate(keptFileOf(ctx, run), "the file of the box") ?? "")
  return isBoxFile(box) && box.run === run ? box : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isBoxFile(value: unknown): value is BoxFile {
  if (!isRecord(value) || value["schema"] !== "nanoguard.box/1") return false
  const { run, agent, operator, project, engine, owner, started, parent, command, writes, leftovers } = value
  return (
    isText(run, 20) &&
    RUN_NAME.test(run) &&
    isText(agent, 64) &&
    isTargetName(agent) &&
    isText(operator, 200) &&
    isText(project, 4096) &&
    ENGINE_NAMES.has(engine) &&
    isOwner(owner) &&
    Number.isSafeInteger(started) &&
    (parent === undefined || (isText(parent, 64) && isTargetName(parent))) &&
    isList(command, MAX_LIST, (word) => typeof word === "string") &&
    isList(writes, MAX_LIST, isPath) &&
    isList(leftovers, MAX_LIST, isLeftover)
  )
}

const isText = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most

function isLeftover(value: unknown): boolean {
  if (!isRecord(value) || !LEFTOVERS.has(value["kind"])) return false
  return isPath(value["path"])
}

const isPath = (path: unknown) =>
  isText(path, 4096) && isAbsolute(path) && normalize(path) === path && !path.includes("\0")
